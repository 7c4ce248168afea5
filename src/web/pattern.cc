#include "web/pattern.h"

#include <algorithm>
#include <stdexcept>

#include "baton/web/target.h"

namespace baton::web {
namespace {

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> segments;
  path.remove_prefix(1);
  for (;;) {
    const std::size_t slash = path.find('/');
    segments.push_back(path.substr(0, slash));
    if (slash == path.npos) return segments;
    path.remove_prefix(slash + 1);
  }
}

[[noreturn]] void refuse(std::string_view pattern, std::string_view why) {
  throw std::invalid_argument("the pattern " + std::string(pattern) + " " + std::string(why));
}

}  // namespace

std::optional<std::vector<std::string>> segments_of(std::string_view path) {
  std::vector<std::string> segments;
  if (!path.starts_with('/')) return segments;
  for (const std::string_view each : split(path)) {
    auto decoded = percent_decode(each);
    if (!decoded) return std::nullopt;
    segments.push_back(std::move(*decoded));
  }
  return segments;
}

Pattern::Pattern(std::string_view text) {
  if (!text.starts_with('/')) refuse(text, "does not begin with /");
  for (const std::string_view each : split(text)) {
    if (!segments_.empty() && segments_.back().kind == Kind::rest) refuse(text, "goes on behind *");
    const Kind kind = each.starts_with(':') ? Kind::name : each.starts_with('*') ? Kind::rest : Kind::text;
    const std::string_view name = kind == Kind::text ? each : each.substr(1);
    if (kind != Kind::text) {
      if (name.empty()) refuse(text, "has a name that is empty");
      const bool twice = std::ranges::any_of(
          segments_, [&](const Segment& other) { return other.kind != Kind::text && other.text == name; });
      if (twice) refuse(text, "has the name " + std::string(name) + " twice");
    }
    segments_.push_back({kind, std::string(name)});
  }
}

std::optional<Pattern::Values> Pattern::match(const std::vector<std::string>& segments) const {
  const bool has_rest = segments_.back().kind == Kind::rest;
  if (has_rest ? segments.size() < segments_.size() : segments.size() != segments_.size())
    return std::nullopt;
  Values values;
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    const auto& [kind, text] = segments_[i];
    if (kind == Kind::text && segments[i] != text) return std::nullopt;
    if (kind == Kind::name && segments[i].empty()) return std::nullopt;
    if (kind == Kind::text) continue;
    std::string value = segments[i];
    if (kind == Kind::rest) {
      for (std::size_t more = i + 1; more < segments.size(); ++more) value += "/" + segments[more];
    }
    values.emplace_back(text, std::move(value));
  }
  return values;
}

}  // namespace baton::web
