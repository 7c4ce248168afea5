#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <utility>

#include "baton/wire/json.h"
#include "wire/allowance.h"
#include "wire/json_number.h"
#include "wire/json_repair.h"
#include "wire/pile.h"

// Boost's parser without Boost's library: what it needs of that is compiled here. Its buffer for strings with
// escapes may end up in the frame of a function that recurses once a level, so it is small.
#include <boost/system/system_error.hpp>
#include <boost/version.hpp>
#if BOOST_VERSION < 108400
#define BOOST_JSON_DECL inline
#else
#define BOOST_JSON_DECL __attribute__((weak))  // There it stands before classes, too.
#endif
#define BOOST_JSON_STACK_BUFFER_SIZE 512
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/detail/impl/default_resource.ipp>
#include <boost/json/detail/impl/except.ipp>
#include <boost/json/detail/impl/stack.ipp>
#include <boost/json/impl/error.ipp>
#if __has_include(<boost/json/detail/charconv/impl/from_chars.ipp>)  // from Boost 1.83 on
#include <boost/json/detail/charconv/impl/from_chars.ipp>
#endif

namespace baton::wire {
namespace {

namespace bj = boost::json;
using boost::system::error_code;

// Of Boost's codes one that it has no other use for here.
constexpr bj::error too_much = bj::error::array_too_large;

// Boost's parser calls this with what it meets, in order. What is not yet inside its array or object waits on
// a pile, a key before its value, so that each container is allocated once, at its final size.
class Builder {
 public:
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_object_size = max_array_size;
  static constexpr std::size_t max_string_size = max_array_size;
  static constexpr std::size_t max_key_size = max_array_size;

  explicit Builder(std::size_t memory) : allowance_(memory) {}
  Value take() {
    Value whole;
    pile_.take_last(1, 0, [&](Value&& value) { whole = std::move(value); });
    return whole;
  }

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_array_begin(error_code&) { return true; }
  bool on_object_begin(error_code&) { return true; }
  bool on_array_end(std::size_t n, error_code& code) {
    std::vector<Value> elements;
    const auto add = [&](Value&& element) {
      if (elements.empty()) elements.reserve(n);
      elements.push_back(std::move(element));
    };
    if (n > 0 && !pile_.take_last(n, n * sizeof(Value) + around_allocation, add)) return refuse(code);
    return push(code, Value::array(std::move(elements)));
  }
  bool on_object_end(std::size_t n, error_code& code) {
    std::vector<Value::Member> members;
    std::string key;
    bool is_key = false;
    const auto add = [&](Value&& next) {
      if (members.empty()) members.reserve(n);
      if ((is_key = !is_key)) {
        key = std::move(next).as_string();
      } else {
        members.emplace_back(std::move(key), std::move(next));
      }
    };
    if (n > 0 && !pile_.take_last(2 * n, n * sizeof(Value::Member) + around_allocation, add))
      return refuse(code);
    return push(code, Value::object(std::move(members)));
  }
  bool on_string_part(bj::string_view part, std::size_t, error_code& code) { return append(part, code); }
  bool on_string(bj::string_view part, std::size_t, error_code& code) {
    if (!parts_.empty()) return append(part, code) && push(code, std::exchange(parts_, {}));
    if (part.size() > longest_within && !allowance_.take(part.size() + around_allocation))
      return refuse(code);
    return push(code, std::string_view(part.data(), part.size()));
  }
  bool on_key_part(bj::string_view part, std::size_t, error_code& code) { return append(part, code); }
  bool on_key(bj::string_view part, std::size_t size, error_code& code) {
    return on_string(part, size, code);
  }
  bool on_number_part(bj::string_view, error_code&) { return true; }  // Only of a number that breaks off.
  bool on_int64(std::int64_t number, bj::string_view text, error_code& code) {
    bool exact =
        number <= Value::max_integer && number >= -Value::max_integer && (number != 0 || text[0] != '-');
    return exact ? push(code, number) : push_number(text, code);
  }
  bool on_uint64(std::uint64_t, bj::string_view text, error_code& code) { return push_number(text, code); }
  // Boost's own number is not the nearest one in every tenth case.
  bool on_double(double, bj::string_view text, error_code& code) { return push_number(text, code); }
  bool on_bool(bool boolean, error_code& code) { return push(code, boolean); }
  bool on_null(error_code& code) { return push(code, nullptr); }
  bool on_comment_part(bj::string_view, error_code&) { return true; }
  bool on_comment(bj::string_view, error_code&) { return true; }

 private:
  template <class T>
  bool push(error_code& code, T&& value) {
    return pile_.push(std::forward<T>(value)) || refuse(code);
  }
  bool push_number(bj::string_view text, error_code& code) {
    return push(code, read_number({text.data(), text.size()}));
  }
  static bool refuse(error_code& code) {
    code = too_much;
    return false;
  }
  bool append(bj::string_view part, error_code& code) {
    const std::size_t before = memory_of(parts_);
    parts_.append(part.data(), part.size());
    return allowance_.take(memory_of(parts_) - before) || refuse(code);
  }

  static constexpr std::size_t longest_within = 15;  // a std::string
  Allowance allowance_;
  Pile<Value, 16> pile_{allowance_};
  std::string parts_;
};

class Failed {
 public:
  Failed(error_code code, std::size_t offset) : code_(code), offset_(offset) {}
  [[nodiscard]] bool is(bj::error code) const { return code_ == code; }
  [[nodiscard]] std::size_t offset() const { return offset_; }

 private:
  error_code code_;
  std::size_t offset_;
};

std::expected<Value, Failed> parse(std::string_view text, unsigned depth, std::size_t memory) {
  bj::parse_options options;
  options.max_depth = depth;
  options.allow_invalid_utf8 = true;  // Checked before; what is left of it are lone surrogates.
  bj::basic_parser<Builder> parser(options, memory);
  error_code code;
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
                               unsigned depth, std::size_t memory) {
  std::string step = "byte " + std::to_string(offset) + ": ";
  if (failed.is(bj::error::too_deep)) {
    return failure(Errc::message_too_deep, "read JSON", step + "deeper than " + std::to_string(depth));
  }
  if (failed.is(too_much)) {
    return failure(Errc::message_too_large, "read JSON",
                   step + "the value takes more than " + std::to_string(memory) + " bytes");
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
  constexpr std::size_t longest_replacement = 3;  // U+FFFD for a byte
  const std::size_t memory = limits.memory_for(text.size());
  std::string copy;
  std::string_view fit = text;
  bool repaired = needs_repair(text);
  if (repaired) {
    copy.reserve(longest_replacement * text.size());
    repair(text, copy);
    fit = copy;
  }
  const std::size_t for_values = memory - std::min(memory, copy.size());
  auto value = parse(fit, limits.depth(), for_values);
  if (!value && value.error().is(bj::error::exponent_overflow)) {
    copy = tame_exponents(fit);
    fit = copy;
    value = parse(fit, limits.depth(), for_values);
  }
  if (value) return std::move(*value);
  std::size_t offset = value.error().offset();
  if (repaired) {
    std::string until;
    offset = repair(text, until, offset);
  }
  return explain(value.error(), fit, offset, limits.depth(), memory);
}

}  // namespace baton::wire
