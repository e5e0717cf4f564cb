// Ranks that come to share memory, as threads, and what keeps them from it.
#include "dist/host_meeting.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <condition_variable>
#include <cstring>
#include <fstream>
#include <map>
#include <mutex>
#include <thread>

namespace dtrain::testing {
namespace {

using dist::Descriptor;
using dist::HostMeeting;
using dist::SharedMemory;

constexpr size_t kBytes = 8192;

class Notices {
 public:
  dist::NoticeBoard board() {
    return {.set = [this](const std::string& key, const std::string& text) { set(key, text); },
            .get = [this](const std::string& key) { return get(key); },
            .has = [this](const std::string& key) { return has(key); }};
  }
  void set(const std::string& key, const std::string& text) {
    const std::lock_guard lock(mutex_);
    texts_[key] = text;
    changed_.notify_all();
  }
  std::string get(const std::string& key) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return texts_.contains(key); });
    return texts_.at(key);
  }
  bool has(const std::string& key) {
    const std::lock_guard lock(mutex_);
    return texts_.contains(key);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::string> texts_;
};

using Meetings = std::vector<std::optional<HostMeeting>>;

// What each of `ranks` threads got; change(rank, plan, board) before it begins.
template <class Change>
Meetings meetings(int64_t ranks, Change change) {
  Notices notices;
  Meetings result(static_cast<size_t>(ranks));
  std::vector<std::thread> threads;
  for (int64_t rank = 0; rank < ranks; ++rank) {
    threads.emplace_back([&, rank] {
      dist::MeetingPlan plan = {.rank = rank, .size = ranks, .bytes = kBytes};
      dist::NoticeBoard board = notices.board();
      change(rank, plan, board);
      auto meeting = dist::meet_on_host(board, plan);
      if (meeting) result[size_t(rank)].emplace(*std::move(meeting));
    });
  }
  for (std::thread& thread : threads) thread.join();
  return result;
}

void expect_nobody_shares(const Meetings& all) {
  for (const auto& meeting : all) EXPECT_FALSE(meeting.has_value());
}

TEST(HostMeeting, EveryRankSeesWhatOneWrites) {
  for (const int64_t ranks : {2, 3, 5}) {
    Meetings all = meetings(ranks, [](auto...) {});
    for (const auto& meeting : all) ASSERT_TRUE(meeting.has_value());
    std::strcpy(static_cast<char*>(all.back()->memory.address()), "from the last");
    for (const auto& meeting : all) {
      EXPECT_STREQ(static_cast<const char*>(meeting->memory.address()), "from the last");
    }
  }
}

TEST(HostMeeting, RankThatLeavesIsNoticedByAllOthersAndOnlyIt) {
  Meetings all = meetings(4, [](auto...) {});
  for (size_t leaving : {2U, 0U}) {
    all[leaving].reset();
    for (size_t rank = 0; rank < all.size(); ++rank) {
      for (size_t peer = 0; all[rank] && peer < all.size(); ++peer) {
        if (peer != rank) {
          EXPECT_EQ(dist::is_hung_up(all[rank]->peers[peer]), !all[peer]);
        }
      }
    }
  }
}

TEST(HostMeeting, NobodySharesWhereOneDoesNotWant) {
  expect_nobody_shares(
      meetings(3, [](int64_t rank, auto& plan, auto&) { plan.wanted = rank != 1; }));
}

TEST(HostMeeting, NobodySharesWhereOneIsOnAnotherHost) {
  expect_nobody_shares(meetings(3, [](int64_t rank, auto&, auto& board) {
    if (rank != 2) return;
    board.set = [set = board.set](const std::string& key, const std::string& text) {
      set(key, key.starts_with("host/is/") ? "another boot/net:[1]" : text);
    };
  }));
}

// As in a container that refuses the system calls: what is offered cannot be reached.
TEST(HostMeeting, NobodySharesWhereOneCannotJoin) {
  expect_nobody_shares(meetings(3, [](int64_t rank, auto&, auto& board) {
    if (rank != 2) return;
    board.get = [get = board.get](const std::string& key) {
      const std::string text = get(key);
      return key == "host/offer" ? "nobody" + text : text;
    };
  }));
}

TEST(HostMeeting, NobodySharesWhereTheMemoryHasAnotherSize) {
  expect_nobody_shares(
      meetings(3, [](int64_t rank, auto& plan, auto&) { plan.bytes += rank / 2; }));
}

TEST(HostMeeting, StrangerWithoutTheSecretIsTurnedAway) {
  std::optional<Descriptor> stranger;
  Meetings all = meetings(2, [&](int64_t rank, auto&, auto& board) {
    if (rank != 1) return;
    board.get = [&stranger, get = board.get](const std::string& key) {
      const std::string text = get(key);
      if (key == "host/offer") {
        stranger = dist::connect_locally(text.substr(0, text.find(' ')));
        send_message(*stranger, "1 guessed");
      }
      return text;
    };
  });
  EXPECT_TRUE(all[0].has_value() && all[1].has_value());
  EXPECT_THROW(dist::receive_message(*stranger, 1000), std::exception);
}

TEST(SharedMemory, HasNoNameAndASealedSize) {
  const SharedMemory memory = SharedMemory::create(kBytes);
  const std::string link = "/proc/self/fd/" + std::to_string(memory.descriptor());
  char target[100] = {};
  ASSERT_GT(readlink(link.c_str(), target, sizeof target - 1), 0);
  EXPECT_STREQ(target, "/memfd:dtrain (deleted)");
  EXPECT_NE(ftruncate(memory.descriptor(), 1), 0);
}

TEST(SharedMemory, MemoryWhoseSizeIsNotSealedIsRefused) {
  Descriptor open(memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(ftruncate(open.number(), kBytes), 0);
  EXPECT_THROW(SharedMemory::adopt(std::move(open), kBytes), std::runtime_error);
}

}  // namespace
}  // namespace dtrain::testing
