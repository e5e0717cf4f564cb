// MPI from start to end, its few collectives, and leaving together.
#include "dist/mpi_scope.h"

#include <unistd.h>

#include <array>
#include <chrono>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <thread>

#include "dist/launcher.h"
#include "dist/mpi_communicator.h"

namespace dtrain::dist {
namespace {

// Note [Singletons under srun]
// srun without the right --mpi starts n processes of which each believes to be alone: n trainings
// would write the same run folder. SLURM_STEP_NUM_TASKS is set by srun for its tasks only, while
// SLURM_NTASKS is also set in a batch script, where a command without mpirun is a fair thing to
// run.
void refuse_singletons(int size, bool mpirun) {
  const char* tasks = std::getenv("SLURM_STEP_NUM_TASKS");
  if (size > 1 || mpirun || tasks == nullptr || std::atoi(tasks) <= 1) return;
  throw usage_error("srun",
                    std::string("started ") + tasks +
                        " tasks that do not know of each other (MPI says there is 1 rank)",
                    "use `srun --mpi=pmix` (see `srun --mpi=list`), or mpirun inside sbatch");
}

std::string host_name() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "localhost";
}

// Waits for a request without spinning: the rank waited for may need this core.
void finish(MPI_Request request) {
  auto pause = std::chrono::microseconds(1);
  for (int polls = 0;; ++polls) {
    int done = 0;
    {
      std::lock_guard lock(MpiScope::calls());
      MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    }
    if (done) return;
    if (polls < 20) {
      std::this_thread::yield();
    } else {
      std::this_thread::sleep_for(pause);
      pause = std::min(2 * pause, std::chrono::microseconds(1000));
    }
  }
}

// Starts a request under the lock and waits for it without.
template <class Start>
void run(Start start) {
  MPI_Request request;
  {
    std::lock_guard lock(MpiScope::calls());
    start(&request);
  }
  finish(request);
}

// Text form of a failure, for the other ranks: code, subject, cause, advice. Empty: none.
std::string describe(const std::exception_ptr& failure) {
  const auto join =
      [](int code, const std::string& what, const std::string& cause, const std::string& advice) {
        return std::to_string(code) + '\0' + what + '\0' + cause + '\0' + advice;
      };
  if (!failure) return {};
  try {
    std::rethrow_exception(failure);
  } catch (const PeerFailed&) {
    return "peer";
  } catch (const Error& e) {
    return join(int(e.code()), e.subject(), e.cause(), e.advice());
  } catch (const std::exception& e) {
    return join(int(ExitCode::kGaveUp), "unexpected exception", e.what(), "");
  } catch (...) {
    return join(int(ExitCode::kGaveUp), "unexpected exception", "of unknown type", "");
  }
}

Error parse_failure(const std::string& text) {
  std::array<std::string, 4> parts;
  size_t begin = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    const size_t end = i + 1 < parts.size() ? text.find('\0', begin) : text.size();
    parts[i] = text.substr(begin, end - begin);
    begin = end + 1;
  }
  return Error(ExitCode(std::atoi(parts[0].c_str())), parts[1], parts[2], parts[3]);
}

}  // namespace

MpiScope::MpiScope(int* argc, char*** argv)
    : host_(host_name()), communicator_(std::make_shared<Communicator>()) {
  const Launch launch = read_launch();
  if (!launch.foreign.empty()) throw foreign_launch(launch);
  launched_ = launch.starts_mpi;
  const bool mpirun = std::getenv("OMPI_COMM_WORLD_SIZE") != nullptr;
  if (launched_) {
    std::lock_guard lock(calls());
    int provided = 0;
    MPI_Init_thread(argc, argv, MPI_THREAD_SERIALIZED, &provided);
    if (provided < MPI_THREAD_SERIALIZED) {
      throw usage_error("MPI", "is built without support for threads", "use Open MPI 4 or newer");
    }
    find_ranks();
    host_rank_ = local_rank_;
    host_size_ = local_size_;
    finalizes_ = true;
  }
  refuse_singletons(size_, mpirun);
}

