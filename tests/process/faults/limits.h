#pragma once

#include <cstddef>
#include <string>

namespace baton::test {

inline const std::string ack = R"({"cmd":"NODE_HANDLE_ACK"})";
inline const std::string nack = R"({"cmd":"NODE_HANDLE_NACK"})";

inline constexpr size_t mebibyte = size_t{1} << 20;
/// The longest frame.
inline constexpr size_t limit = 64 * mebibyte;
/// What a program takes that holds a frame twice: as it comes in and as it is delivered.
inline constexpr size_t most_memory = 2 * limit + 32 * mebibyte;

}  // namespace baton::test
