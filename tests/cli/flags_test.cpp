// Spellings of flags, switches, precedence on the command line, and complaints.
#include "cli/flags.h"

#include <gtest/gtest.h>

#include <set>

#include "settings/run_config.h"
#include "util/check.h"

namespace dtrain::cli {
namespace {

Arguments parse(const std::vector<std::string>& words) {
  settings::RunConfig defaults;
  return parse_arguments(words, config::collect(defaults));
}

// "path=text path=text ...", as the reader gets them.
std::string settings(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& setting : parse(words).overrides) {
    out += (out.empty() ? "" : " ") + setting.path + "=" + setting.text;
  }
  return out;
}

std::string complaint(const std::vector<std::string>& words) {
  try {
    parse(words);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    return error.cause();
  }
  return "none";
}

TEST(Flags, take_values_behind_a_blank_or_an_equals_sign) {
  EXPECT_EQ(settings({"--lr", "0.1", "--epochs=3"}), "optimizer.lr=0.1 run.epochs=3");
  EXPECT_EQ(settings({"-b", "64", "-j8", "-a", "resnet34"}),
            "loader.batch_size=64 loader.workers=8 model.name=resnet34");
  EXPECT_EQ(settings({"--lr", "-1", "--resume="}), "optimizer.lr=-1 run.resume=");
  EXPECT_EQ(settings({"--output", "a=b c,d"}), "run.output=a=b c,d");
}

TEST(Flags, know_the_names_users_bring_from_other_trainers) {
  for (const FlagRow& row : flag_rows()) {
    for (const char* spelling : row.spellings) {
      const std::string value = row.on != nullptr ? "True" : "1";
      const auto parsed = parse({spelling, value}).overrides;
      ASSERT_EQ(parsed.size(), 1u) << spelling;
      EXPECT_EQ(parsed[0].path, row.path) << spelling;
    }
  }
  EXPECT_EQ(settings({"--arch", "resnet18", "--opt", "sgd", "--wd", "0"}),
            "model.name=resnet18 optimizer.name=sgd optimizer.weight_decay=0");
}

TEST(Flags, treat_dash_and_underscore_alike) {
  EXPECT_EQ(settings({"--data_dir", "x", "--weight-decay", "0", "--log_interval=1"}),
            "data.data_dir=x optimizer.weight_decay=0 run.log_interval=1");
}

TEST(Flags, exist_for_every_field) {
  settings::RunConfig defaults;
  const auto list = config::collect(defaults);
  for (const auto& field : list.all()) {
    EXPECT_EQ(settings({"--" + field.path + "=1"}).substr(0, field.path.size()), field.path);
    for (const auto& flag : flags_of(field.path))
      EXPECT_NE(parse({flag, "1"}).overrides.size(), 0u);
  }
  EXPECT_EQ(settings({"--optimizer.beta2", "0.9"}), "optimizer.beta2=0.9");
}

TEST(Flags, of_the_table_belong_to_existing_fields_and_are_unique) {
  settings::RunConfig defaults;
  const auto list = config::collect(defaults);
  std::set<std::string> seen;
  for (const FlagRow& row : flag_rows()) {
    EXPECT_NE(config::find_field(list, row.path), nullptr) << row.path;
    for (const char* spelling : row.spellings)
      EXPECT_TRUE(seen.insert(spelling).second) << spelling;
  }
}

TEST(Flags, that_switch_may_stand_alone_take_a_truth_value_or_be_negated) {
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"--sync-bn"}, {"--sync-bn", "True"}, {"--sync_bn", "true"}, {"--sync-bn=1"}}) {
    EXPECT_EQ(settings(words), "dist.sync_bn=true");
  }
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"--no-sync-bn"}, {"--no_sync_bn"}, {"--sync-bn", "False"}, {"--sync-bn=off"}}) {
    EXPECT_EQ(settings(words), "dist.sync_bn=false");
  }
  EXPECT_EQ(settings({"--sync-bn", "--lr", "1"}), "dist.sync_bn=true optimizer.lr=1");
  EXPECT_EQ(settings({"--no-optimizer.nesterov"}), "optimizer.nesterov=false");
  EXPECT_EQ(settings({"--sync-bn=maybe"}), "dist.sync_bn=maybe");  // for the reader to refuse
}