void MpiScope::find_ranks() {
  const MPI_Comm all = communicator_->handle;
  MPI_Comm_rank(all, &rank_);
  MPI_Comm_size(all, &size_);
  MPI_Comm host;
  MPI_Comm_split_type(all, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &host);
  MPI_Comm_rank(host, &local_rank_);
  MPI_Comm_size(host, &local_size_);
  MPI_Comm_free(&host);
}

std::unique_ptr<MpiScope> MpiScope::split(int64_t color) const {
  auto part = std::unique_ptr<MpiScope>(new MpiScope());
  part->launched_ = launched_;
  part->host_ = host_;
  part->host_rank_ = host_rank_;
  part->host_size_ = host_size_;
  part->communicator_ = std::make_shared<Communicator>();
  if (launched_) {
    std::lock_guard lock(calls());
    MPI_Comm_split(communicator_->handle, int(color), rank_, &part->communicator_->handle);
    part->find_ranks();
  }
  return part;
}

MpiScope::~MpiScope() {
  if (!finalizes_ || std::uncaught_exceptions() > 0) return;
  std::lock_guard lock(calls());
  MPI_Finalize();
}

std::mutex& MpiScope::calls() {
  static std::mutex mutex;
  return mutex;
}

std::string MpiScope::broadcast(const std::string& from_root, int root) const {
  if (size_ == 1) return from_root;
  int64_t length = int64_t(from_root.size());
  run([&](MPI_Request* r) { MPI_Ibcast(&length, 1, MPI_INT64_T, root, communicator_->handle, r); });
  std::string text = from_root;
  text.resize(size_t(length));
  run([&](MPI_Request* r) {
    MPI_Ibcast(text.data(), int(length), MPI_CHAR, root, communicator_->handle, r);
  });
  return text;
}

std::vector<int64_t> MpiScope::all_gather(int64_t mine) const {
  std::vector<int64_t> all(size_t(size_), mine);
  if (size_ == 1) return all;
  run([&](MPI_Request* r) {
    MPI_Iallgather(&mine, 1, MPI_INT64_T, all.data(), 1, MPI_INT64_T, communicator_->handle, r);
  });
  return all;
}

std::vector<std::string> MpiScope::all_gather(const std::string& mine) const {
  const std::vector<int64_t> lengths = all_gather(int64_t(mine.size()));
  std::vector<int> counts(lengths.begin(), lengths.end()), offsets(lengths.size(), 0);
  for (size_t i = 1; i < counts.size(); ++i) offsets[i] = offsets[i - 1] + counts[i - 1];
  std::string text(size_t(offsets.back() + counts.back()), '\0');
  if (size_ == 1) return {mine};
  run([&](MPI_Request* r) {
    MPI_Iallgatherv(mine.data(),
                    int(mine.size()),
                    MPI_CHAR,
                    text.data(),
                    counts.data(),
                    offsets.data(),
                    MPI_CHAR,
                    communicator_->handle,
                    r);
  });
  std::vector<std::string> all;
  for (size_t i = 0; i < counts.size(); ++i) {
    all.push_back(text.substr(size_t(offsets[i]), size_t(counts[i])));
  }
  return all;
}

void MpiScope::barrier() const {
  if (size_ == 1) return;
  run([&](MPI_Request* r) { MPI_Ibarrier(communicator_->handle, r); });
}

void MpiScope::abort(int code) {
  std::cout.flush();
  std::cerr.flush();
  std::fflush(nullptr);
  int running = 0, over = 0;
  MPI_Initialized(&running);
  MPI_Finalized(&over);
  // No lock: a thread that holds it may be the one that hangs.
  if (running && !over) MPI_Abort(MPI_COMM_WORLD, code);
  _exit(code);
}

namespace detail {

void agree(const MpiScope& mpi, std::exception_ptr failure) {
  const std::vector<std::string> failures = mpi.all_gather(describe(failure));
  for (int rank = 0; rank < mpi.size(); ++rank) {
    const std::string& text = failures[size_t(rank)];
    // A rank that only knows that another failed has nothing to report: that one is in the list
    // too.
    if (text.empty() || text == "peer") continue;
    if (rank == mpi.rank()) std::rethrow_exception(failure);
    throw PeerFailed(rank, parse_failure(text));
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace detail
}  // namespace dtrain::dist
