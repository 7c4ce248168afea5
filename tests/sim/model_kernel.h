#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/fifo.h"
#include "sim/random.h"

namespace baton::sim {

using Pid = int;     ///< a process: 0, 1, 2 ... in the order of `start`; at most 64 a run
using FileId = int;  ///< an open file (what descriptors refer to): 0, 1, 2 ... in the order of opening

enum class FileKind : std::uint8_t {
  socket,      ///< one end of a stream socket pair
  connection,  ///< the server's end of a client's connection
  listener,    ///< a listening socket: a queue of connections
  datagram,    ///< a UDP socket, of which all that matters here is who has it
  other,       ///< anything else that can be carried
};

/// What a socket pair holds before a send is refused. As Linux counts: a send is cut into pieces (skbs) of at
/// most `piece` bytes, a piece is taken as long as less than `capacity` is charged, it is charged with its
/// bytes and `overhead` to the sender until its last byte is read, and POLLOUT waits until three quarters are
/// free.
struct Buffer {
  std::uint32_t capacity = 212992;
  std::uint32_t piece = 36544;
  std::uint32_t overhead = 512;
};

/// How often, in 1024, a call does less than it could, or fails as it always may.
struct Faults {
  std::uint16_t short_send = 0;       ///< takes only some of the bytes there is room for
  std::uint16_t short_receive = 0;    ///< brings only some of the bytes
  std::uint16_t blocked_send = 0;     ///< EAGAIN although there is room
  std::uint16_t blocked_receive = 0;  ///< EAGAIN although something waits
  std::uint16_t interrupted = 0;      ///< EINTR, before anything was done
  std::uint16_t no_memory = 0;        ///< ENOBUFS of a send
  std::uint16_t dropped_descriptors =
      0;  ///< the receiver's table is full for a moment: only the first few come
};

/// What `receive` brought. `descriptors` is valid until the next call.
struct Received {
  int result = 0;                      ///< bytes; 0 at the end; -EAGAIN, -ECONNRESET ...
  std::span<const int> descriptors{};  ///< new numbers in the receiver's table, in the order sent
  bool truncated = false;              ///< MSG_CTRUNC: descriptors were dropped
};

/// What became of a client's connection. Bits of a mask are Pids.
struct Connection {
  FileId file = -1;
  std::uint64_t holders = 0;  ///< living processes that have a descriptor of it
  std::uint64_t readers = 0;  ///< processes that ever read from it
  std::uint16_t answers = 0;  ///< how often it was answered
  Pid answered_by = -1;       ///< by whom, last
  bool accepted = false;      ///< it has left its listener's queue
  bool open = true;           ///< somebody, or a message in flight, still refers to it
  bool client_gone = false;   ///< the client has hung up
};

/// A deterministic model of the part of Linux that the channel and the hand-off need: processes with
/// descriptor tables, open files with counted references, AF_UNIX stream pairs that carry descriptors,
/// listeners, connections. All calls are non-blocking and answer as the system call does: a result of at
/// least 0, or -errno.
///
/// What no correct program does (closing or using a number that is not open, acting while stopped or dead) is
/// remembered as the `violation`. Numbers of closed descriptors are not used again (the lowest free slot is,
/// as in Linux, but under a new number), so that a second close is always seen. A socket that travels within
/// itself is not collected, as Linux would; `audit` counts it as referenced.
class ModelKernel {
 public:
  explicit ModelKernel(Random& random) : random_(&random) {}
  /// Forgets everything but its memory, for the next run.
  void reset(Random& random);

  Faults faults;
  /// More descriptors in flight than the sender's descriptor limit fail a send with ETOOMANYREFS, as they do
  /// for processes without privileges.
  bool privileged = true;

  // -- processes
  Pid start(Pid parent, std::uint32_t descriptor_limit = 64);
  void exit(Pid pid, int code);    ///< closes everything
  void kill(Pid pid, int signal);  ///< the same, also of a stopped process
  void stop(Pid pid) { processes_[pid].stopped = true; }
  void resume(Pid pid) { processes_[pid].stopped = false; }
  void reap(Pid pid);  ///< the parent has seen its death
  void set_limit(Pid pid, std::uint32_t limit) { processes_[pid].limit = limit; }
  [[nodiscard]] int process_count() const { return process_count_; }
  [[nodiscard]] bool alive(Pid pid) const { return processes_[pid].alive; }
  [[nodiscard]] bool reaped(Pid pid) const { return processes_[pid].reaped; }
  [[nodiscard]] bool stopped(Pid pid) const { return processes_[pid].stopped; }
  [[nodiscard]] bool runnable(Pid pid) const { return alive(pid) && !stopped(pid); }
  [[nodiscard]] int exit_code(Pid pid) const { return processes_[pid].exit_code; }  ///< -1 when it was killed
  [[nodiscard]] int exit_signal(Pid pid) const { return processes_[pid].exit_signal; }  ///< 0 when it exited

  // -- descriptors
  int open_other(Pid pid) { return open_plain(pid, FileKind::other); }
  int open_datagram(Pid pid) { return open_plain(pid, FileKind::datagram); }
  int duplicate(Pid pid, int descriptor);
  /// A descriptor of the same file in another process's table, as fork leaves it there.
  int inherit(Pid from, int descriptor, Pid to);
  int close(Pid pid, int descriptor);
  [[nodiscard]] FileId file_of(Pid pid, int descriptor) const;  ///< -1 when not open
  [[nodiscard]] FileKind kind_of(FileId file) const { return files_[file].kind; }
  /// The number that Linux would have given it.
  [[nodiscard]] static int slot_of(int descriptor) { return descriptor & slot_mask; }

