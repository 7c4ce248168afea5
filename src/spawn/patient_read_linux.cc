#include "spawn/patient_read_linux.h"

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
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
  Keep keep;
  std::vector<std::optional<Result<std::string>>> texts;  // nothing: there was no memory for it
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
    return (whom.of == 0 || of_it < std::ptrdiff_t{ReadFor::most_held}) &&
           of_all < std::ptrdiff_t{ReadFor::most_held_for_purpose};
  }
};

// Such threads are there until the process ends, and so is this.
Held& held() {
  static auto& all = *new Held;
  return all;
}

std::optional<Result<std::string>> read_one(const Reader& reader, const std::string& path) noexcept {
  try {
    auto text = read_proc_file(path, reader.most);
    if (text && reader.keep) text = reader.keep(std::move(*text));
    return text;
  } catch (...) {
    return std::nullopt;
  }
}

// There is a place for each text, so that only `read_one` can run out of memory: it is the whole of a thread.
void read_all(Reader& reader) noexcept {
  Held& all = held();
  for (const std::string& path : reader.paths) {
    auto text = read_one(reader, path);
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
                                                     std::chrono::milliseconds patience, const ReadFor& whom,
                                                     const Keep& keep) {
  Held& all = held();
  std::vector<Result<std::string>> texts;
  std::vector<size_t> places;
  std::unique_lock lock(all.mutex);
  for (size_t i = 0; i < paths.size(); ++i) {
    texts.emplace_back(failure(ETIMEDOUT, "read " + paths[i]));
    if (!all.is_held(paths[i])) places.push_back(i);
  }
  for (size_t done = 0; done < places.size() && all.has_place(whom);) {
    const auto reader = std::make_shared<Reader>();
    reader->most = most;
    reader->keep = keep;
    for (size_t i = done; i < places.size(); ++i) reader->paths.push_back(paths[places[i]]);
    reader->texts.reserve(reader->paths.size());
    try {
      start_quiet_thread([reader] { read_all(*reader); });
    } catch (const std::system_error& error) {
      for (size_t i = done; i < places.size(); ++i)
        texts[places[i]] = failure(error.code().value(), "read " + paths[places[i]], "start a thread");
      return texts;
    }
    const auto is_over = [&] { return reader->texts.size() == reader->paths.size(); };
    for (size_t before = 0; !all.news.wait_for(lock, patience, is_over); before = reader->texts.size()) {
      if (reader->texts.size() == before) {
        reader->in_vain = true;
        all.reads.push_back({reader->paths[before], whom});
        break;
      }
    }
    for (auto& text : reader->texts) {
      const size_t place = places[done++];
      texts[place] = text ? std::move(*text) : failure(ENOMEM, "read " + paths[place]);
    }
    if (reader->in_vain) ++done;
  }
  return texts;
}

Result<std::string> read_patiently(const std::string& path, size_t most, std::chrono::milliseconds patience,
                                   const ReadFor& whom) {
  return std::move(read_each_patiently({path}, most, patience, whom).front());
}

}  // namespace baton::spawner
