#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "baton/wire/advanced.h"
#include "wire/v8_tags.h"

namespace baton::wire::v8 {

/// Appends one message to a string, piece by piece. Its first two bytes, the version, are there at once.
class Writer {
 public:
  explicit Writer(std::string& out);

  void begin_object();
  void end_object(std::uint32_t members);
  void string(std::string_view text);
  void integer(std::int32_t number);
  /// A whole value, nested no deeper than `depth`. References in it count from its own beginning, whatever
  /// was begun before. Its errors are those of `write_advanced`; what was appended stays.
  Result<void> value(const Value& value, unsigned depth);

 private:
  void put(Tag tag) { out_ += static_cast<char>(tag); }
  void varint(std::uint64_t number);
  void double_bytes(double number);
  void number(double number);
  void key(std::string_view key);
  void members(const Value& value);
  void any(const Value& value);
  void rare(const Value& value);
  void array(const Value& value);
  void sparse_array(const Value& value);
  void map(const Value& value);
  void set(const Value& value);
  void bigint_body(const Value& value);
  void bytes(const Value& value);
  void regexp(const Value& value);
  void error(const Value& value);
  void boxed(const Value& value);
  void reference(std::uint32_t number);

  std::string& out_;
  std::size_t start_;
  std::uint32_t objects_ = 0;       // begun
  std::uint32_t first_object_ = 0;  // of the value
  bool dangling_ = false;           // a reference to what has not come
};

}  // namespace baton::wire::v8
