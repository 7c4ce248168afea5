// A WebSocket echo: what `Server::on_upgrade` is for. The framing is in websocket.h beside it. Node's client:
//   node -e 'const s = new WebSocket("ws://127.0.0.1:8080/"); s.onopen = () => s.send("hello"); s.onmessage =
//   console.log'
// SIGTERM says 1001 (going away) to everybody and ends when they have answered, or 5 s later.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <list>
#include <string>
#include <string_view>
#include <utility>

#include "baton/baton.h"
#include "command_line.h"
#include "websocket.h"

namespace {

constexpr std::size_t longest_message = std::size_t{1} << 20;
// How long a goodbye may take.
constexpr auto patience = std::chrono::seconds(5);

// One client from the upgrade on. `over` is called once, when the connection is, and may destroy the session.
class Session {
 public:
  explicit Session(baton::net::Socket socket) : socket_(std::move(socket)) {}

  void start(std::string_view key, std::string_view first, baton::Callback over) {
    over_ = std::move(over);
    socket_.on_data([this](std::string_view bytes) { read(bytes); });
    socket_.on_end([this] { socket_.end(); });
    socket_.on_drain([this] { socket_.resume(); });
    socket_.on_close([this] { std::exchange(over_, nullptr)(); });
    socket_.write(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: " +
        websocket::accept_key(key) + "\r\n\r\n");
    read(first);
  }

  // Says goodbye; the client answers it.
  void leave() {
    if (leaving_ || closing_) return;
    leaving_ = true;
    send(websocket::close_frame(websocket::going_away));
    give_time();
  }

 private:
  using Event = websocket::Decoder::Event;

  void read(std::string_view bytes) {
    while (!closing_) {
      switch (decoder_.feed(bytes)) {
        case Event::need_more:
          return;
        case Event::message:
          if (!leaving_) send(websocket::frame(decoder_.opcode(), decoder_.payload()));
          break;
        case Event::control:
          on_control();
          break;
        case Event::failure:
          close(leaving_ ? std::string() : websocket::close_frame(decoder_.code()));
          break;
      }
    }
  }

  void on_control() {
    if (decoder_.opcode() == websocket::Opcode::ping) {
      if (!leaving_) send(websocket::frame(websocket::Opcode::pong, decoder_.control()));
    } else if (decoder_.opcode() == websocket::Opcode::close) {
      close(leaving_ ? std::string() : websocket::frame(websocket::Opcode::close, decoder_.control()));
    }
  }

  // What still comes is read and dropped until the client ends its side.
  void close(const std::string& last) {
    closing_ = true;
    socket_.resume();
    socket_.end(last);
    give_time();
  }

  void give_time() {
    deadline_ = baton::Timer(socket_.loop(), patience, [this] {
      socket_.close();
      std::exchange(over_, nullptr)();
    });
  }

  // Who does not read what comes back is not read from.
  void send(const std::string& bytes) {
    if (!socket_.write(bytes)) socket_.pause();
  }

  baton::net::Socket socket_;
  baton::Callback over_;
  baton::Timer deadline_;
  websocket::Decoder decoder_{longest_message};
  bool leaving_ = false;  // we began the goodbye
  bool closing_ = false;  // it is said
};

class Echo {
 public:
  Echo(baton::Loop& loop, const baton::net::Endpoint& where)
      : server_(baton::http::serve(baton::net::listen(loop, where), answer)) {
    server_.on_upgrade([this](baton::http::Request& request, baton::net::Socket socket,
                              const std::string& first) { take(request, std::move(socket), first); });
  }

  [[nodiscard]] baton::net::Endpoint local() const { return server_.local(); }

  // The loop ends by itself when nobody is left.
  void stop() {
    stopping_ = true;
    server_.drain(patience).then([](const baton::Result<void>&) {});
    for (Session& session : sessions_) session.leave();
  }

 private:
  static void answer(baton::http::Request& /*request*/, baton::http::Response& response) {
    response.status(426).header("upgrade", "websocket").end("Speak WebSocket\n");
  }

  void take(const baton::http::Request& request, baton::net::Socket socket, const std::string& first) {
    if (const std::string_view no = refusal(request); !no.empty()) return socket.end(no);
    const auto place = sessions_.emplace(sessions_.end(), std::move(socket));
    place->start(*request.header("sec-websocket-key"), first, [this, place] { sessions_.erase(place); });
  }

  // Empty: it is a handshake. That it is HTTP/1.1, has no body and says `Connection: Upgrade` is known.
  [[nodiscard]] std::string_view refusal(const baton::http::Request& request) const {
    const bool asks_for_it = std::ranges::any_of(request.headers(), [](const auto& field) {
      return websocket::is_word(field.first, "upgrade") && websocket::has_word(field.second, "websocket");
    });
    if (!asks_for_it || request.header("sec-websocket-version") != "13") {
      return "HTTP/1.1 426 Upgrade Required\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n"
             "Sec-WebSocket-Version: 13\r\n\r\n";
    }
    if (request.method() != "GET" || !websocket::is_key(request.header("sec-websocket-key").value_or(""))) {
      return "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
    }
    if (stopping_) return "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n";
    return {};
  }

  baton::http::Server server_;
  std::list<Session> sessions_;
  bool stopping_ = false;
};

}  // namespace

int main(int argc, char** argv) {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8080;
  CLI::App app("Sends every WebSocket message back.", "websocket_echo");
  app.add_option("--host", host, "the IP address to listen on")->capture_default_str();
  app.add_option("--port", port, "the port to listen on; 0: any that is free")->capture_default_str();
  if (const auto code = read_command_line(app, argc, argv)) return *code;
  try {
    baton::Loop loop;
    Echo echo(loop, baton::net::Endpoint(host, port));
    baton::SignalWatcher terminate(loop, SIGTERM, [&](int) { echo.stop(); });
    terminate.unref();
    std::printf("listening on ws://%s\n", echo.local().to_string().c_str());
    std::fflush(stdout);
    loop.run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "websocket_echo: %s\n", error.what());
    return 1;
  }
}
