#include <cstddef>
#include <cstdint>
#include <expected>
#include <iterator>
#include <memory_resource>
#include <optional>
#include <utility>

#include "baton/wire/json.h"
#include "wire/json_number.h"
#include "wire/json_repair.h"
#include "wire/scratch.h"

// Boost's parser without Boost's library: what it needs of that is compiled here. Its buffer for strings with
// escapes may end up in the frame of a function that recurses once a level, so it is small.
#define BOOST_JSON_DECL inline
#define BOOST_JSON_STACK_BUFFER_SIZE 512
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/detail/impl/default_resource.ipp>
#include <boost/json/detail/impl/except.ipp>
#include <boost/json/detail/impl/stack.ipp>
#include <boost/json/impl/error.ipp>

namespace baton::wire {
namespace {

namespace bj = boost::json;

// Boost's parser calls this with what it meets, in order. What is not yet inside its array or object waits on
// two stacks, so that each container is allocated once, at its final size.
class Builder {
 public:
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_object_size = max_array_size;
  static constexpr std::size_t max_string_size = max_array_size;
  static constexpr std::size_t max_key_size = max_array_size;

  static_assert(alignof(Value) == alignof(std::string));

  Builder() {
    values_.reserve(16);
    keys_.reserve(16);
  }
  Value&& take() { return std::move(values_.back()); }

  bool on_document_begin(bj::error_code&) { return true; }
  bool on_document_end(bj::error_code&) { return true; }
  bool on_array_begin(bj::error_code&) { return true; }
  bool on_object_begin(bj::error_code&) { return true; }
  bool on_array_end(std::size_t n, bj::error_code&) {
    auto first = values_.end() - static_cast<std::ptrdiff_t>(n);
    std::vector<Value> elements(std::make_move_iterator(first), std::make_move_iterator(values_.end()));
    values_.erase(first, values_.end());
    values_.push_back(Value::array(std::move(elements)));
    return true;
  }
  bool on_object_end(std::size_t n, bj::error_code&) {
    auto value = values_.end() - static_cast<std::ptrdiff_t>(n);
    auto key = keys_.end() - static_cast<std::ptrdiff_t>(n);
    std::vector<Value::Member> members;
    members.reserve(n);
    for (std::size_t i = 0; i < n; ++i) {
      auto at = static_cast<std::ptrdiff_t>(i);
      members.emplace_back(std::move(key[at]), std::move(value[at]));
    }
    values_.erase(value, values_.end());
    keys_.erase(key, keys_.end());
    values_.push_back(Value::object(std::move(members)));
    return true;
  }
  bool on_string_part(bj::string_view part, std::size_t, bj::error_code&) { return append(part); }
  bool on_string(bj::string_view part, std::size_t, bj::error_code&) {
    if (parts_.empty()) {
      values_.emplace_back(std::string_view(part.data(), part.size()));
    } else {
      values_.emplace_back(finish(part));
    }
    return true;
  }
  bool on_key_part(bj::string_view part, std::size_t, bj::error_code&) { return append(part); }
  bool on_key(bj::string_view part, std::size_t, bj::error_code&) {
    if (parts_.empty()) {
      keys_.emplace_back(part.data(), part.size());
    } else {
      keys_.push_back(finish(part));
    }
    return true;
  }
  bool on_number_part(bj::string_view, bj::error_code&) { return true; }  // Only of a number that breaks off.
  bool on_int64(std::int64_t number, bj::string_view text, bj::error_code&) {
    bool exact =
        number <= Value::max_integer && number >= -Value::max_integer && (number != 0 || text[0] != '-');
    return exact ? add(number) : add_number(text);
  }
  bool on_uint64(std::uint64_t, bj::string_view text, bj::error_code&) { return add_number(text); }
  // Boost's own number is not the nearest one in every tenth case.
  bool on_double(double, bj::string_view text, bj::error_code&) { return add_number(text); }
  bool on_bool(bool boolean, bj::error_code&) { return add(boolean); }
  bool on_null(bj::error_code&) { return add(nullptr); }
  bool on_comment_part(bj::string_view, bj::error_code&) { return true; }
  bool on_comment(bj::string_view, bj::error_code&) { return true; }

 private:
  template <class T>
  bool add(T value) {
    values_.emplace_back(value);
    return true;
  }
  bool add_number(bj::string_view text) { return add(read_number({text.data(), text.size()})); }
  bool append(bj::string_view part) {
    parts_.append(part.data(), part.size());
    return true;
  }
  std::string finish(bj::string_view part) {
    if (parts_.empty()) return {part.data(), part.size()};
    append(part);
    return std::exchange(parts_, {});
  }

  Scratch<16 * (sizeof(Value) + sizeof(std::string))> memory_;
  std::pmr::vector<Value> values_{&memory_};
  std::pmr::vector<std::string> keys_{&memory_};
  std::string parts_;
};

class Failed {
 public:
  Failed(bj::error_code code, std::size_t offset) : code_(code), offset_(offset) {}
  [[nodiscard]] bool is(bj::error code) const { return code_ == code; }
  [[nodiscard]] std::size_t offset() const { return offset_; }

 private:
  bj::error_code code_;
  std::size_t offset_;
};

std::expected<Value, Failed> parse(std::string_view text, JsonLimits limits) {
  bj::parse_options options;
  options.max_depth = limits.depth();
  options.allow_invalid_utf8 = true;  // Checked before; what is left of it are lone surrogates.
  bj::basic_parser<Builder> parser(options);
  bj::error_code code;
  std::size_t used = parser.write_some(false, text.data(), text.size(), code);
  if (!code && used < text.size()) code = bj::error::extra_data;
  if (code) return std::unexpected(Failed(code, used));
  return parser.handler().take();
}

std::string quoted(char c) {
  if (c >= 0x20 && c < 0x7f) return {'\'', c, '\''};
  constexpr char digits[] = "0123456789abcdef";
  auto byte = static_cast<unsigned char>(c);
  return {'b', 'y', 't', 'e', ' ', '0', 'x', digits[byte >> 4], digits[byte & 15]};
}

// `parsed` is the text that was parsed, `offset` the place in the one that was given.
std::unexpected<Error> explain(const Failed& failed, std::string_view parsed, std::size_t offset,
                               JsonLimits limits) {
  std::string step = "byte " + std::to_string(offset) + ": ";
  if (failed.is(bj::error::too_deep)) {
    return failure(Errc::message_too_deep, "read JSON",
                   step + "deeper than " + std::to_string(limits.depth()));
  }
  if (failed.offset() >= parsed.size()) {
    step += "the text ends too early";
  } else {
    step += "unexpected " + quoted(parsed[failed.offset()]);
    if (failed.is(bj::error::extra_data)) step += " after the value";
  }
  return failure(Errc::bad_message, "read JSON", step);
}

}  // namespace

Result<Value> read_json(std::string_view text, JsonLimits limits) {
  std::string copy;
  std::string_view fit = text;
  bool repaired = needs_repair(text);
  if (repaired) {
    repair(text, copy);
    fit = copy;
  }
  auto value = parse(fit, limits);
  if (!value && value.error().is(bj::error::exponent_overflow)) {
    copy = tame_exponents(fit);
    fit = copy;
    value = parse(fit, limits);
  }
  if (value) return std::move(*value);
  std::size_t offset = value.error().offset();
  if (repaired) {
    std::string until;
    offset = repair(text, until, offset);
  }
  return explain(value.error(), fit, offset, limits);
}

}  // namespace baton::wire
