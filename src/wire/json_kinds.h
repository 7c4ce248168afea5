#pragma once

#include <string>

#include "baton/wire/value.h"

namespace baton::wire {

/// What JSON.stringify makes of a number: null where there is no JSON for it.
void append_json_number(std::string& out, double number);
/// Of a Date: the string of its toISOString, or null if it is invalid.
void append_json_date(std::string& out, double milliseconds);
/// Of bytes: Buffer has a toJSON, typed arrays are objects of their elements, the others have no members.
/// False, and nothing appended, if elements are BigInts.
[[nodiscard]] bool append_json_bytes(std::string& out, const Value& bytes);

}  // namespace baton::wire
