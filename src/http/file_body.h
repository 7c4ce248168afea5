#pragma once

#include <cstdint>
#include <string>

#include "baton/base/fd.h"
#include "http/connection.h"

namespace baton::http {

// What is left of a file on its way to the client.
struct Connection::FileBody {
  Fd descriptor;
  std::string path;
  std::uint64_t at = 0;
  std::uint64_t left = 0;

  // Opens it; fails when it is no regular file or ends before `offset`.
  [[nodiscard]] static Result<FileBody> open(const std::string& path, std::uint64_t offset,
                                             std::uint64_t length);
};

}  // namespace baton::http
