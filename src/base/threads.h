#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

namespace baton {

/// What takes too long for a loop.
class Job {
 public:
  Job() = default;
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;
  virtual ~Job() = default;
  virtual void run() noexcept = 0;
};

/// A few threads of the process that do jobs, in their order. (libuv's own end the process where one of them
/// cannot be started, which whoever takes all the processes of the user brings about.)
class Threads {
 public:
  /// @{
  /// The four that compute, and the sixteen that wait for others, which so hold up nobody who computes: 1,024
  /// jobs may wait for one of them. They are begun as they are needed, and live until the process ends. A
  /// fork has none of its parent's.
  static Threads& for_work() { return of_process(0); }
  static Threads& for_waits() { return of_process(1); }
  /// @}

  Threads(unsigned most, std::size_t most_waiting) : most_(most), most_waiting_(most_waiting) {}

  /// False: there is no thread, and none can be had; or too many wait.
  bool take(std::shared_ptr<Job> job);
  /// It need not be done any more, if nobody is at it.
  void give_back(const std::shared_ptr<Job>& job);

 private:
  static Threads& of_process(std::size_t which);
  void begin();
  void live();

  const unsigned most_;
  const std::size_t most_waiting_;
  std::mutex mutex_;
  std::condition_variable news_;
  std::deque<std::shared_ptr<Job>> waiting_;
  unsigned threads_ = 0;
  std::size_t idle_ = 0;
};

/// Does it in a thread, here where there can be none; nobody is told.
void do_aside(std::move_only_function<void()> work);

}  // namespace baton
