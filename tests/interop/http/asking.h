#pragma once

#include <string>
#include <vector>

#include "interop/http/matrix.h"
#include "interop/world.h"

namespace baton::test {

/// How a server answered.
struct Said {
  Verdict verdict;
  /// What its handler said of what it read, of each request that it took.
  std::vector<std::string> bodies;
};

/// Where a server listens: a port of 127.0.0.1, or a path.
struct Where {
  int port = 0;
  std::string path = {};
};

/// Sends the bytes twice: from a client that finishes its side behind them, and from one that reads the
/// answers and, unless one of them says `Connection: close`, asks once more. If the two were not answered
/// alike, the verdict says it.
Said ask_with(const Where& where, const std::string& bytes);
/// Sends the bytes and finishes its side.
Said ask_and_finish(const Where& where, const std::string& bytes);
/// Sends the bytes and waits for the server to make an end.
Said ask_and_wait(const Where& where, const std::string& bytes);

/// How many requests were taken.
std::size_t taken(const Verdict& verdict);

}  // namespace baton::test
