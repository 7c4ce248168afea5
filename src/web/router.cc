#include "baton/web/router.h"

#include <algorithm>
#include <stdexcept>

#include "baton/http/refusal.h"
#include "baton/web/target.h"
#include "web/pattern.h"

namespace baton::web {

namespace {

std::string listed(std::vector<std::string> methods) {
  std::ranges::sort(methods);
  std::string list;
  for (const auto& method : std::ranges::subrange(methods.begin(), std::ranges::unique(methods).begin())) {
    list += (list.empty() ? "" : ", ") + method;
  }
  return list;
}

}  // namespace

struct Router::State {
  struct Entry {
    std::string method;
    Pattern pattern;
    Route route;
  };
  std::vector<std::unique_ptr<Entry>> entries;
};

const std::string& PathParameters::operator[](std::string_view name) const {
  for (const auto& [key, value] : values_) {
    if (key == name) return value;
  }
  throw std::out_of_range("the pattern has no :" + std::string(name));
}

Router::Router() : state_(std::make_shared<State>()) {}

Router& Router::add(std::string_view method, std::string_view pattern, Route route) {
  if (!route) throw std::invalid_argument("the route of " + std::string(pattern) + " has no handler");
  state_->entries.push_back(
      std::make_unique<State::Entry>(std::string(method), Pattern(pattern), std::move(route)));
  return *this;
}

std::optional<Task<>> Router::operator()(http::Request& request, http::Response& response) {
  const auto segments = segments_of(path_of(request.target()));
  if (!segments) throw http::Refusal(400, "the path is no percent-encoding");
  const bool is_head = request.method() == "HEAD";
  std::vector<std::string> allowed;
  for (const auto& entry : state_->entries) {
    auto values = entry->pattern.match(*segments);
    if (!values) continue;
    if (entry->method == request.method() || (is_head && entry->method == "GET")) {
      return entry->route(request, response, PathParameters(std::move(*values)));
    }
    allowed.push_back(entry->method);
    if (entry->method == "GET") allowed.emplace_back("HEAD");
  }
  if (allowed.empty()) throw http::Refusal(404, "not found");
  response.status(405)
      .header("Allow", listed(std::move(allowed)))
      .header("Content-Type", "text/plain; charset=utf-8");
  response.end("method not allowed\n");
  return std::nullopt;
}

}  // namespace baton::web
