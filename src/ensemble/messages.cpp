#include "ensemble/messages.h"

#include "config/json.h"

namespace dtrain::ensemble {
namespace {

using config::Json;

constexpr const char* kMessage = "a message between ranks";

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json json_of(const std::optional<Error>& failure) {
  if (!failure) return {};
  std::string subject = failure->subject();
  for (const std::string& place : failure->places()) subject += ", " + place;
  return {{"code", int(failure->code())},
          {"subject", subject},
          {"cause", failure->cause()},
          {"advice", failure->advice()}};
}

Json json_of(std::optional<int64_t> member) { return member ? Json(*member) : Json(); }

std::optional<Error> failure_of(const Json& json) {
  if (json.is_null()) return std::nullopt;
  return Error(ExitCode(json.at("code").get<int>()),
               json.at("subject").get<std::string>(),
               json.at("cause").get<std::string>(),
               json.at("advice").get<std::string>());
}

std::optional<int64_t> member_of(const Json& json) {
  if (json.is_null()) return std::nullopt;
  return json.get<int64_t>();
}

template <class Read>
auto read_message(const std::string& message, const Read& read) {
  const Json root = config::parse_json(message, kMessage, {.code = ExitCode::kGaveUp}).root;
  try {
    return read(root);
  } catch (const Json::exception& error) {
    throw Error(ExitCode::kGaveUp, kMessage, error.what(), "please report this with the log");
  }
}

}  // namespace

std::string outcome_message(const Outcome& outcome) {
  return text_of({{"failure", json_of(outcome.failure)}, {"is_own", outcome.is_own}});
}

std::string report_message(const GroupReport& report) {
  return text_of({{"group", report.group},
                  {"member", json_of(report.member)},
                  {"failure", json_of(report.failure)},
                  {"was_stopped", report.was_stopped}});
}

std::string answer_message(std::optional<int64_t> member) {
  return text_of({{"member", json_of(member)}});
}

Outcome read_outcome(const std::string& message) {
  return read_message(message, [](const Json& root) {
    return Outcome{failure_of(root.at("failure")), root.at("is_own").get<bool>()};
  });
}

GroupReport read_report(const std::string& message) {
  return read_message(message, [](const Json& root) {
    return GroupReport{root.at("group").get<int64_t>(),
                       member_of(root.at("member")),
                       failure_of(root.at("failure")),
                       root.at("was_stopped").get<bool>()};
  });
}

std::optional<int64_t> read_answer(const std::string& message) {
  return read_message(message, [](const Json& root) { return member_of(root.at("member")); });
}

}  // namespace dtrain::ensemble
