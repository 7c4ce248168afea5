// The stream pairs of the model kernel. The order of the checks is that of net/unix/af_unix.c and
// net/core/scm.c.
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "sim/model_kernel.h"

namespace baton::sim {

void ModelKernel::add_socket(FileId file, const Buffer& buffer) {
  if (static_cast<std::size_t>(socket_count_) == sockets_.size()) sockets_.emplace_back();
  Socket& socket = sockets_[socket_count_];
  socket.file = file;
  socket.sending_shut = socket.receiving_shut = false;
  socket.error = 0;
  socket.buffer = buffer;
  socket.buffer.piece = std::clamp(buffer.capacity / 2, 1U, std::max(buffer.piece, 1U));
  socket.charged = 0;
  socket.pieces.clear();
  socket.bytes.clear();
  socket.descriptors.clear();
  ++socket_count_;
}

int ModelKernel::socket_pair(Pid pid, int ends[2], const Buffer& buffer) {
  if (!may_act(pid, "socketpair")) return -EBADF;
  if (table_full(processes_[pid])) return -EMFILE;
  FileId files[2];
  for (FileId& file : files) {
    file = open_file(FileKind::socket, socket_count_);
    reference(file);
    add_socket(file, buffer);
  }
  sockets_[socket_count_ - 2].peer = socket_count_ - 1;
  sockets_[socket_count_ - 1].peer = socket_count_ - 2;
  ends[0] = install(pid, files[0]);
  if (table_full(processes_[pid])) {
    close(pid, ends[0]);
    release(files[1]);
    return -EMFILE;
  }
  ends[1] = install(pid, files[1]);
  return 0;
}

int ModelKernel::check_descriptors(Pid pid, std::span<const int> descriptors) {
  if (descriptors.size() > 253) return -EINVAL;
  for (const int descriptor : descriptors) {
    if (file_of(pid, descriptor) >= 0) continue;
    violated("process " + std::to_string(pid) + " sends descriptor " + std::to_string(descriptor) +
             ", which is not open");
    return -EBADF;
  }
  return 0;
}

int ModelKernel::send(Pid pid, int descriptor, std::string_view bytes, std::span<const int> descriptors) {
  const FileId file = use(pid, descriptor, FileKind::socket, "send");
  if (file < 0) return -EBADF;
  if (const int error = check_descriptors(pid, descriptors); error != 0) return error;
  Socket& socket = sockets_[files_[file].object];
  if (socket.sending_shut) return -EPIPE;
  if (random_->chance(faults.interrupted)) return -EINTR;
  if (random_->chance(faults.no_memory)) return -ENOBUFS;
  if (random_->chance(faults.blocked_send)) return -EAGAIN;
  if (bytes.size() > 1 && random_->chance(faults.short_send)) {
    bytes.remove_suffix(random_->below(static_cast<std::uint32_t>(bytes.size())));
  }
  return enqueue(pid, socket, bytes, descriptors);
}

int ModelKernel::enqueue(Pid pid, Socket& from, std::string_view bytes, std::span<const int> descriptors) {
  Socket& to = sockets_[from.peer];
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    if (from.charged >= from.buffer.capacity) return sent > 0 ? static_cast<int>(sent) : -EAGAIN;
    if (sent == 0 && !descriptors.empty()) {
      if (!privileged && static_cast<std::uint32_t>(in_flight_) > processes_[pid].limit) return -ETOOMANYREFS;
      for (const int carried : descriptors) {
        const FileId file = file_of(pid, carried);
        reference(file);
        to.descriptors.push(file);
      }
      in_flight_ += static_cast<int>(descriptors.size());
    }
    const auto length =
        static_cast<std::uint32_t>(std::min<std::size_t>(bytes.size() - sent, from.buffer.piece));
    to.pieces.push({.length = length,
                    .charge = length + from.buffer.overhead,
                    .read = 0,
                    .descriptors = sent == 0 ? static_cast<std::uint32_t>(descriptors.size()) : 0});
    to.bytes.append(bytes.data() + sent, length);
    from.charged += length + from.buffer.overhead;
    sent += length;
  }
  return static_cast<int>(sent);
}

