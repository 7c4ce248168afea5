#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "interop/node.h"
#include "support/leak_check.h"
#include "support/programs.h"
#include "support/signal_one.h"

// What a reader of the notes has at hand: a shell that starts programs and reads what they print, clients
// that connect, and /proc. Plain POSIX, so that Baton is not checked by itself. Everything waits for at most
// 30 s.
namespace baton::test {

/// A file of the sources.
std::string source(const std::string& path);

/// Whether the Node to test with can send and receive a net.BoundSocket: 26 can.
inline bool node_has_bound_sockets() { return node_version() >= 26; }

/// Waits, without sleeping, until `condition` holds; false if it never did.
bool eventually(const std::function<bool()>& condition);

/// A program that runs, and what it prints. Its descriptors are 0 (nothing), 1 (read here), 2 (the test's),
/// and `pass` as 3.
class Program {
 public:
  explicit Program(std::vector<std::string> command, std::vector<std::string> variables = {}, int pass = -1);
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program();

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// What follows `beginning` in the first line, not taken before, that begins so; fails the test if none
  /// comes.
  std::string line(std::string_view beginning);
  /// The number at the end of that line.
  int number(std::string_view beginning);
  /// All lines that were printed until the program and its children closed their output.
  std::vector<std::string> rest();
  /// Sends a signal and waits for the end. 128 + its number if a signal ended it, as a shell says it.
  int end(int signal);
  /// Waits for the end.
  int wait();
  [[nodiscard]] bool ended() const { return status_ != -1; }

 private:
  bool read_more();
  pid_t pid_ = -1;
  int output_ = -1;
  int status_ = -1;
  std::string partial_;
  std::list<std::string> lines_;
};

/// A client of 127.0.0.1, or of a Unix-domain socket.
class Client {
 public:
  explicit Client(int port);
  explicit Client(const std::string& path);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();
  [[nodiscard]] bool connected() const { return error_ == 0; }
  /// Why it could not connect.
  [[nodiscard]] int error() const { return error_; }
  void send(std::string_view bytes) const;
  /// Finishes this side: nothing more is sent.
  void finish() const;
  /// Everything up to the end; "(reset)" is added when it came to a bad end.
  [[nodiscard]] std::string read_all() const;
  /// What came up to and with `end`, or all of it if that does not come.
  [[nodiscard]] std::string read_until(std::string_view end) const;
  /// So many bytes, or what came of them before the end.
  [[nodiscard]] std::string read(std::size_t bytes) const;
  /// Whether something came that was not read yet; does not wait.
  [[nodiscard]] bool has_answer() const;

 private:
  void connect(const sockaddr* address, socklen_t size);
  int socket_ = -1;
  int error_ = 0;
};

/// What a server says to a client that only listens.
std::string ask(int port);
/// What a UDP socket of 127.0.0.1 answers.
std::string ask_udp(int port, std::string_view text);
/// Sends it a datagram, and waits for nothing.
void tell_udp(int port, std::string_view text);
/// The whole answer to GET, head included.
std::string http_get(int port, const std::string& path);
/// The number that ends the text.
int number_at_end(std::string_view text);

/// The kernel's number of the TCP socket that listens on the port; empty if none does.
std::string listening_socket(int port);
/// Whether the process has that socket open.
bool holds(pid_t process, const std::string& socket);
/// How the socket's descriptors are numbered in the process.
std::vector<int> numbers_of(pid_t process, const std::string& socket);
/// The CPU time in milliseconds that the process has used since it was forked, all threads.
double cpu_ms(pid_t process);
/// Stops a process and waits until it stands still; and lets it go on.
void stop(pid_t process);
void go_on(pid_t process);

/// Which end is C++ and which is JavaScript.
struct Ends {
  bool cpp_parent;
  bool cpp_child;
};
std::string name_of(const Ends& ends);
inline void PrintTo(const Ends& ends, std::ostream* out) { *out << name_of(ends); }
const std::vector<Ends>& all_four();

/// The kinds of handles that Node has names for; whether these ends have that one; and what the example
/// `handles` answers to a client of one that was sent.
const std::vector<std::string>& kinds_of_handles();
bool has_kind(const Ends& ends, const std::string& kind);
std::string ask_handle(const std::string& kind, int port);

/// A test with real processes. When it is over none may be left, however deep: orphans come to the test's
/// process, and it must have neither child nor descriptor more than before.
class World : public testing::Test {
 protected:
  World();
  ~World() override;
  /// Skips, visibly, if there is no Node.
  static bool has_node();
  /// Starts the primary of an example with a worker.
  Program& start(const Ends& ends, const std::string& example, std::vector<std::string> more = {"0", "2"},
                 const std::string& worker_of = {});
  /// Starts the example `proxy` with workers, both with these arguments; or `heavy`, which has a child if its
  /// arguments say so.
  Program& start_proxy(const Ends& ends, const std::vector<std::string>& arguments);
  Program& start_heavy(const Ends& ends, const std::vector<std::string>& arguments);
  Program& run(std::vector<std::string> command, std::vector<std::string> variables = {}, int pass = -1);
  void TearDown() override;

 private:
  LeakCheck check_;
  std::list<Program> programs_;
};

}  // namespace baton::test
