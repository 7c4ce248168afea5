#include "cli/ready_option.h"

#include <algorithm>
#include <string>
#include <utility>

#include "cli/address.h"

namespace baton::cli {
namespace {

using supervisor::Ready;
using supervisor::ReadyProbe;

constexpr std::pair<std::string_view, Ready> ready_words[] = {
    {"auto", Ready::any},        {"any", Ready::any},
    {"notify", Ready::notify},   {"listening", Ready::listening},
    {"message", Ready::message}, {"alive", Ready::alive}};

std::unexpected<std::string> refuse(std::string_view text) {
  return std::unexpected(
      "'" + std::string(text) +
      "' is none of auto, notify, listening, message, alive, tcp:PORT and http://HOST:PORT/PATH");
}

// A host's name may have several addresses; a program that listens on this machine has this one or every one.
Parsed<net::Endpoint> parse_place(std::string_view text) {
  const bool port_alone = !text.empty() && text.find_first_not_of("0123456789") == text.npos;
  const bool here = text.starts_with("localhost:");
  if (here) text.remove_prefix(std::string_view("localhost:").size());
  auto place = parse_address(port_alone || here ? "127.0.0.1:" + std::string(text) : std::string(text));
  if (place && place->family() != -1 && place->port() == 0) {
    return std::unexpected("'" + std::string(text) + "' has no port");
  }
  return place;
}

Parsed<ReadyOption> parse_url(std::string_view text, std::string_view rest) {
  if (rest.starts_with("http://")) rest.remove_prefix(std::string_view("http:").size());
  const bool has_host = rest.starts_with("//");
  if (has_host) rest.remove_prefix(2);
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  std::string place(rest.substr(0, slash));
  const std::string path = slash == rest.size() ? "/" : std::string(rest.substr(slash));
  if (std::ranges::any_of(rest, [](char c) { return c <= ' ' || c == '\x7f'; }) || place.empty()) {
    return refuse(text);
  }
  const std::size_t bracket = place.rfind(']');
  const bool has_port = place.find(':', bracket == place.npos ? 0 : bracket) != place.npos;
  if (has_host && !has_port) place += ":80";
  auto endpoint = parse_place(place);
  if (!endpoint) return std::unexpected(std::move(endpoint).error());
  const std::string host = has_host ? place : endpoint->to_string();
  return ReadyOption{Ready::probe, ReadyProbe::http(*std::move(endpoint), host, path)};
}

}  // namespace

Parsed<ReadyOption> parse_ready(std::string_view text) {
  const auto word = std::ranges::find(ready_words, text, [](const auto& one) { return one.first; });
  if (word != std::end(ready_words)) return ReadyOption{word->second, {}};
  if (text.starts_with("http:")) return parse_url(text, text.substr(5));
  if (!text.starts_with("tcp:")) return refuse(text);
  auto place = parse_place(text.substr(4));
  if (!place) return std::unexpected(std::move(place).error());
  return ReadyOption{Ready::probe, ReadyProbe::tcp(*std::move(place))};
}

}  // namespace baton::cli
