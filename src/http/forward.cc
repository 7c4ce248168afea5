#include "baton/http/forward.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "baton/http/refusal.h"
#include "http/syntax.h"

namespace baton::http {
namespace {

constexpr std::array<std::string_view, 9> of_one_connection = {
    "connection",        "content-length", "keep-alive",       "te",    "trailer",
    "transfer-encoding", "upgrade",        "proxy-connection", "expect"};

// Who names these in Connection would have them taken away from whoever stands behind a proxy.
constexpr std::array<std::string_view, 7> of_all_recipients = {
    "host", "authorization", "cookie", "forwarded", "via", "cache-control", "x-real-ip"};
constexpr std::string_view of_proxies = "x-forwarded-";

bool is_for_all(std::string_view name) {
  return name.starts_with(of_proxies) ||
         std::ranges::find(of_all_recipients, name) != of_all_recipients.end();
}

// The names in a list: "close, X-Mine".
void add_names(std::string_view list, std::vector<std::string>& names) {
  while (!list.empty()) {
    std::string_view one = list.substr(0, list.find(','));
    list.remove_prefix(std::min(one.size() + 1, list.size()));
    while (one.starts_with(' ') || one.starts_with('\t')) one.remove_prefix(1);
    while (one.ends_with(' ') || one.ends_with('\t')) one.remove_suffix(1);
    std::string name = to_lower(one);
    if (!name.empty() && !is_for_all(name)) names.push_back(std::move(name));
  }
}

// Calls `add` with each field that is for who is at the other end.
template <class F>
void each_end_to_end(const Headers& headers, F add) {
  std::vector<std::string> left_out(of_one_connection.begin(), of_one_connection.end());
  for (const auto& [name, value] : headers) {
    if (equal_ignoring_case(name, "connection")) add_names(value, left_out);
  }
  std::ranges::sort(left_out);
  for (const auto& [name, value] : headers) {
    if (!std::ranges::binary_search(left_out, to_lower(name))) add(name, value);
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

// A client of a proxy may say the whole URL.
std::string_view without_origin(std::string_view target) {
  if (target.starts_with('/') || target == "*") return target;
  const std::size_t origin = target.find("://");
  const std::size_t path = origin == target.npos ? target.npos : target.find_first_of("/?", origin + 3);
  return path == target.npos ? "/" : target.substr(path);
}

}  // namespace

FetchOptions forward(Request& request) {
  if (request.method() == "CONNECT") throw Refusal(501, "CONNECT is not passed on");
  FetchOptions options;
  const std::string_view target = without_origin(request.target());
  options.method(request.method()).target((target.starts_with('?') ? "/" : "") + std::string(target));
  each_end_to_end(request.headers(), [&options](auto name, auto value) { options.add_header(name, value); });
  const auto length = length_in(request.headers());
  if (length == 0U) {
    options.body(std::string());
  } else if (length || request.header("transfer-encoding")) {
    options.body([&request] { return request.next_data(); }, length);
  }
  return options;
}

Task<> forward(Reply reply, Response& response) {
  response.status(reply.status());
  each_end_to_end(reply.headers(), [&response](auto name, auto value) { response.add_header(name, value); });
  if (const auto length = reply.header("content-length")) response.header("Content-Length", *length);
  while (const std::optional<std::string> piece = co_await reply.next_data().cancel_on(response.gone())) {
    response.write(*piece);
    co_await response.drained();
  }
  response.end();
}

}  // namespace baton::http
