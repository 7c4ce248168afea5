#pragma once

#include <cstdint>
#include <vector>

#include "baton/wire/value.h"

namespace baton {

/// What few arrays have beyond their elements.
struct Value::Beside {
  std::vector<Member> members;
  std::uint32_t length;
};

}  // namespace baton
