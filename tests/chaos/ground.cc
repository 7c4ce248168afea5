#include "chaos/ground.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>

namespace baton::chaos {
namespace {

// Node's own primary closes its listener with the last worker and then cannot be asked for the same port by
// listen(0). Below the range of the ports that the clients get.
std::string fixed_port() {
  for (int port = 20'000 + static_cast<int>(getpid() % 5'000); port < 32'000; ++port) {
    const Fd probe(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    if (bind(probe.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0)
      return std::to_string(port);
  }
  throw std::runtime_error("chaos: no port is free");
}

}  // namespace

std::string Setup::preparation() const {
  std::string lines;
  if (descriptors_ > 0) lines += "ulimit -n " + std::to_string(descriptors_) + "\n";
  if (!gate_.empty()) lines += "[ ! -e '" + gate_.string() + "' ] || exec sleep 3600\n";
  return lines;
}

Ground::Ground(std::filesystem::path programs, std::string node, unsigned workers, bool node_primary)
    : programs_(std::move(programs)), node_(std::move(node)), workers_(workers), node_primary_(node_primary) {
  // In /tmp, as the name of a socket must be short.
  std::string name = (std::filesystem::temp_directory_path() / "baton-chaos-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("chaos: no folder " + name);
  folder_ = name;
}

std::string Ground::script(const std::string& name, const std::string& text) const {
  const std::filesystem::path file = folder_ / (name + ".sh");
  std::ofstream(file) << "#!/bin/sh\n" << text;
  std::filesystem::permissions(file, std::filesystem::perms::owner_all);
  return file.string();
}

std::vector<std::string> Ground::worker_command(const std::string& name, const Setup& setup) const {
  const std::string before = setup.preparation();
  const std::string app = BATON_CHAOS_SOURCES "/app.js";
  if (setup.kind() == Kind::node) {
    std::vector<std::string> command = {
        "--interpreter", before.empty() ? node_ : script(name, before + "exec '" + node_ + "' \"$@\"\n"), app,
        "0"};
    command.insert(command.end(), setup.worker_options().begin(), setup.worker_options().end());
    return command;
  }
  std::vector<std::string> command = {(programs_ / "cluster_hello").string(), "--port", "0"};
  command.insert(command.end(), setup.worker_options().begin(), setup.worker_options().end());
  if (!before.empty()) command.insert(command.begin(), script(name, before + "exec \"$@\"\n"));
  return command;
}

std::unique_ptr<Service> Ground::start(const std::string& name, const Setup& setup) const {
  const std::string workers = std::to_string(workers_);
  if (node_primary_) {
    return std::make_unique<Service>(
        std::vector<std::string>{node_, BATON_CHAOS_SOURCES "/node_primary.js", workers, fixed_port()},
        folder_ / (name + ".log"), "");
  }
  const std::string admin = (folder_ / (name + ".admin")).string();
  std::vector<std::string> command = {
      (programs_ / "baton").string(), "run", "-i", workers, "--admin", "unix:" + admin};
  command.insert(command.end(), setup.options().begin(), setup.options().end());
  const std::vector<std::string> worker = worker_command(name, setup);
  command.insert(command.end(), worker.begin(), worker.end());
  return std::make_unique<Service>(std::move(command), folder_ / (name + ".log"), admin);
}

}  // namespace baton::chaos
