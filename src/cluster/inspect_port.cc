#include "cluster/inspect_port.h"

#include <algorithm>
#include <charconv>
#include <sstream>

namespace baton::cluster {
namespace {

constexpr unsigned usual_port = 9229;
constexpr unsigned least_port = 1024;
constexpr unsigned most_port = 65535;

// What an argument says of the inspector: its port, or that there shall be one.
struct Inspector {
  bool wanted = false;
  std::optional<unsigned> port;
};

void read_argument(std::string_view argument, Inspector& inspector) {
  const std::size_t equals = std::min(argument.find('='), argument.size());
  const std::string_view name = argument.substr(0, equals);
  const bool starts = name == "--inspect" || name == "--inspect-brk" || name == "--inspect-wait";
  if (!starts && name != "--inspect-port" && name != "--debug-port") return;
  inspector.wanted = true;
  if (equals == argument.size()) return;
  std::string_view value = argument.substr(equals + 1);
  value.remove_prefix(value.rfind(':') + 1);  // a host may stand before it
  unsigned port = 0;
  const auto [stop, error] = std::from_chars(value.data(), value.data() + value.size(), port);
  if (error == std::errc() && stop == value.data() + value.size()) inspector.port = port;
}

}  // namespace

std::optional<std::string> inspect_port_argument(const std::vector<std::string>& exec_args,
                                                 std::string_view node_options, unsigned worker) {
  Inspector inspector;
  std::istringstream options{std::string(node_options)};
  for (std::string one; options >> one;) read_argument(one, inspector);
  for (const std::string& one : exec_args) read_argument(one, inspector);
  const unsigned first = inspector.port.value_or(usual_port);
  if (!inspector.wanted || first == 0) return std::nullopt;
  const unsigned range = most_port - least_port + 1;
  const unsigned port = first + worker % range;
  return "--inspect-port=" + std::to_string(port > most_port ? port - range : port);
}

}  // namespace baton::cluster
