#include "baton/cluster/policy.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <stdexcept>

namespace baton::cluster {
namespace {

struct Name {
  std::string_view text;
  Policy::Kind kind;
};
constexpr std::array names{
    Name{"round-robin", Policy::Kind::round_robin}, Name{"rr", Policy::Kind::round_robin},
    Name{"shared", Policy::Kind::shared},           Name{"none", Policy::Kind::shared},
    Name{"reuse-port", Policy::Kind::reuse_port},   Name{"least-loaded", Policy::Kind::least_loaded},
    Name{"sticky", Policy::Kind::sticky},           Name{"sticky:address", Policy::Kind::sticky},
};

// A token of HTTP, which names of headers and cookies are.
bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
    return std::isalnum(c) != 0 || std::string_view("!#$%&'*+-.^_`|~").contains(static_cast<char>(c));
  });
}

}  // namespace

Policy Policy::sticky(Sticky by, std::string name) {
  if (by != Sticky::address && !is_token(name)) {
    throw std::logic_error("sticky: \"" + name + "\" can be no name of a cookie or header");
  }
  Policy policy(Kind::sticky);
  policy.sticky_ = by;
  policy.sticky_name_ = std::move(name);
  return policy;
}

Policy Policy::chosen(Chooser chooser) {
  if (!chooser) throw std::logic_error("a policy without its function");
  Policy policy(Kind::chosen);
  policy.chooser_ = std::move(chooser);
  return policy;
}

Result<Policy> Policy::parse(std::string_view text) {
  for (const Name& name : names) {
    if (name.text == text) return Policy(name.kind);
  }
  for (const auto& [prefix, by] : {std::pair(std::string_view("sticky:cookie="), Sticky::cookie),
                                   std::pair(std::string_view("sticky:header="), Sticky::header)}) {
    if (text.starts_with(prefix) && is_token(text.substr(prefix.size()))) {
      return sticky(by, std::string(text.substr(prefix.size())));
    }
  }
  return failure(EINVAL, "policy " + std::string(text),
                 "one of round-robin (rr), shared, reuse-port, least-loaded, sticky, sticky:address, "
                 "sticky:cookie=NAME, sticky:header=NAME");
}

std::string Policy::name() const {
  switch (kind_) {
    case Kind::round_robin:
      return "round-robin";
    case Kind::shared:
      return "shared";
    case Kind::reuse_port:
      return "reuse-port";
    case Kind::least_loaded:
      return "least-loaded";
    case Kind::chosen:
      return "chosen";
    case Kind::sticky:
      break;
  }
  if (sticky_ == Sticky::address) return "sticky:address";
  return (sticky_ == Sticky::cookie ? "sticky:cookie=" : "sticky:header=") + sticky_name_;
}

}  // namespace baton::cluster
