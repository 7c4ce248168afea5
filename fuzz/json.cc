#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "baton/wire/json.h"

// Whatever is read must be printed, and read again as an equal value with the same text.
namespace {

using baton::Value;

// JSON has no infinities: what was read as one is printed as null.
bool has_infinity(const Value& value) {
  if (auto number = value.get_if_number()) return std::isinf(*number);
  for (const Value& element : value.elements()) {
    if (has_infinity(element)) return true;
  }
  for (const auto& [key, member] : value.members()) {
    if (has_infinity(member)) return true;
  }
  return false;
}

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto value = baton::wire::read_json(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!value) {
    require(!value.error().step().empty());
    return 0;
  }
  std::string text;
  require(baton::wire::write_json(*value, text).has_value());
  auto again = baton::wire::read_json(text);
  require(again.has_value());
  require(has_infinity(*value) || *again == *value);
  require(Value(*again) == *again);
  require(baton::to_json(*again) == text);
  return 0;
}
