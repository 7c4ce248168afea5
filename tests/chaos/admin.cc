#include "chaos/admin.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <array>
#include <cstring>
#include <stdexcept>

#include "baton/wire/json.h"

namespace baton::chaos {
namespace {

std::string get(const std::string& path, const std::string& what) {
  const Fd connection(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) throw std::runtime_error("chaos: " + path + " is too long");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const timeval patience{10, 0};
  setsockopt(connection.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const std::string request = "GET " + what + " HTTP/1.1\r\nHost: chaos\r\nConnection: close\r\n\r\n";
  if (connect(connection.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      send(connection.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0)
    throw std::runtime_error("chaos: " + path + " is not there");
  std::string answer;
  std::array<char, 16384> bytes;
  ssize_t got = 0;
  while ((got = recv(connection.get(), bytes.data(), bytes.size(), 0)) > 0)
    answer.append(bytes.data(), static_cast<std::size_t>(got));
  const std::size_t body = answer.find("\r\n\r\n");
  if (got < 0 || body == std::string::npos) throw std::runtime_error("chaos: " + path + " does not answer");
  return answer.substr(body + 4);
}

}  // namespace

Reloads reloads_told_by(const std::string& socket) {
  const std::string text = get(socket, "/status");
  const auto status = wire::read_json(text);
  if (!status || !status->is_object()) throw std::runtime_error("chaos: /status is no JSON object: " + text);
  const Value& reloads = (*status)["reloads"];
  return {static_cast<std::uint64_t>(reloads["done"].as_number()),
          static_cast<std::uint64_t>(reloads["failed"].as_number())};
}

}  // namespace baton::chaos
