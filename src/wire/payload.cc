#include "baton/wire/payload.h"

#include <sstream>
#include <stdexcept>

namespace baton::detail {
namespace {

constexpr std::size_t longest_shown = 40;

// What a log line has room for: the value itself if it is short, else its kind.
std::string described_value(const Value& value) {
  const bool plain = value.kind() < Value::Kind::hole;
  if (value.is_string() ? value.as_string().size() <= longest_shown : plain) {
    std::ostringstream text;
    text << value;
    return text.str();
  }
  const auto kind = name_of(value.kind());
  const bool vowel = std::string_view("aeiou").contains(kind.front());
  return (vowel ? "an " : "a ") + std::string(kind);
}

}  // namespace

bool Misfit::is_not(const Value& value, std::string_view wanted) {
  problem_ = value.is_undefined() ? "is missing" : "is " + described_value(value) + ", not ";
  if (!value.is_undefined()) problem_ += wanted;
  return false;
}

bool Misfit::in_member(std::string_view key) {
  const bool inner = !path_.empty() && path_.front() != '[';
  path_.insert(0, std::string(key) + (inner ? "." : ""));
  return false;
}

bool Misfit::in_element(std::size_t index) {
  const bool inner = !path_.empty() && path_.front() != '[';
  path_.insert(0, "[" + std::to_string(index) + "]" + (inner ? "." : ""));
  return false;
}

std::unexpected<Error> Misfit::error(std::string_view type) const {
  return failure(Errc::wrong_value, "read " + std::string(type),
                 (path_.empty() ? "the message" : path_) + " " + problem_);
}

void refuse_enumerator(std::string_view type) {
  throw std::logic_error(std::string(type) + ": an enumerator that has no name");
}

}  // namespace baton::detail
