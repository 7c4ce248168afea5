#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "baton/wire/advanced.h"
#include "baton/wire/json.h"

// Whatever is read must be written, and that read again as a value that is written the same. Nothing that
// JSON makes of it may break.
namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  auto value = baton::wire::read_advanced(bytes);
  if (!value) {
    require(!value.error().step().empty());
    return 0;
  }
  std::string out;
  // A host object of the sender's is one here and not two: what was a reference to a later object may be one
  // to an object that has not come. Keys that come twice may take objects with them too.
  if (!baton::wire::write_advanced(*value, out)) {
    require(value->refers() && out.empty());
    return 0;
  }
  auto again = baton::wire::read_advanced(out);
  require(again.has_value());
  std::string same;
  require(baton::wire::write_advanced(*again, same).has_value());
  require(same == out);
  std::string json;
  if (value->length() < 100000 && baton::wire::write_json(*value, json)) {
    require(baton::wire::read_json(json).has_value());
  }
  return 0;
}