  // -- channels
  int socket_pair(Pid pid, int ends[2], const Buffer& buffer);
  /// sendmsg(MSG_DONTWAIT | MSG_NOSIGNAL) with one SCM_RIGHTS. The descriptors go with the first byte.
  int send(Pid pid, int descriptor, std::string_view bytes, std::span<const int> descriptors = {});
  /// recvmsg(MSG_DONTWAIT | MSG_CMSG_CLOEXEC) with room for exactly `slots` descriptors.
  Received receive(Pid pid, int descriptor, std::span<char> buffer, std::uint32_t slots = 253);
  int shut_sending(Pid pid, int descriptor);
  /// POLLIN, POLLOUT, POLLHUP, POLLERR and POLLRDHUP as they stand now.
  [[nodiscard]] short poll(Pid pid, int descriptor) const;
  /// Bytes that wait to be read from this end.
  [[nodiscard]] std::size_t unread(Pid pid, int descriptor) const;

  // -- connections
  int listen(Pid pid, std::uint32_t backlog);
  /// A client arrives: the number of its connection, or -ECONNREFUSED (nobody listens) or -EAGAIN (queue
  /// full).
  int connect(FileId listener);
  int accept(Pid pid, int descriptor);
  int open_connection(Pid pid);  ///< one that was accepted already
  void hang_up(int connection) { connections_[connection].client_gone = true; }
  int read_connection(Pid pid, int descriptor);    ///< takes the client's request; 0 when the client is gone
  int answer_connection(Pid pid, int descriptor);  ///< EPIPE when the client is gone
  [[nodiscard]] int connection_of(Pid pid, int descriptor) const;  ///< its number; -1 if it is none
  [[nodiscard]] int connection_count() const { return static_cast<int>(connections_.size()); }
  [[nodiscard]] const Connection& connection(int number) const { return connections_[number]; }

  // -- what must hold
  /// The first thing that no correct program does; empty if there was none.
  [[nodiscard]] const std::string& violation() const { return violation_; }
  /// Records a violation of the driver's own; the first one stays.
  void violated(std::string what);
  /// Counts every reference anew, in tables, queues and backlogs: empty, or what does not agree.
  [[nodiscard]] std::string audit() const;
  /// Descriptors in a process's table.
  [[nodiscard]] int open_descriptors(Pid pid) const { return processes_[pid].open; }
  void list_descriptors(Pid pid, std::vector<int>& numbers) const;
  [[nodiscard]] int open_files() const { return open_files_; }
  [[nodiscard]] int in_flight() const { return in_flight_; }

 private:
  static constexpr int slot_bits = 12;
  static constexpr int slot_mask = (1 << slot_bits) - 1;
  struct Slot {
    FileId file = -1;
    int generation = 0;
  };
  struct Process {
    Pid parent = -1;
    bool alive = true, stopped = false, reaped = false;
    int exit_code = -1, exit_signal = 0, open = 0;
    std::uint32_t limit = 0;
    std::vector<Slot> table;
  };
  struct File {
    FileKind kind;
    int references;  // descriptors, and messages in flight
    int object;      // which socket, connection or listener
  };
  struct Piece {
    std::uint32_t length, charge, read;
    std::uint32_t descriptors;
  };
  struct Socket {
    FileId file = -1;
    int peer = -1;
    bool sending_shut = false, receiving_shut = false;
    int error = 0;
    Buffer buffer;
    std::uint32_t charged = 0;  // for what was sent from here and is not read
    Fifo<Piece> pieces;         // to be read here
    Fifo<char> bytes;
    Fifo<FileId> descriptors;
  };
  struct Listener {
    FileId file = -1;
    std::uint32_t backlog = 0;
    Fifo<int> waiting;
  };

  int open_plain(Pid pid, FileKind kind);
  FileId open_file(FileKind kind, int object);
  int install(Pid pid, FileId file);
  bool table_full(const Process& process) const;
  void reference(FileId file) { ++files_[file].references; }
  void release(FileId file);
  void close_slot(Pid pid, std::size_t slot);
  void close_socket(Socket& socket);
  void end(Pid pid, int code, int signal);
  void add_socket(FileId file, const Buffer& buffer);
  bool may_act(Pid pid, const char* call);
  /// The file behind a descriptor that the caller uses; a wrong number or kind is a violation.
  FileId use(Pid pid, int descriptor, FileKind kind, const char* call);
  int check_descriptors(Pid pid, std::span<const int> descriptors);
  int enqueue(Pid pid, Socket& from, std::string_view bytes, std::span<const int> descriptors);
  std::size_t take_bytes(Socket& socket, std::span<char> buffer, std::uint32_t& descriptors);
  void deliver(Pid pid, Socket& socket, std::uint32_t count, std::uint32_t slots, Received& received);
  std::string audit_holders() const;

  Random* random_;
  std::vector<Process> processes_;
  int process_count_ = 0;
  std::vector<File> files_;
  std::vector<Socket> sockets_;
  int socket_count_ = 0;
  std::vector<Listener> listeners_;
  int listener_count_ = 0;
  std::vector<Connection> connections_;
  std::vector<int> delivered_;
  int open_files_ = 0;
  int in_flight_ = 0;
  std::string violation_;
};

}  // namespace baton::sim
