#include "baton/wire/json.h"

namespace baton {

Result<Value> from_json(std::string_view text) {
  auto value = wire::read_json(text);
  if (!value) return failure(Errc::bad_json, "read JSON", value.error().step());
  return value;
}

}  // namespace baton
