#include "baton/http/headers.h"

#include "http/syntax.h"

namespace baton::http {

std::optional<std::string_view> Headers::find(std::string_view name) const noexcept {
  for (const auto& [field, value] : *this) {
    if (equal_ignoring_case(field, name)) return value;
  }
  return std::nullopt;
}

}  // namespace baton::http
