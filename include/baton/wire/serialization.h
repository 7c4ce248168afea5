#pragma once

#include <cstdint>

namespace baton {

/// How a channel writes its messages; both ends must have the same. Node's `serialization` option.
enum class Serialization : std::uint8_t {
  json,      ///< a line of JSON each: any language reads it
  advanced,  ///< V8's own format: BigInt, Date, Map, Set, bytes, Error, undefined, ... survive; only for Node
             ///< and Baton
};

}  // namespace baton
