#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "baton/base/error.h"
#include "baton/wire/value.h"
#include "wire/allowance.h"
#include "wire/pile.h"
#include "wire/v8_tags.h"

namespace baton::wire::v8 {

/// Reads one message. After a failure everything that is asked for is empty; whoever loops looks at it. What
/// is not yet inside its array or object waits on a pile, a key before its value, so that each container is
/// allocated once, at its final size.
class Reader {
 public:
  Reader(std::string_view bytes, unsigned depth, std::size_t memory)
      : bytes_(bytes), depth_left_(depth), memory_(memory), allowance_(memory) {}
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

  // What waits on the pile.
  void put(Value value);
  std::size_t put_members_until(Tag end);
  std::vector<Value> take_values(std::size_t count);
  Members take_members(std::size_t count);
  Value filled_array(std::size_t members, std::uint32_t length);

  std::string key(Tag tag);
  std::string string();
  std::string string(Tag tag);
  std::string string_of(Tag tag);

  bool enter();
  void leave() noexcept { ++depth_left_; }
  bool ends_with(Tag end);
  Tag tag();
  char byte();
  std::uint32_t varint();
  double double_bytes();
  std::string_view raw(std::size_t size);
  std::string_view bytes(std::size_t size);
  void expect(std::uint64_t counted);
  bool afford(std::size_t bytes);
  Value fail(const char* problem);
  [[nodiscard]] bool failed() const noexcept { return problem_ != nullptr; }
  [[nodiscard]] std::size_t left() const noexcept { return bytes_.size() - at_; }

  std::string_view bytes_;
  std::size_t at_ = 0;
  unsigned depth_left_;
  const char* problem_ = nullptr;
  Errc error_ = Errc::bad_message;
  std::uint32_t objects_ = 0;         // begun, as the sender counts them
  std::vector<std::uint32_t> hosts_;  // those of them that a Value does not have
  std::size_t memory_;
  Allowance allowance_;
  Pile<Value, 16> pile_{allowance_};
};

}  // namespace baton::wire::v8
