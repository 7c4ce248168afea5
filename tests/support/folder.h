#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

namespace baton::test {

/// A folder of the test's own, with a short path; it goes with this.
class Folder {
 public:
  Folder() : path_(::mkdtemp(std::string("/tmp/baton-XXXXXX").data())) {}
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

}  // namespace baton::test
