#include "load/misbehaving_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "baton/base/fd.h"

namespace baton::load {
namespace {

using Manner = MisbehavingServer::Manner;

void reset(int connection) {
  const linger at_once{1, 0};
  setsockopt(connection, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

void say(int connection, const std::string& bytes) {
  if (send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) return;
}

std::string answer(const std::string& headers, const std::string& body) {
  return "HTTP/1.1 200 OK\r\n" + headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

class Server {
 public:
  Server(int listener, Manner manner)
      : listener_(listener), manner_(manner), body_(std::to_string(getpid()) + "\n") {}

  [[noreturn]] void run() {
    for (;;) {
      std::vector<pollfd> watched = {{listener_, POLLIN, 0}};
      for (const Connection& connection : connections_) watched.push_back({connection.fd.get(), POLLIN, 0});
      poll(watched.data(), watched.size(), -1);
      // From the back, as serving may remove one.
      for (size_t i = watched.size() - 1; i > 0; --i) {
        if (watched[i].revents != 0 && !serve(connections_[i - 1]))
          connections_.erase(connections_.begin() + static_cast<std::ptrdiff_t>(i - 1));
      }
      if (watched[0].revents != 0) accept_one();
    }
  }

 private:
  struct Connection {
    Fd fd;
    int requests = 0;
  };

  void accept_one() {
    Connection connection{Fd(accept(listener_, nullptr, nullptr))};
    if (manner_ == Manner::reset_on_accept) reset(connection.fd.get());
    if (manner_ == Manner::obey) connections_.push_back(std::move(connection));
  }

  // False: the connection is over.
  bool serve(Connection& connection) {
    char bytes[4096];
    const ssize_t got = read(connection.fd.get(), bytes, sizeof bytes);
    if (got <= 0) return false;
    const std::string request(bytes, static_cast<size_t>(got));
    ++connection.requests;
    repeat();
    const size_t path = request.find('/') + 1;
    const bool kept = obey(connection, request.substr(path, request.find('?') - path));
    return kept && request.find("Connection: close") == std::string::npos;
  }

  void repeat() {
    for (const Fd& late : twice_later_) say(late.get(), answer("", body_));
    twice_later_.clear();
  }

  bool obey(Connection& connection, const std::string& what) {
    const int fd = connection.fd.get();
    if (what == "silence") return silent_.push_back(std::move(connection.fd)), false;
    if (what == "twice_later") {
      say(fd, answer("", body_));
      return twice_later_.push_back(std::move(connection.fd)), false;
    }
    if (what == "end") return false;
    if (what == "reset" || (what == "once" && connection.requests > 1)) return reset(fd), false;
    say(fd, bytes_for(what));
    return what != "half" && what != "leave";
  }

  [[nodiscard]] std::string bytes_for(const std::string& what) const {
    if (what == "half") return answer("", body_).substr(0, 30);
    if (what == "status") return "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
    if (what == "body") return answer("", "Hello\n");
    if (what == "token") return answer("X-Token: another\r\n", body_);
    if (what == "length") return answer("Content-Length: 3\r\n", body_);
    if (what == "twice") return answer("", body_) + answer("", body_);
    if (what == "chunked") {
      return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n" + body_.substr(0, 1) + "\r\n" +
             std::to_string(body_.size() - 1) + "\r\n" + body_.substr(1) + "\r\n0\r\n\r\n";
    }
    return answer("", body_);
  }

  int listener_;
  Manner manner_;
  std::string body_;
  std::vector<Connection> connections_;
  std::vector<Fd> silent_;
  std::vector<Fd> twice_later_;
};

}  // namespace

MisbehavingServer::MisbehavingServer(Manner manner) {
  const Fd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (bind(listener.get(), reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      listen(listener.get(), 64) != 0)
    std::abort();
  getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &length);
  port_ = ntohs(address.sin_port);
  pid_ = fork();
  if (pid_ < 0) std::abort();
  if (pid_ > 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  Server(listener.get(), manner).run();
}

MisbehavingServer::~MisbehavingServer() {
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

}  // namespace baton::load
