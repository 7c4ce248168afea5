#include "http/response_head.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <stdexcept>

#include "http/field_lines.h"
#include "http/syntax.h"

namespace baton::http {
namespace {

void append_two_digits(std::string& out, unsigned number) {
  out += static_cast<char>('0' + number / 10 % 10);
  out += static_cast<char>('0' + number % 10);
}

void append_status_line(std::string& out, int status) {
  out += "HTTP/1.1 ";
  append_number(out, static_cast<unsigned>(status));
  out += ' ';
  out += reason_of(status);
  out += "\r\n";
}

// What frames, routes, allows or describes a message is of no use behind it, and a client that merged it into
// the head would be misled.
constexpr std::array<std::string_view, 18> never_trailers = {
    "authorization",  "cache-control",     "connection",   "content-encoding",
    "content-length", "content-range",     "content-type", "expect",
    "host",           "keep-alive",        "location",     "proxy-authenticate",
    "set-cookie",     "transfer-encoding", "te",           "trailer",
    "upgrade",        "www-authenticate"};

std::uint64_t parse_length(std::string_view value) {
  std::uint64_t length = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), length);
  if (error != std::errc() || end != value.data() + value.size()) {
    throw std::invalid_argument("Content-Length is not a number: " + std::string(value));
  }
  return length;
}

}  // namespace

std::string_view DateLine::at(std::int64_t unix_seconds) {
  if (unix_seconds == second_) return line_;
  static constexpr std::string_view days = "SunMonTueWedThuFriSat";
  static constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const std::chrono::sys_seconds time{std::chrono::seconds(unix_seconds)};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  line_ = "Date: ";
  line_ += days.substr(3 * std::chrono::weekday(day).c_encoding(), 3);
  line_ += ", ";
  append_two_digits(line_, static_cast<unsigned>(date.day()));
  line_ += ' ';
  line_ += months.substr(3 * (static_cast<unsigned>(date.month()) - 1), 3);
  line_ += ' ';
  append_two_digits(line_, static_cast<unsigned>(static_cast<int>(date.year())) / 100);
  append_two_digits(line_, static_cast<unsigned>(static_cast<int>(date.year())) % 100);
  line_ += ' ';
  append_two_digits(line_, static_cast<unsigned>(clock.hours().count()));
  line_ += ':';
  append_two_digits(line_, static_cast<unsigned>(clock.minutes().count()));
  line_ += ':';
  append_two_digits(line_, static_cast<unsigned>(clock.seconds().count()));
  line_ += " GMT\r\n";
  second_ = unix_seconds;
  return line_;
}

void ResponseHead::status(int status) {
  if (status < 200 || status > 999) {
    throw std::invalid_argument("not the status of a response: " + std::to_string(status));
  }
  status_ = status;
}

void ResponseHead::set(std::string_view name, std::string_view value) {
  if (take_special(name, value)) return;
  remove_field(lines_, name);
  add(name, value);
}

void ResponseHead::add(std::string_view name, std::string_view value) {
  if (take_special(name, value)) return;
  append_field(lines_, name, value);
  if (equal_ignoring_case(name, "date")) has_date_ = true;
}

bool ResponseHead::take_special(std::string_view name, std::string_view value) {
  check_field(name, value);
  if (equal_ignoring_case(name, "transfer-encoding") || equal_ignoring_case(name, "keep-alive")) {
    throw std::invalid_argument("the server itself says " + std::string(name));
  }
  if (equal_ignoring_case(name, "content-length")) {
    content_length_ = parse_length(value);
    return true;
  }
  if (equal_ignoring_case(name, "connection")) {
    close_ = equal_ignoring_case(value, "close");
    if (close_ || equal_ignoring_case(value, "keep-alive")) return true;
    throw std::invalid_argument("Connection may be close or keep-alive, and not: " + std::string(value));
  }
  return false;
}

void ResponseHead::add_trailer(std::string_view name, std::string_view value) {
  check_field(name, value);
  if (std::ranges::any_of(never_trailers, [&](auto each) { return equal_ignoring_case(name, each); })) {
    throw std::invalid_argument("no trailer, but a header: " + std::string(name));
  }
  append_field(trailers_, name, value);
}

void ResponseHead::write(std::string& out, const Framing& framing, std::optional<unsigned> keep_alive_seconds,
                         std::string_view date_line) const {
  if (status_ == 200) {
    out += "HTTP/1.1 200 OK\r\n";
  } else {
    append_status_line(out, status_);
  }
  out += lines_;
  if (!has_date_) out += date_line;
  if (keep_alive_seconds && !close_ && framing.kind() != Framing::Kind::until_close) {
    out += "Connection: keep-alive\r\n";
    if (*keep_alive_seconds > 0) {
      out += "Keep-Alive: timeout=";
      append_number(out, *keep_alive_seconds);
      out += "\r\n";
    }
  } else {
    out += "Connection: close\r\n";
  }
  if (framing.kind() == Framing::Kind::length) {
    out += "Content-Length: ";
    append_number(out, framing.size());
    out += "\r\n";
  } else if (framing.kind() == Framing::Kind::chunked) {
    out += "Transfer-Encoding: chunked\r\n";
  }
  out += "\r\n";
}

void ResponseHead::clear() noexcept {
  lines_.clear();
  trailers_.clear();
  content_length_.reset();
  status_ = 200;
  has_date_ = close_ = false;
}

void append_chunk_size(std::string& out, std::size_t size) {
  append_number(out, size, 16);
  out += "\r\n";
}

void append_chunk(std::string& out, std::string_view data) {
  append_chunk_size(out, data.size());
  out += data;
  out += "\r\n";
}

void append_last_chunk(std::string& out, std::string_view trailers) {
  out += "0\r\n";
  out += trailers;
  out += "\r\n";
}

std::string closing_response(int status) {
  std::string out;
  append_status_line(out, status);
  out += "Connection: close\r\n\r\n";
  return out;
}

}  // namespace baton::http
