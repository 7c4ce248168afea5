#include "baton/cluster/listening.h"

namespace baton::cluster {

std::string Listening::to_string() const {
  if (type_ == Type::unix_path) {
    const std::string path = address_.value_or("");
    return path.starts_with('\0') ? "unix:@" + path.substr(1) : "unix:" + path;
  }
  if (descriptor_ >= 0 && !address_) return "descriptor " + std::to_string(descriptor_);
  const bool v6 = type_ == Type::ipv6 || type_ == Type::udp6;
  std::string text = !address_ ? "*" : v6 ? "[" + *address_ + "]" : *address_;
  text += ":" + std::to_string(port_);
  return udp() ? text + " (udp)" : text;
}

}  // namespace baton::cluster
