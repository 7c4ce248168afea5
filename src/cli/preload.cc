#include "cli/preload.h"

#include <fcntl.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>
#include <vector>

#include "baton/base/fd.h"
#include "baton/wire/json.h"

namespace baton::cli {
namespace {

std::vector<std::string> places() {
  std::vector<std::string> result;
  for (const char* variable : {"XDG_RUNTIME_DIR", "TMPDIR"}) {
    const char* value = std::getenv(variable);
    if (value != nullptr && *value == '/') result.emplace_back(value);
  }
  result.insert(result.end(), {"/tmp", "/dev/shm"});
  return result;
}

bool write_file(const std::string& path, std::string_view text) {
  const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400));
  if (!file) return false;
  while (!text.empty()) {
    const ssize_t count = ::write(file.get(), text.data(), text.size());
    if (count < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

// As Node takes NODE_OPTIONS apart: quotes hold words together, a backslash in them takes the next as it is.
// Only where they are needed, because Deno does not know them.
std::string one_word(std::string_view path) {
  if (path.find_first_of(" \"\\") == std::string_view::npos) return std::string(path);
  std::string result = "\"";
  for (const char c : path) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + '"';
}

}  // namespace

Preload::Preload(std::string directory)
    : directory_(std::move(directory)), option_("--require=" + one_word(file())) {}
Preload::Preload(Preload&& other) noexcept
    : directory_(std::exchange(other.directory_, {})), option_(std::move(other.option_)) {}
Preload::~Preload() {
  if (directory_.empty()) return;
  ::unlink(file().c_str());
  ::rmdir(directory_.c_str());
}

Parsed<Preload> Preload::write(std::chrono::milliseconds grace) {
  std::string failures;
  for (const std::string& place : places()) {
    std::string directory = place + "/baton-XXXXXX";
    if (::mkdtemp(directory.data()) != nullptr) {
      Preload preload(std::move(directory));
      const Value settings = Value::object().set("option", preload.option_).set("grace", grace.count());
      const std::string call = "\nmodule.exports(" + to_json(settings) + ");\n";
      if (write_file(preload.file(), std::string(preload_text()) + call)) return preload;
    }
    failures += (failures.empty() ? "" : ", ") + place + ": " + std::strerror(errno);
  }
  return std::unexpected(failures);
}

std::string Preload::options(std::string_view own) const {
  return own.empty() ? option_ : std::string(own) + " " + option_;
}

}  // namespace baton::cli
