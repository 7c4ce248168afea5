#include "spawn/patient_read_linux.h"

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <system_error>
#include <utility>
#include <vector>

#include "base/quiet_thread.h"
#include "spawn/proc_file_linux.h"

namespace baton::spawner {
namespace {

// A thread, and what it is to do. It outlives whoever waits for it in vain.
struct Reader {
  std::vector<std::string> paths;
  size_t most;
  std::vector<Result<std::string>> texts;
  bool in_vain = false;
};

// What a thread reads that nobody waits for any more.
struct HeldRead {
  std::string path;
  ReadFor whom;
};

struct Held {
  std::mutex mutex;
  std::condition_variable news;
  std::vector<HeldRead> reads;

  bool is_held(const std::string& path) const {
    return std::ranges::find(reads, path, &HeldRead::path) != reads.end();
  }
  bool has_place(const ReadFor& whom) const {
    const auto of_it = std::ranges::count(reads, whom, &HeldRead::whom);
    const auto of_all =
        std::ranges::count(reads, whom.purpose, [](const HeldRead& one) { return one.whom.purpose; });
    return of_it < std::ptrdiff_t{ReadFor::most_held} &&
           of_all < std::ptrdiff_t{ReadFor::most_held_for_purpose};
  }
};

// Such threads are there until the process ends, and so is this.
Held& held() {
  static auto& all = *new Held;
  return all;
}

void read_all(Reader& reader) {
  Held& all = held();
  for (const std::string& path : reader.paths) {
    auto text = read_proc_file(path, reader.most);
    const std::scoped_lock lock(all.mutex);
    if (reader.in_vain) {
      std::erase_if(all.reads, [&](const HeldRead& one) { return one.path == path; });
      return;
    }
    reader.texts.push_back(std::move(text));
  }
  all.news.notify_all();
}

}  // namespace

std::vector<Result<std::string>> read_each_patiently(const std::vector<std::string>& paths, size_t most,
                                                     std::chrono::milliseconds patience,
                                                     const ReadFor& whom) {
  Held& all = held();
  std::vector<Result<std::string>> texts;
  for (const std::string& path : paths) texts.emplace_back(failure(ETIMEDOUT, "read " + path));
  std::unique_lock lock(all.mutex);
  const auto reader = std::make_shared<Reader>();
  reader->most = most;
  std::vector<size_t> places;
  for (size_t i = 0; i < paths.size(); ++i) {
    if (all.is_held(paths[i])) continue;
    reader->paths.push_back(paths[i]);
    places.push_back(i);
  }
  if (places.empty() || !all.has_place(whom)) return texts;
  try {
    start_quiet_thread([reader] { read_all(*reader); });
  } catch (const std::system_error& error) {
    for (size_t i = 0; i < paths.size(); ++i)
      texts[i] = failure(error.code().value(), "read " + paths[i], "start a thread");
    return texts;
  }
  const auto is_done = [&] { return reader->texts.size() == places.size(); };
  if (!all.news.wait_for(lock, patience, is_done)) {
    reader->in_vain = true;
    all.reads.push_back({reader->paths[reader->texts.size()], whom});
  }
  for (size_t i = 0; i < reader->texts.size(); ++i) texts[places[i]] = std::move(reader->texts[i]);
  return texts;
}

Result<std::string> read_patiently(const std::string& path, size_t most, std::chrono::milliseconds patience,
                                   const ReadFor& whom) {
  return std::move(read_each_patiently({path}, most, patience, whom).front());
}

}  // namespace baton::spawner
