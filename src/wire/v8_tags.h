#pragma once

#include <cstdint>

namespace baton::wire::v8 {

/// What V8's format begins each value with, and ends what holds others with.
enum class Tag : char {
  padding = '\0',
  version = '\xff',
  undefined = '_',
  null = '0',
  true_value = 'T',
  false_value = 'F',
  hole = '-',
  int32 = 'I',
  uint32 = 'U',
  number = 'N',
  bigint = 'Z',
  one_byte_string = '"',
  two_byte_string = 'c',
  utf8_string = 'S',
  object = 'o',
  end_object = '{',
  dense_array = 'A',
  end_dense_array = '$',
  sparse_array = 'a',
  end_sparse_array = '@',
  date = 'D',
  true_object = 'y',
  false_object = 'x',
  number_object = 'n',
  bigint_object = 'z',
  string_object = 's',
  regexp = 'R',
  map = ';',
  end_map = ':',
  set = '\'',
  end_set = ',',
  array_buffer = 'B',
  resizable_array_buffer = '~',
  error = 'r',
  reference = '^',
  host_object = '\\',
  verify_count = '?',
};

/// Inside an error.
enum class ErrorTag : char {
  eval_error = 'E',
  range_error = 'R',
  reference_error = 'F',
  syntax_error = 'S',
  type_error = 'T',
  uri_error = 'U',
  message = 'm',
  stack = 's',
  cause = 'c',
  end = '.',
};

/// What Node writes after the tag of a host object.
inline constexpr std::uint32_t host_view = 0;
inline constexpr std::uint32_t host_members = 1;

/// Emitted; read are those between.
inline constexpr std::uint32_t written_version = 15;
inline constexpr std::uint32_t oldest_version = 13;
inline constexpr std::uint32_t newest_version = 16;

}  // namespace baton::wire::v8
