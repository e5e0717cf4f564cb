// What a vote was made of, kept beside it.
#include "report/vote_record.h"

#include <gtest/gtest.h>

#include <cmath>

#include "config/json.h"
#include "tests/predictions/table.h"
#include "tests/support/mentions.h"
#include "tests/support/temp_folder.h"
#include "util/atomic_file.h"

namespace dtrain::report {
namespace {

namespace fs = std::filesystem;
using config::Json;
using dtrain::testing::error_text;
using dtrain::testing::mentions;
using predictions::VoteResult;

constexpr int64_t kSamples = 60, kClasses = 3;

class VoteRecordTest : public ::testing::Test {
 protected:
  // `right` samples have the target's logit raised.
  fs::path member(const std::string& name, int64_t right) const {
    std::vector<float> logits = dtrain::testing::logits_of(right, kSamples, kClasses);
    for (int64_t i = 0; i < right; ++i) logits[size_t(i * kClasses + i % kClasses)] = 9;
    predictions::PredictionsHeader header = dtrain::testing::header_of(kClasses);
    header.model_fingerprint = name;
    header.temperature = 1.25;
    const fs::path path = ensemble_ / "members" / name / "predictions-test.h5";
    dtrain::testing::write_rows(
        path, header, dtrain::testing::index_of(0, kSamples, kClasses), logits);
    return path;
  }
  VoteRecord record(const fs::path& vote) const {
    const fs::path a = member("a", 40), b = member("b", 50), c = member("perfect", kSamples);
    VoteRecord record;
    record.result = predictions::vote_files({a, b, c}, vote, {});
    record.result.missing.push_back({"gone/predictions-test.h5", "there is no such file"});
    record.cross_validations = {
        {"cv", {{.labelled = 10, .right = 7}, {.labelled = 9, .right = 8}}}};
    record.calibration = predictions::calibrate(predictions::read_labelled(a), 0);
    return record;
  }
  Json content() const { return config::read_json_file(vote_record_path(vote_).string()).root; }
  dtrain::testing::TempFolder folder_;
  const fs::path ensemble_ = folder_ / "ensemble", vote_ = ensemble_ / "vote.h5";
};

void expect_same(const VoteRecord& read, const VoteRecord& written) {
  const auto &a = read.result, &b = written.result;
  ASSERT_EQ(a.members.size(), b.members.size());
  for (size_t m = 0; m < a.members.size(); ++m) {
    EXPECT_EQ(a.members[m].path, b.members[m].path);
    EXPECT_EQ(a.members[m].model, b.members[m].model);
    EXPECT_EQ(a.members[m].model_fingerprint, b.members[m].model_fingerprint);
    EXPECT_EQ(a.members[m].temperature, b.members[m].temperature);
    EXPECT_EQ(a.members[m].weight, b.members[m].weight);
  }
  EXPECT_EQ(a.statistics.members, b.statistics.members);
  EXPECT_EQ(a.statistics.samples, b.statistics.samples);
  EXPECT_EQ(a.statistics.labelled, b.statistics.labelled);
  EXPECT_EQ(a.statistics.ensemble_right, b.statistics.ensemble_right);
  EXPECT_EQ(a.statistics.oracle_right, b.statistics.oracle_right);
  EXPECT_EQ(a.statistics.disagreement, b.statistics.disagreement);
  EXPECT_EQ(a.header.method, b.header.method);
  EXPECT_EQ(a.header.class_names, b.header.class_names);
}

TEST_F(VoteRecordTest, GivesBackWhatWasKept) {
  const VoteRecord written = record(vote_);
  ASSERT_GT(written.result.statistics.labelled, 0);
  ASSERT_LT(written.result.statistics.labelled, kSamples);
  write_vote_record(vote_, written);
  EXPECT_EQ(vote_record_path(vote_), ensemble_ / "vote.json");
  const VoteRecord read = read_vote_record(vote_);
  expect_same(read, written);
  // A member that is always right has errors that correlate with nothing.
  const auto& correlation = read.result.statistics.error_correlation;
  EXPECT_EQ(correlation[0][1], written.result.statistics.error_correlation[0][1]);
  EXPECT_TRUE(std::isnan(correlation[0][2]));
  ASSERT_EQ(read.result.missing.size(), 1U);
  EXPECT_EQ(read.result.missing[0].path, "gone/predictions-test.h5");
  EXPECT_EQ(read.result.missing[0].reason, "there is no such file");
  ASSERT_TRUE(read.calibration.has_value());
  EXPECT_EQ(read.calibration->fit.temperature, written.calibration->fit.temperature);
  EXPECT_EQ(read.calibration->after.ece, written.calibration->after.ece);
  ASSERT_EQ(read.cross_validations.size(), 1U);
  EXPECT_EQ(read.cross_validations[0].name, "cv");
  ASSERT_EQ(read.cross_validations[0].folds.size(), 2U);
  EXPECT_EQ(read.cross_validations[0].folds[1].labelled, 9);
  EXPECT_EQ(read.cross_validations[0].folds[1].right, 8);
}

// Written by hand after docs/evaluation.md.
TEST_F(VoteRecordTest, OfVersion1IsRead) {
  dtrain::testing::write_table(vote_, 4, kClasses, 4);
  fs::copy_file(DTRAIN_SOURCE_DIR "/tests/golden/vote_v1.json", vote_record_path(vote_));
  const VoteRecord read = read_vote_record(vote_);
  const auto& [members, missing, warnings, header, statistics] = read.result;
  ASSERT_EQ(members.size(), 2U);
  EXPECT_EQ(members[0].path, ensemble_ / "members/a/predictions-test.h5");
  EXPECT_EQ(members[1].path, folder_ / "elsewhere/b.h5");
  EXPECT_EQ(members[1].model, "resnet34");
  EXPECT_EQ(members[1].model_fingerprint, "4567");
  EXPECT_EQ(members[0].temperature, 1.5);
  EXPECT_EQ(members[0].weight, 0.75);
  EXPECT_EQ(statistics.members[1], (predictions::PairedCounts{2, 1, 0, 0}));
  EXPECT_EQ(missing[0].reason, "damaged");
  EXPECT_EQ(header.dataset, "pictures/test");
  EXPECT_EQ(statistics.samples, 4);
  EXPECT_EQ(statistics.labelled, 3);
  EXPECT_EQ(statistics.ensemble_right, 2);
  EXPECT_EQ(statistics.oracle_right, 3);
  EXPECT_EQ(statistics.disagreement[0][1], 0.5);
  EXPECT_TRUE(std::isnan(statistics.error_correlation[1][1]));
  ASSERT_TRUE(read.calibration.has_value());
  EXPECT_EQ(read.calibration->fit.temperature, 1.25);
  EXPECT_TRUE(std::isinf(read.calibration->before.nll));
  EXPECT_EQ(read.calibration->after.bins[0].confidence, 0.625);
  EXPECT_EQ(read.cross_validations[0].right(), 15);
}

TEST_F(VoteRecordTest, OfSamplesWithoutTargetsHasNoAccuracies) {
  VoteRecord written = record(vote_);
  written.calibration.reset();
  auto& statistics = written.result.statistics;
  statistics.labelled = statistics.ensemble_right = statistics.oracle_right = 0;
  statistics.members.assign(3, {});
  write_vote_record(vote_, written);
  EXPECT_FALSE(content().at("members")[0].contains("right"));
  const VoteRecord read = read_vote_record(vote_);
  EXPECT_EQ(read.result.statistics.labelled, 0);
  EXPECT_FALSE(read.calibration.has_value());
}

TEST_F(VoteRecordTest, FindsItsMembersAfterTheFolderWasMoved) {
  write_vote_record(vote_, record(vote_));
  EXPECT_EQ(content().at("members")[1].at("path"), "members/b/predictions-test.h5");
  const fs::path moved = folder_ / "elsewhere" / "renamed";
  fs::create_directory(moved.parent_path());
  fs::rename(ensemble_, moved);
  const VoteRecord read = read_vote_record(moved / "vote.h5");
  EXPECT_EQ(read.result.members[1].path, moved / "members/b/predictions-test.h5");
  EXPECT_TRUE(fs::exists(read.result.members[1].path));
}

TEST_F(VoteRecordTest, FindsItsMembersWhicheverWayTheVoteWasNamed) {
  fs::create_directories(folder_ / "work");
  for (const fs::path& vote : {ensemble_ / ".." / "vote.h5",
                               folder_ / "work" / ".." / "vote.h5",
                               folder_ / "work" / "." / "vote.h5",
                               folder_ / "work" / ".." / "ensemble" / ".." / "work" / "vote.h5"}) {
    write_vote_record(vote, record(vote));
    for (const auto& member : read_vote_record(vote.lexically_normal()).result.members) {
      EXPECT_TRUE(fs::is_regular_file(member.path)) << vote << ": " << member.path;
    }
  }
}

TEST_F(VoteRecordTest, DamagedAndOtherFilesAreRefusedByName) {
  write_vote_record(vote_, record(vote_));
  const std::string good = util::read_file(vote_record_path(vote_));
  const auto changed = [&](const std::string& pointer, const Json& value) {
    Json json = Json::parse(good);
    json[Json::json_pointer(pointer)] = value;
    return json.dump();
  };
  const auto without = [&](const std::string& parent, const std::string& key) {
    Json json = Json::parse(good);
    json[Json::json_pointer(parent)].erase(key);
    return json.dump();
  };
  for (const std::string& text : {good.substr(0, good.size() / 2),
                                  std::string(),
                                  std::string("[]"),
                                  changed("/format", "dtrain-pack"),
                                  changed("/version", 2),
                                  changed("/version", 0),
                                  changed("/version", "1"),
                                  changed("/members", 3),
                                  changed("/members", Json::array()),
                                  changed("/members/0/path", 3),
                                  changed("/members/0/right/both", 1000),
                                  changed("/labelled", kSamples + 1),
                                  changed("/vote_right", -1),
                                  changed("/oracle_right", kSamples),
                                  changed("/disagreement/1", Json::array()),
                                  changed("/error_correlation", Json::array()),
                                  changed("/calibration/fit/temperature", 0),
                                  changed("/cross_validations/0/folds", Json::array()),
                                  changed("/cross_validations/0/folds/1/labelled", 0),
                                  without("/members/1", "right"),
                                  without("", "missing"),
                                  without("", "samples")}) {
    util::write_file_atomic(vote_record_path(vote_), text);
    EXPECT_TRUE(
        mentions(error_text([&] { read_vote_record(vote_); }), {vote_record_path(vote_).string()}))
        << text;
  }
  fs::remove(vote_record_path(vote_));
  EXPECT_TRUE(mentions(error_text([&] { read_vote_record(vote_); }), {"vote.json"}));
}

TEST_F(VoteRecordTest, ReplacesRecordsAndNothingElse) {
  const VoteRecord written = record(vote_);
  expect_replaceable_record(vote_);
  write_vote_record(vote_, written);
  Json newer = content();
  newer["version"] = 7;
  util::write_file_atomic(vote_record_path(vote_), newer.dump());
  expect_replaceable_record(vote_);
  write_vote_record(vote_, written);
  for (const std::string other : {"{\"run\": {}}", "[]", "{\"format\": 1}", "no JSON", ""}) {
    util::write_file_atomic(vote_record_path(vote_), other);
    for (const bool writes : {false, true}) {
      try {
        writes ? write_vote_record(vote_, written) : expect_replaceable_record(vote_);
        ADD_FAILURE() << other;
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ExitCode::kUnsafe);
        EXPECT_TRUE(mentions(error.what(), {"vote.json", "vote.h5", "no record of a vote"}));
      }
    }
    EXPECT_EQ(util::read_file(vote_record_path(vote_)), other);
  }
}

TEST_F(VoteRecordTest, OfAnotherVoteIsRefused) {
  write_vote_record(vote_, record(vote_));
  dtrain::testing::write_table(vote_, kSamples + 1, kClasses, kSamples + 1);
  EXPECT_TRUE(mentions(error_text([&] { read_vote_record(vote_); }), {"vote.json", "vote.h5"}));
}

}  // namespace
}  // namespace dtrain::report
