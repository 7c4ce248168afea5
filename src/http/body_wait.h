#pragma once

#include <cstddef>
#include <string>

#include "baton/loop/op.h"
#include "http/connection.h"

namespace baton::http {

// A body on its way into one text.
struct Connection::BodyWait {
  BodyWait(Loop& loop, std::size_t most) : promise(loop, "read the body of a request"), limit(most) {}
  Promise<std::string> promise;
  std::string text;
  std::size_t limit;
};

}  // namespace baton::http
