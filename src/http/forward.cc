#include "baton/http/forward.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "http/syntax.h"

namespace baton::http {
namespace {

constexpr std::array<std::string_view, 8> of_one_connection = {
    "connection", "keep-alive",       "te",    "trailer", "transfer-encoding",
    "upgrade",    "proxy-connection", "expect"};

// Whether it is one of those that stand in a list: "close, X-Mine".
bool is_listed(std::string_view name, std::string_view list) {
  while (!list.empty()) {
    std::string_view one = list.substr(0, list.find(','));
    list.remove_prefix(std::min(one.size() + 1, list.size()));
    while (one.starts_with(' ') || one.starts_with('\t')) one.remove_prefix(1);
    while (one.ends_with(' ') || one.ends_with('\t')) one.remove_suffix(1);
    if (equal_ignoring_case(one, name)) return true;
  }
  return false;
}

// Calls `add` with each field that is for who is at the other end.
template <class F>
void each_end_to_end(const Headers& headers, F add) {
  for (const auto& [name, value] : headers) {
    const bool of_one = std::ranges::any_of(
        of_one_connection, [&name = name](std::string_view each) { return equal_ignoring_case(name, each); });
    const bool named = std::ranges::any_of(headers, [&name = name](const Headers::Field& other) {
      return equal_ignoring_case(other.first, "connection") && is_listed(name, other.second);
    });
    if (!of_one && !named && !equal_ignoring_case(name, "content-length")) add(name, value);
  }
}

// The parser has seen to it that it is one.
std::optional<std::uint64_t> length_in(const Headers& headers) {
  const auto text = headers.find("content-length");
  if (!text) return std::nullopt;
  std::uint64_t length = 0;
  std::from_chars(text->data(), text->data() + text->size(), length);
  return length;
}

}  // namespace

FetchOptions forward(Request& request) {
  FetchOptions options;
  options.method(request.method());
  each_end_to_end(request.headers(), [&options](auto name, auto value) { options.add_header(name, value); });
  const auto length = length_in(request.headers());
  if (length || request.header("transfer-encoding")) {
    options.body([&request] { return request.next_data(); }, length);
  }
  return options;
}

Task<> forward(Reply reply, Response& response) {
  response.status(reply.status());
  each_end_to_end(reply.headers(), [&response](auto name, auto value) { response.add_header(name, value); });
  if (const auto length = reply.header("content-length")) response.header("Content-Length", *length);
  while (const std::optional<std::string> piece = co_await reply.next_data()) {
    response.write(*piece);
    co_await response.drained();
  }
  response.end();
}

}  // namespace baton::http
