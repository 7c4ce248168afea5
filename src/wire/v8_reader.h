#pragma once

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <string>
#include <string_view>
#include <vector>

#include "baton/base/error.h"
#include "baton/wire/value.h"
#include "wire/scratch.h"
#include "wire/v8_tags.h"

namespace baton::wire::v8 {

/// Reads one message. After a failure everything that is asked for is empty; whoever loops looks at it. What
/// is not yet inside its array or object waits on two stacks, so that each container is allocated once, at
/// its final size.
class Reader {
 public:
  Reader(std::string_view bytes, unsigned depth) : bytes_(bytes), depth_left_(depth) {}
  Result<Value> read();

 private:
  using Members = std::vector<Value::Member>;

  Value any();
  Value rare(Tag tag);
  Value object();
  Value dense_array();
  Value sparse_array();
  Value map();
  Value set();
  Value error();
  Value regexp();
  Value bigint();
  Value boxed(Value primitive);
  Value array_buffer();
  Value resizable_array_buffer();
  Value host_object();
  Value view();
  Value reference();

  Members members_until(Tag end);
  std::vector<Value> values_from(std::size_t first);
  Value filled_array(std::size_t first, const std::vector<std::uint32_t>& indices, Members others,
                     std::uint32_t length);
  std::string key(Tag tag);
  std::string string();
  std::string string(Tag tag);

  bool enter();
  void leave() noexcept { ++depth_left_; }
  bool ends_with(Tag end);
  Tag tag();
  char byte();
  std::uint32_t varint();
  double double_bytes();
  std::string_view raw(std::size_t size);
  void expect(std::uint64_t counted);
  Value fail(const char* problem);
  [[nodiscard]] bool failed() const noexcept { return problem_ != nullptr; }
  [[nodiscard]] std::size_t left() const noexcept { return bytes_.size() - at_; }

  std::string_view bytes_;
  std::size_t at_ = 0;
  unsigned depth_left_;
  const char* problem_ = nullptr;
  bool too_deep_ = false;
  std::uint32_t objects_ = 0;         // begun, as the sender counts them
  std::vector<std::uint32_t> hosts_;  // those of them that a Value does not have
  static_assert(alignof(Value) <= alignof(void*));
  Scratch<8 * (sizeof(Value) + sizeof(Value::Member))> memory_;
  std::pmr::vector<Value> values_{&memory_};
  std::pmr::vector<Value::Member> members_{&memory_};
};

}  // namespace baton::wire::v8
