#include "wire/json_kinds.h"

#include <bit>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "wire/json_number.h"

namespace baton::wire {
namespace {

static_assert(std::endian::native == std::endian::little, "elements are read as they lie on the wire");

template <class T>
T read_element(const char* at) {
  T element;
  std::memcpy(&element, at, sizeof element);
  return element;
}

double half_to_double(std::uint16_t half) {
  const int exponent = half >> 10 & 0x1f;
  const int fraction = half & 0x3ff;
  double number;
  if (exponent == 0x1f) {
    number = fraction == 0 ? HUGE_VAL : std::nan("");
  } else {
    number = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(fraction + 1024, exponent - 25);
  }
  return (half >> 15) != 0 ? -number : number;
}

double element_at(const char* at, Value::View view) {
  using enum Value::View;
  switch (view) {
    case int8:
      return read_element<std::int8_t>(at);
    case int16:
      return read_element<std::int16_t>(at);
    case uint16:
      return read_element<std::uint16_t>(at);
    case int32:
      return read_element<std::int32_t>(at);
    case uint32:
      return read_element<std::uint32_t>(at);
    case float32:
      return double{read_element<float>(at)};
    case float64:
      return read_element<double>(at);
    case float16:
      return half_to_double(read_element<std::uint16_t>(at));
    default:
      return read_element<std::uint8_t>(at);
  }
}

}  // namespace

void append_json_number(std::string& out, double number) {
  if (std::isfinite(number)) {
    append_number(out, number);
  } else {
    out += "null";
  }
}

void append_json_date(std::string& out, double milliseconds) {
  if (std::isnan(milliseconds)) {
    out += "null";
    return;
  }
  using std::chrono::sys_time;
  const sys_time<std::chrono::milliseconds> time(
      std::chrono::milliseconds(static_cast<std::int64_t>(milliseconds)));
  // Years beyond what the standard's calendar knows are moved by whole cycles of it.
  constexpr int cycle = 400;
  constexpr std::int64_t days_a_cycle = 146097;
  auto day = std::chrono::floor<std::chrono::days>(time);
  const auto in_day = std::chrono::hh_mm_ss(time - day);
  const auto cycles =
      static_cast<int>(std::chrono::floor<std::chrono::days>(time).time_since_epoch().count() / days_a_cycle);
  day -= std::chrono::days(cycles * days_a_cycle);
  const std::chrono::year_month_day date(day);
  const int year = static_cast<int>(date.year()) + cycles * cycle;
  char text[64];
  const bool long_year = year < 0 || year > 9999;
  const int length = std::snprintf(
      text, sizeof text,
      long_year ? "\"%+07d-%02u-%02uT%02d:%02d:%02d.%03dZ\"" : "\"%04d-%02u-%02uT%02d:%02d:%02d.%03dZ\"",
      year, static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
      static_cast<int>(in_day.hours().count()), static_cast<int>(in_day.minutes().count()),
      static_cast<int>(in_day.seconds().count()), static_cast<int>(in_day.subseconds().count()));
  out.append(text, static_cast<std::size_t>(length));
}

bool append_json_bytes(std::string& out, const Value& bytes) {
  using enum Value::View;
  const std::string& data = *bytes.get_if_bytes();
  const Value::View view = bytes.view();
  if (view == array_buffer || view == resizable_array_buffer || view == data_view) {
    out += "{}";
    return true;
  }
  if ((view == big_int64 || view == big_uint64) && !data.empty()) return false;
  const bool is_buffer = view == buffer;
  out += is_buffer ? R"({"type":"Buffer","data":[)" : "{";
  const std::size_t size = element_size(view);
  for (std::size_t i = 0; i * size < data.size(); ++i) {
    if (i > 0) out += ',';
    if (!is_buffer) {
      out += '"';
      append_integer(out, static_cast<std::int64_t>(i));
      out += "\":";
    }
    append_json_number(out, element_at(data.data() + i * size, view));
  }
  out += is_buffer ? "]}" : "}";
  return true;
}

}  // namespace baton::wire
