// The kinds that few messages have.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wire/regexp_flags.h"
#include "wire/v8_reader.h"

namespace baton::wire::v8 {
namespace {

constexpr std::size_t parts_of_error = 4;

constexpr std::string_view error_name(ErrorTag tag) noexcept {
  switch (tag) {
    case ErrorTag::eval_error:
      return "EvalError";
    case ErrorTag::range_error:
      return "RangeError";
    case ErrorTag::reference_error:
      return "ReferenceError";
    case ErrorTag::syntax_error:
      return "SyntaxError";
    case ErrorTag::type_error:
      return "TypeError";
    case ErrorTag::uri_error:
      return "URIError";
    default:
      return {};
  }
}

}  // namespace

Value Reader::rare(Tag tag) {
  if (tag == Tag::bigint) return bigint();
  if (tag == Tag::reference) return reference();
  if (tag == Tag::host_object) return host_object();
  ++objects_;
  switch (tag) {
    case Tag::date:
      return Value::date(double_bytes());
    case Tag::regexp:
      return regexp();
    case Tag::map:
      return map();
    case Tag::set:
      return set();
    case Tag::error:
      return error();
    case Tag::array_buffer:
      return array_buffer();
    case Tag::resizable_array_buffer:
      return resizable_array_buffer();
    case Tag::true_object:
      return boxed(true);
    case Tag::false_object:
      return boxed(false);
    case Tag::number_object:
      return boxed(double_bytes());
    case Tag::bigint_object:
      return boxed(bigint());
    case Tag::string_object:
      return boxed(string());
    default:
      --at_;
      return fail("a tag that is not known");
  }
}

Value Reader::map() {
  if (!enter()) return {};
  std::size_t count = 0;
  // A key, then its value.
  for (; !ends_with(Tag::end_map) && !failed(); count += 2) {
    put(any());
    put(any());
  }
  expect(count);
  leave();
  std::vector<Value::Entry> entries;
  if (failed()) return {};
  Value key;
  bool is_key = false;
  const std::size_t bytes = count * sizeof(Value) + around_allocation;
  const bool taken = pile_.take_last(count, bytes, [&](Value&& next) {
    if (entries.empty()) entries.reserve(count / 2);
    if ((is_key = !is_key)) {
      key = std::move(next);
    } else {
      entries.emplace_back(std::move(key), std::move(next));
    }
  });
  if (!taken) afford(bytes);
  if (failed()) return {};
  return Value::map_of(std::move(entries));
}

Value Reader::set() {
  if (!enter()) return {};
  std::size_t count = 0;
  for (; !ends_with(Tag::end_set) && !failed(); ++count) put(any());
  expect(count);
  leave();
  std::vector<Value> elements = take_values(count);
  if (failed()) return {};
  return Value::set_of(std::move(elements));
}

Value Reader::error() {
  if (!enter() || !afford(parts_of_error * sizeof(Value::Member) + around_allocation)) return {};
  Members parts;
  const auto add = [&](const char* name, Value value) {
    const auto present = std::ranges::find(parts, name, &Value::Member::first);
    if (present != parts.end()) parts.erase(present);
    parts.emplace_back(name, std::move(value));
  };
  for (;;) {
    const auto part = static_cast<ErrorTag>(byte());
    if (failed()) return {};
    if (part == ErrorTag::end) break;
    if (part == ErrorTag::message) {
      add("message", string());
    } else if (part == ErrorTag::stack) {
      add("stack", string());
    } else if (part == ErrorTag::cause) {
      Value cause = any();
      add("cause", std::move(cause));
    } else if (const std::string_view name = error_name(part); !name.empty()) {
      add("name", name);
    } else {
      return fail("a part of an Error that is not known");
    }
  }
  leave();
  return Value::error_of(std::move(parts));
}

Value Reader::regexp() {
  std::string source = string();
  const std::uint32_t bits = varint();
  const std::string letters = regexp_letters(bits);
  const auto known = regexp_bits(letters);
  if (!known || *known != bits) return fail("flags of a RegExp that are not known");
  if (failed()) return {};
  return Value::regexp(std::move(source), letters);
}

Value Reader::bigint() {
  const std::uint32_t field = varint();
  const std::string_view magnitude = bytes(field >> 1);
  return Value::bigint((field & 1) != 0, std::string(magnitude));
}

// Those that a value is to have.
std::string_view Reader::bytes(std::size_t size) {
  const std::string_view there = raw(size);
  return afford(there.size() + around_allocation) ? there : std::string_view();
}

Value Reader::boxed(Value primitive) {
  if (!enter() || !afford(sizeof(Value) + around_allocation)) return {};
  leave();
  return Value::boxed(std::move(primitive));
}

Value Reader::array_buffer() { return Value::bytes(std::string(bytes(varint())), Value::View::array_buffer); }

Value Reader::resizable_array_buffer() {
  const std::uint32_t size = varint();
  const std::uint32_t most = varint();
  if (size > most) return fail("an ArrayBuffer longer than it may become");
  const std::string_view data = bytes(size);
  if (failed()) return {};
  return Value::resizable_bytes(std::string(data), most);
}

Value Reader::host_object() {
  const std::uint32_t what = varint();
  if (what == host_view) {
    ++objects_;
    return view();
  }
  if (what != host_members) return fail("a host object that is not known");
  // It and the object of its members are two for the sender, and one here.
  hosts_.push_back(objects_++);
  if (tag() != Tag::object) return fail("a host object without members");
  return object();
}

Value Reader::view() {
  const std::uint32_t kind = varint();
  const std::string_view data = bytes(varint());
  if (kind > static_cast<std::uint32_t>(Value::View::float16)) return fail("a view that is not known");
  const auto view = static_cast<Value::View>(kind);
  if (data.size() % element_size(view) != 0) return fail("a part of an element");
  if (failed()) return {};
  return Value::bytes(std::string(data), view);
}

Value Reader::reference() {
  const std::uint32_t number = varint();
  if (number >= objects_) return fail("a reference to an object that has not come");
  const auto before = std::ranges::lower_bound(hosts_, number) - hosts_.begin();
  return Value::reference(number - static_cast<std::uint32_t>(before));
}

}  // namespace baton::wire::v8
