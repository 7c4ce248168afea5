#include "spawn/patient_read_linux.h"

#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "spawn/proc_file_linux.h"

namespace baton::spawner {
namespace {

// A thread, and what it is to do. It outlives whoever waits for it in vain.
struct Reader {
  std::string path;
  size_t most;
  std::optional<Result<std::string>> text;
};

struct Held {
  std::mutex mutex;
  std::condition_variable news;
  std::vector<std::string> paths;  // of threads that nobody waits for any more
};

// Such threads are there until the process ends, and so is this.
Held& held() {
  static auto& all = *new Held;
  return all;
}

constexpr size_t most_held = 64;

void read(const std::shared_ptr<Reader>& reader) {
  auto text = read_proc_file(reader->path, reader->most);
  Held& all = held();
  const std::scoped_lock lock(all.mutex);
  reader->text = std::move(text);
  std::erase(all.paths, reader->path);
  all.news.notify_all();
}

// The signals of the process are the loop's.
void start(std::shared_ptr<Reader> reader) {
  sigset_t every;
  sigset_t before;
  ::sigfillset(&every);
  ::pthread_sigmask(SIG_SETMASK, &every, &before);
  std::error_code refused;
  try {
    std::thread([reader = std::move(reader)] { read(reader); }).detach();
  } catch (const std::system_error& error) {
    refused = error.code();
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (refused) throw std::system_error(refused);
}

}  // namespace

Result<std::string> read_patiently(const std::string& path, size_t most, std::chrono::milliseconds patience) {
  Held& all = held();
  std::unique_lock lock(all.mutex);
  const bool in_vain = std::ranges::find(all.paths, path) != all.paths.end();
  if (in_vain || all.paths.size() >= most_held) return failure(ETIMEDOUT, "read " + path);
  const auto reader = std::make_shared<Reader>(path, most, std::nullopt);
  try {
    start(reader);
  } catch (const std::system_error& error) {
    return failure(error.code().value(), "read " + path, "start a thread");
  }
  if (!all.news.wait_for(lock, patience, [&] { return reader->text.has_value(); })) {
    all.paths.push_back(path);
    return failure(ETIMEDOUT, "read " + path);
  }
  return std::move(*reader->text);
}

}  // namespace baton::spawner
