#include "baton/http/fetch_options.h"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "http/field_lines.h"
#include "http/syntax.h"
#include "http/url.h"

namespace baton::http {
namespace {

constexpr std::array<std::string_view, 8> ours = {
    "content-length", "transfer-encoding", "connection", "keep-alive", "upgrade", "te", "trailer", "expect"};

void check(std::string_view name, std::string_view value) {
  check_field(name, value);
  if (std::ranges::any_of(ours, [&](auto each) { return equal_ignoring_case(name, each); })) {
    throw std::invalid_argument("fetch itself says " + std::string(name));
  }
  if (equal_ignoring_case(name, "host") && !is_host(value)) {
    throw std::invalid_argument("no host: " + std::string(value));
  }
}

}  // namespace

FetchOptions& FetchOptions::method(std::string_view method) {
  if (!is_token(method) || method == "CONNECT") {
    throw std::invalid_argument("not a method to fetch with: " + std::string(method));
  }
  method_ = method;
  return *this;
}

FetchOptions& FetchOptions::header(std::string_view name, std::string_view value) {
  check(name, value);
  remove_field(lines_, name);
  append_field(lines_, name, value);
  return *this;
}

FetchOptions& FetchOptions::add_header(std::string_view name, std::string_view value) {
  check(name, value);
  if (equal_ignoring_case(name, "host")) return header(name, value);
  append_field(lines_, name, value);
  return *this;
}

FetchOptions& FetchOptions::body(std::string bytes) {
  length_ = bytes.size();
  body_ = std::move(bytes);
  source_ = nullptr;
  return *this;
}

FetchOptions& FetchOptions::stream(Source source, std::optional<std::uint64_t> length) {
  length_ = length;
  body_.clear();
  source_ = std::move(source);
  return *this;
}

FetchOptions& FetchOptions::target(std::string_view target) {
  const bool path = target.starts_with('/') && is_target("GET", target);
  if (!path && target != "*") throw std::invalid_argument("what is asked is no path: " + shown(target));
  target_ = target;
  return *this;
}

FetchOptions& FetchOptions::socket_path(std::string_view path) {
  place_ = net::Endpoint::unix_path(path);
  return *this;
}

}  // namespace baton::http
