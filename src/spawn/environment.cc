#include "baton/spawn/environment.h"

#include <unistd.h>

#include <algorithm>

namespace baton {

Environment Environment::current() {
  Environment result;
  if (environ == nullptr) return result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const size_t equals = text.find('=');
    if (equals == 0 || equals == std::string_view::npos) continue;
    result.variables_.emplace_back(std::string(text.substr(0, equals)), std::string(text.substr(equals + 1)));
  }
  // A key that is there twice: getenv(3) of most programs sees the first, so the first is what the child
  // gets.
  for (size_t i = 0; i < result.variables_.size(); ++i) {
    auto same = [&, i](const Variable& other) { return other.key_ == result.variables_[i].key_; };
    auto from = result.variables_.begin() + static_cast<std::ptrdiff_t>(i) + 1;
    result.variables_.erase(std::remove_if(from, result.variables_.end(), same), result.variables_.end());
  }
  return result;
}

Environment& Environment::set(std::string_view key, std::string_view value) {
  auto found = std::ranges::find(variables_, key, &Variable::key_);
  if (found != variables_.end()) {
    found->value_ = value;
  } else {
    variables_.emplace_back(std::string(key), std::string(value));
  }
  return *this;
}

Environment& Environment::unset(std::string_view key) {
  std::erase_if(variables_, [key](const Variable& variable) { return variable.key_ == key; });
  return *this;
}

std::optional<std::string_view> Environment::get(std::string_view key) const noexcept {
  auto found = std::ranges::find(variables_, key, &Variable::key_);
  if (found == variables_.end()) return std::nullopt;
  return found->value_;
}

}  // namespace baton
