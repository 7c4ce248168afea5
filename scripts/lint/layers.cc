#include <algorithm>
#include <array>
#include <span>

#include "tokens.h"

namespace lint {
namespace {

struct Layer {
  std::string_view name;
  std::array<std::string_view, 2> above;  // the arrows; what lies below those follows
};
constexpr std::array<Layer, 13> layers = {{{"base", {}},
                                           {"loop", {"base"}},
                                           {"net", {"loop"}},
                                           {"spawn", {"net"}},
                                           {"http", {"net"}},
                                           {"wire", {"base"}},
                                           {"web", {"http", "wire"}},
                                           {"ipc", {"net", "wire"}},
                                           {"process", {"spawn", "ipc"}},
                                           {"cluster", {"process", "http"}},
                                           {"supervisor", {"cluster"}},
                                           {"pool", {"supervisor"}},
                                           {"cli", {"supervisor"}}}};

const Layer* find_layer(std::string_view name) {
  const auto found =
      std::find_if(layers.begin(), layers.end(), [name](const Layer& each) { return each.name == name; });
  return found == layers.end() ? nullptr : &*found;
}

bool may_include(std::string_view layer, std::string_view other) {
  if (layer == other) return true;
  const Layer* from = find_layer(layer);
  if (from == nullptr) return false;
  return std::any_of(from->above.begin(), from->above.end(),
                     [other](std::string_view each) { return !each.empty() && may_include(each, other); });
}

std::string_view first_folder(std::string_view path) {
  const std::size_t slash = path.find('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

std::string_view strip(std::string_view path, std::string_view prefix) {
  return path.starts_with(prefix) ? path.substr(prefix.size()) : std::string_view();
}

// Boost is an implementation detail of these, and of nothing else.
constexpr std::array<std::string_view, 2> boost_files = {"src/wire/json_reader.cc",
                                                         "src/http/head_reader.cc"};
// wire: bytes to values and back; no descriptor, no loop, no clock.
constexpr std::array<std::string_view, 17> not_in_wire = {
    "unistd.h",  "fcntl.h", "poll.h", "netdb.h",  "signal.h", "csignal", "ctime",   "time.h", "thread",
    "pthread.h", "uv.h",    "sys/",   "netinet/", "arpa/",    "linux/",  "spawn.h", "fstream"};
// Words that need no include of their own to bring a clock in.
constexpr std::array<std::string_view, 4> clocks = {"steady_clock", "system_clock", "high_resolution_clock",
                                                    "clock_gettime"};

void check_wire(const Source& source, Findings& findings) {
  for (const Include& include : source.includes()) {
    const bool forbidden = std::any_of(not_in_wire.begin(), not_in_wire.end(), [&](std::string_view each) {
      return each.ends_with('/') ? include.name.starts_with(each) : include.name == each;
    });
    if (forbidden) {
      findings.push_back(
          {source.path(), include.line,
           "wire/ has no descriptor, no loop and no clock, but includes " + std::string(include.name)});
    }
  }
  for (const Token& token : source.tokens()) {
    if (token.kind == Kind::word && std::find(clocks.begin(), clocks.end(), token.spelling) != clocks.end()) {
      findings.push_back(
          {source.path(), token.line, "wire/ has no clock, but uses " + std::string(token.spelling)});
    }
  }
}

}  // namespace

void check_layers(const Source& source, Findings& findings) {
  const std::string_view public_path = strip(source.path(), "include/baton/");
  const std::string_view private_path = strip(source.path(), "src/");
  if (public_path.empty() && private_path.empty()) return;
  const std::string_view layer = first_folder(public_path.empty() ? private_path : public_path);
  if (layer.empty()) return;  // include/baton/baton.h includes all
  if (find_layer(layer) == nullptr) {
    findings.push_back({source.path(), 1, "no layer is called " + std::string(layer)});
    return;
  }
  for (const Include& include : source.includes()) {
    const std::string_view in_baton = strip(include.name, "baton/");
    const std::string_view other = first_folder(in_baton.empty() ? include.name : in_baton);
    if (include.name == "baton/baton.h") {
      findings.push_back({source.path(), include.line, "baton/baton.h is for users; include what is meant"});
    } else if (find_layer(other) != nullptr && !may_include(layer, other)) {
      findings.push_back({source.path(), include.line,
                          std::string(layer) + "/ may not include " + std::string(other) +
                              "/: " + std::string(include.name)});
    } else if (!public_path.empty() && in_baton.empty() && find_layer(other) != nullptr) {
      findings.push_back({source.path(), include.line,
                          "a public header includes a private one: " + std::string(include.name)});
    }
    const bool boost = include.name.starts_with("boost/");
    if (!public_path.empty() && (boost || include.name == "uv.h")) {
      findings.push_back(
          {source.path(), include.line, "a public header includes " + std::string(include.name)});
    } else if (boost &&
               std::find(boost_files.begin(), boost_files.end(), source.path()) == boost_files.end()) {
      findings.push_back(
          {source.path(), include.line,
           "Boost belongs into few files, and this is none of them: " + std::string(include.name)});
    }
  }
  if (layer == "wire") check_wire(source, findings);
}

}  // namespace lint