TEST(Flags, for_mixed_precision_choose_the_precision) {
  EXPECT_EQ(settings({"--amp"}), "train.precision=bfloat16");
  EXPECT_EQ(settings({"--amp", "False"}), "train.precision=float32");
  EXPECT_EQ(settings({"--no-amp"}), "train.precision=float32");
  EXPECT_EQ(settings({"--amp-dtype", "bfloat16"}), "train.precision=bfloat16");
}

TEST(Flags, set_any_field_by_its_path_in_the_order_given) {
  EXPECT_EQ(settings({"--set", "optimizer.lr=1", "--lr", "2", "--set=run.output=a=b"}),
            "optimizer.lr=1 optimizer.lr=2 run.output=a=b");
  EXPECT_EQ(complaint({"--set", "lr"}), "--set: takes section.key=value, but got \"lr\"");
  EXPECT_NE(complaint({"--set", "=1"}), "none");
}

TEST(Flags, say_where_a_value_came_from) {
  const auto parsed = parse({"-b", "1", "--wd", "0", "--set", "run.seed=1"}).overrides;
  EXPECT_EQ(parsed[0].origin, "command line -b");
  EXPECT_EQ(parsed[1].origin, "command line --wd");
  EXPECT_EQ(parsed[2].origin, "command line --set");
}

TEST(Flags, name_the_config_file_once) {
  EXPECT_EQ(parse({"--config", "a.json"}).config_file, "a.json");
  EXPECT_EQ(complaint({"--config", "a", "--config", "b"}), "--config: is given twice");
}

TEST(Flags, that_are_unknown_are_all_listed_with_the_nearest_name) {
  EXPECT_EQ(complaint({"--bach-size", "64", "--epoch=3", "--lr", "1", "--zzzzzzzz"}),
            "3 problems: (1) --bach-size: unknown flag (did you mean --batch-size?) "
            "(2) --epoch: unknown flag (did you mean --epochs?) (3) --zzzzzzzz: unknown flag");
  EXPECT_EQ(complaint({"-batch-size", "64"}),
            "-batch-size: unknown flag (did you mean --batch-size?)");
  EXPECT_EQ(complaint({"--no-epochs"}), "--no-epochs: unknown flag (did you mean --epochs?)");
  EXPECT_EQ(complaint({"-x"}), "-x: unknown flag");
  EXPECT_EQ(complaint({"---"}), "---: unknown flag");
  EXPECT_EQ(complaint({"--=3"}), "--: unknown flag");
  EXPECT_EQ(complaint({"-hx"}), "-hx: unknown flag");
}

TEST(Flags, without_their_value_are_complained_about) {
  EXPECT_EQ(complaint({"--epochs", "2", "--lr"}), "--lr: is missing its value");
  EXPECT_EQ(complaint({"-b"}), "-b: is missing its value");
  EXPECT_EQ(complaint({"--set"}), "--set: is missing its value");
}

TEST(Flags, leave_other_words_as_positionals) {
  const auto parsed = parse({"a.json", "--lr", "1", "b", "--", "--lr"});
  EXPECT_EQ(parsed.positionals, (std::vector<std::string>{"a.json", "b", "--lr"}));
  EXPECT_TRUE(parse({"-h"}).help);
  EXPECT_TRUE(parse({"--help"}).help);
}

TEST(Flags, survive_very_long_and_strange_arguments) {
  EXPECT_EQ(parse({"--output", std::string(1000000, 'x')}).overrides[0].text.size(), 1000000u);
  EXPECT_NE(complaint({"--" + std::string(1000000, 'x')}), "none");
  EXPECT_EQ(settings({"--output", "\x01\xff"}), "run.output=\x01\xff");
  EXPECT_EQ(parse({"-", ""}).positionals.size(), 2u);
}

}  // namespace
}  // namespace dtrain::cli