Received ModelKernel::receive(Pid pid, int descriptor, std::span<char> buffer, std::uint32_t slots) {
  delivered_.clear();
  const FileId file = use(pid, descriptor, FileKind::socket, "receive");
  if (file < 0) return {.result = -EBADF};
  if (buffer.empty()) violated("process " + std::to_string(pid) + " receives into no room");
  Socket& socket = sockets_[files_[file].object];
  if (random_->chance(faults.interrupted)) return {.result = -EINTR};
  if (socket.pieces.empty()) {
    if (socket.error != 0) return {.result = -std::exchange(socket.error, 0)};
    return {.result = socket.receiving_shut ? 0 : -EAGAIN};
  }
  if (random_->chance(faults.blocked_receive)) return {.result = -EAGAIN};
  if (buffer.size() > 1 && random_->chance(faults.short_receive)) {
    const std::size_t most = std::min(buffer.size(), socket.bytes.size());
    buffer = buffer.first(most - random_->below(static_cast<std::uint32_t>(most)));
  }
  Received received;
  std::uint32_t count = 0;
  received.result = static_cast<int>(take_bytes(socket, buffer, count));
  if (count > 0) deliver(pid, socket, count, slots, received);
  return received;
}

std::size_t ModelKernel::take_bytes(Socket& socket, std::span<char> buffer, std::uint32_t& descriptors) {
  std::size_t taken = 0;
  while (taken < buffer.size() && !socket.pieces.empty()) {
    Piece& piece = socket.pieces.front();
    const auto chunk =
        static_cast<std::uint32_t>(std::min<std::size_t>(piece.length - piece.read, buffer.size() - taken));
    std::copy_n(socket.bytes.begin(), chunk, buffer.data() + taken);
    socket.bytes.pop(chunk);
    taken += chunk;
    piece.read += chunk;
    descriptors = std::exchange(piece.descriptors, 0);
    if (piece.read < piece.length) break;
    sockets_[socket.peer].charged -= piece.charge;
    socket.pieces.pop();
    if (descriptors > 0) break;
  }
  return taken;
}

void ModelKernel::deliver(Pid pid, Socket& socket, std::uint32_t count, std::uint32_t slots,
                          Received& received) {
  std::uint32_t room = std::min(slots, count);
  if (room > 0 && random_->chance(faults.dropped_descriptors)) room = random_->below(room);
  in_flight_ -= static_cast<int>(count);
  bool full = false;
  for (std::uint32_t i = 0; i < count; ++i) {
    const FileId file = socket.descriptors.front();
    socket.descriptors.pop();
    full = full || i >= room || table_full(processes_[pid]);
    if (full) {
      received.truncated = true;
      release(file);
    } else {
      delivered_.push_back(install(pid, file));
    }
  }
  received.descriptors = delivered_;
}

int ModelKernel::shut_sending(Pid pid, int descriptor) {
  const FileId file = use(pid, descriptor, FileKind::socket, "shutdown");
  if (file < 0) return -EBADF;
  Socket& socket = sockets_[files_[file].object];
  socket.sending_shut = true;
  sockets_[socket.peer].receiving_shut = true;
  return 0;
}

void ModelKernel::close_socket(Socket& socket) {
  Socket& peer = sockets_[socket.peer];
  if (files_[peer.file].references > 0) {
    peer.sending_shut = peer.receiving_shut = true;
    if (!socket.pieces.empty()) peer.error = ECONNRESET;
  }
  for (; !socket.pieces.empty(); socket.pieces.pop()) peer.charged -= socket.pieces.front().charge;
  socket.bytes.clear();
  in_flight_ -= static_cast<int>(socket.descriptors.size());
  while (!socket.descriptors.empty()) {
    const FileId file = socket.descriptors.front();
    socket.descriptors.pop();
    release(file);
  }
}

short ModelKernel::poll(Pid pid, int descriptor) const {
  const FileId file = file_of(pid, descriptor);
  if (file < 0) return POLLNVAL;
  int events = 0;
  switch (files_[file].kind) {
    case FileKind::socket: {
      const Socket& socket = sockets_[files_[file].object];
      if (socket.error != 0) events |= POLLERR;
      if (socket.sending_shut && socket.receiving_shut) events |= POLLHUP;
      if (socket.receiving_shut) events |= POLLRDHUP | POLLIN;
      if (!socket.pieces.empty()) events |= POLLIN;
      if (socket.charged <= socket.buffer.capacity / 4) events |= POLLOUT;
      break;
    }
    case FileKind::listener:
      if (!listeners_[files_[file].object].waiting.empty()) events |= POLLIN;
      break;
    case FileKind::connection:
      events |= POLLOUT | POLLIN;
      break;
    case FileKind::datagram:
      events |= POLLOUT;
      break;
    case FileKind::other:
      break;
  }
  return static_cast<short>(events);
}

std::size_t ModelKernel::unread(Pid pid, int descriptor) const {
  const FileId file = file_of(pid, descriptor);
  return file >= 0 && files_[file].kind == FileKind::socket ? sockets_[files_[file].object].bytes.size() : 0;
}

}  // namespace baton::sim
