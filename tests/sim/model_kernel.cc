#include "sim/model_kernel.h"

#include <cerrno>

namespace baton::sim {

void ModelKernel::reset(Random& random) {
  random_ = &random;
  faults = {};
  privileged = true;
  process_count_ = socket_count_ = listener_count_ = 0;
  files_.clear();
  connections_.clear();
  open_files_ = in_flight_ = 0;
  violation_.clear();
}

void ModelKernel::violated(std::string what) {
  if (violation_.empty()) violation_ = std::move(what);
}

// ---------------------------------------------------------------------------------------------- processes

Pid ModelKernel::start(Pid parent, std::uint32_t descriptor_limit) {
  if (process_count_ == 64) {
    violated("more than 64 processes in one run");
    return 63;
  }
  const Pid pid = process_count_++;
  if (static_cast<std::size_t>(pid) == processes_.size()) processes_.emplace_back();
  Process& process = processes_[pid];
  process.parent = parent;
  process.alive = true;
  process.stopped = process.reaped = false;
  process.exit_code = -1;
  process.exit_signal = process.open = 0;
  process.limit = descriptor_limit;
  process.table.clear();
  return pid;
}

void ModelKernel::exit(Pid pid, int code) {
  if (may_act(pid, "exit")) end(pid, code, 0);
}

void ModelKernel::kill(Pid pid, int signal) {
  if (processes_[pid].alive) end(pid, -1, signal);
}

void ModelKernel::end(Pid pid, int code, int signal) {
  Process& process = processes_[pid];
  process.alive = process.stopped = false;
  process.exit_code = code;
  process.exit_signal = signal;
  for (std::size_t slot = 0; slot < process.table.size(); ++slot) {
    if (process.table[slot].file >= 0) close_slot(pid, slot);
  }
}

void ModelKernel::reap(Pid pid) {
  Process& process = processes_[pid];
  if (process.alive || process.reaped)
    violated("process " + std::to_string(pid) + " is reaped alive or twice");
  process.reaped = true;
}

bool ModelKernel::may_act(Pid pid, const char* call) {
  if (runnable(pid)) return true;
  violated(std::string(call) + " by process " + std::to_string(pid) + ", which is stopped or dead");
  return false;
}

// ---------------------------------------------------------------------------------------------- descriptors

FileId ModelKernel::open_file(FileKind kind, int object) {
  files_.push_back({kind, 0, object});
  ++open_files_;
  return static_cast<FileId>(files_.size()) - 1;
}

bool ModelKernel::table_full(const Process& process) const {
  if (static_cast<std::uint32_t>(process.open) <
      process.table.size()) {  // there is a gap, but perhaps above the limit
    for (std::size_t slot = 0; slot < process.table.size() && slot < process.limit; ++slot) {
      if (process.table[slot].file < 0) return false;
    }
  }
  return process.table.size() >= process.limit || process.table.size() > slot_mask;
}

/// Takes over one reference to `file`, which the caller has counted. The table is not full.
int ModelKernel::install(Pid pid, FileId file) {
  Process& process = processes_[pid];
  std::size_t slot = process.table.size();
  if (static_cast<std::uint32_t>(process.open) < process.table.size()) {
    for (slot = 0; process.table[slot].file >= 0;) ++slot;
  }
  if (slot == process.table.size()) process.table.emplace_back();
  process.table[slot].file = file;
  ++process.open;
  if (files_[file].kind == FileKind::connection) {
    connections_[files_[file].object].holders |= std::uint64_t{1} << static_cast<unsigned>(pid);
  }
  return static_cast<int>(slot) | (process.table[slot].generation << slot_bits);
}

FileId ModelKernel::file_of(Pid pid, int descriptor) const {
  if (descriptor < 0) return -1;
  const auto& table = processes_[pid].table;
  const auto slot = static_cast<std::size_t>(slot_of(descriptor));
  if (slot >= table.size() || table[slot].generation != descriptor >> slot_bits) return -1;
  return table[slot].file;
}

FileId ModelKernel::use(Pid pid, int descriptor, FileKind kind, const char* call) {
  if (!may_act(pid, call)) return -1;
  const FileId file = file_of(pid, descriptor);
  if (file >= 0 && files_[file].kind == kind) return file;
  violated(std::string(call) + " by process " + std::to_string(pid) + " of descriptor " +
           std::to_string(descriptor) + (file < 0 ? ", which is not open" : ", which is of another kind"));
  return -1;
}

int ModelKernel::open_plain(Pid pid, FileKind kind) {
  if (!may_act(pid, "open")) return -EBADF;
  if (table_full(processes_[pid])) return -EMFILE;
  const FileId file = open_file(kind, 0);
  reference(file);
  return install(pid, file);
}

int ModelKernel::duplicate(Pid pid, int descriptor) {
  if (!may_act(pid, "dup")) return -EBADF;
  return inherit(pid, descriptor, pid);
}

int ModelKernel::inherit(Pid from, int descriptor, Pid to) {
  const FileId file = file_of(from, descriptor);
  if (file < 0) {
    violated("process " + std::to_string(from) + " passes on descriptor " + std::to_string(descriptor) +
             ", which is not open");
    return -EBADF;
  }
  if (table_full(processes_[to])) return -EMFILE;
  reference(file);
  return install(to, file);
}

int ModelKernel::close(Pid pid, int descriptor) {
  if (!may_act(pid, "close")) return -EBADF;
  if (file_of(pid, descriptor) < 0) {
    violated("process " + std::to_string(pid) + " closes descriptor " + std::to_string(descriptor) +
             ", which is not open");
    return -EBADF;
  }
  close_slot(pid, static_cast<std::size_t>(slot_of(descriptor)));
  return 0;
}

void ModelKernel::close_slot(Pid pid, std::size_t slot) {
  Process& process = processes_[pid];
  const FileId file = process.table[slot].file;
  process.table[slot].file = -1;
  ++process.table[slot].generation;
  --process.open;
  if (files_[file].kind == FileKind::connection) {
    bool other = false;
    for (const Slot& candidate : process.table) other = other || candidate.file == file;
    if (!other) {
      connections_[files_[file].object].holders &= ~(std::uint64_t{1} << static_cast<unsigned>(pid));
    }
  }
  release(file);
}

void ModelKernel::release(FileId id) {
  File& file = files_[id];
  if (--file.references > 0) return;
  --open_files_;
  switch (file.kind) {
    case FileKind::socket:
      close_socket(sockets_[file.object]);
      break;
    case FileKind::connection:
      connections_[file.object].open = false;
      break;
    case FileKind::listener: {
      Fifo<int>& waiting = listeners_[file.object].waiting;
      for (; !waiting.empty(); waiting.pop()) release(connections_[waiting.front()].file);
      break;
    }
    case FileKind::datagram:
    case FileKind::other:
      break;
  }
}

void ModelKernel::list_descriptors(Pid pid, std::vector<int>& numbers) const {
  numbers.clear();
  const auto& table = processes_[pid].table;
  for (std::size_t slot = 0; slot < table.size(); ++slot) {
    if (table[slot].file >= 0)
      numbers.push_back(static_cast<int>(slot) | (table[slot].generation << slot_bits));
  }
}

// ---------------------------------------------------------------------------------------------- connections

int ModelKernel::listen(Pid pid, std::uint32_t backlog) {
  if (!may_act(pid, "listen")) return -EBADF;
  if (table_full(processes_[pid])) return -EMFILE;
  if (static_cast<std::size_t>(listener_count_) == listeners_.size()) listeners_.emplace_back();
  Listener& listener = listeners_[listener_count_];
  listener.backlog = backlog;
  listener.waiting.clear();
  listener.file = open_file(FileKind::listener, listener_count_++);
  reference(listener.file);
  return install(pid, listener.file);
}

int ModelKernel::connect(FileId file) {
  if (files_[file].references == 0) return -ECONNREFUSED;
  Listener& listener = listeners_[files_[file].object];
  if (listener.waiting.size() >= listener.backlog) return -EAGAIN;
  const int number = connection_count();
  connections_.push_back({.file = open_file(FileKind::connection, number)});
  reference(connections_.back().file);
  listener.waiting.push(number);
  return number;
}

int ModelKernel::accept(Pid pid, int descriptor) {
  const FileId file = use(pid, descriptor, FileKind::listener, "accept");
  if (file < 0) return -EBADF;
  if (table_full(processes_[pid])) return -EMFILE;  // asked before the queue is: the connection stays in it
  if (random_->chance(faults.interrupted)) return -EINTR;
  Listener& listener = listeners_[files_[file].object];
  if (listener.waiting.empty()) return -EAGAIN;
  Connection& connection = connections_[listener.waiting.front()];
  listener.waiting.pop();
  connection.accepted = true;
  return install(pid, connection.file);
}

int ModelKernel::open_connection(Pid pid) {
  if (!may_act(pid, "accept")) return -EBADF;
  if (table_full(processes_[pid])) return -EMFILE;
  const int number = connection_count();
  connections_.push_back({.file = open_file(FileKind::connection, number), .accepted = true});
  reference(connections_.back().file);
  return install(pid, connections_.back().file);
}

int ModelKernel::connection_of(Pid pid, int descriptor) const {
  const FileId file = file_of(pid, descriptor);
  return file >= 0 && files_[file].kind == FileKind::connection ? files_[file].object : -1;
}

int ModelKernel::read_connection(Pid pid, int descriptor) {
  const FileId file = use(pid, descriptor, FileKind::connection, "read of a connection");
  if (file < 0) return -EBADF;
  Connection& connection = connections_[files_[file].object];
  connection.readers |= std::uint64_t{1} << static_cast<unsigned>(pid);
  return connection.client_gone ? 0 : 1;
}

int ModelKernel::answer_connection(Pid pid, int descriptor) {
  const FileId file = use(pid, descriptor, FileKind::connection, "answer to a connection");
  if (file < 0) return -EBADF;
  Connection& connection = connections_[files_[file].object];
  ++connection.answers;
  connection.answered_by = pid;
  return connection.client_gone ? -EPIPE : 1;
}

// ---------------------------------------------------------------------------------------------- audit

std::string ModelKernel::audit() const {
  std::vector<int> references(files_.size(), 0);
  int in_flight = 0;
  for (Pid pid = 0; pid < process_count_; ++pid) {
    int open = 0;
    for (const Slot& slot : processes_[pid].table) {
      if (slot.file < 0) continue;
      ++references[slot.file];
      ++open;
    }
    if (open != processes_[pid].open || (open != 0 && !alive(pid))) {
      return "process " + std::to_string(pid) + " has " + std::to_string(open) + " descriptors, counted as " +
             std::to_string(processes_[pid].open);
    }
  }
  for (int i = 0; i < socket_count_; ++i) {
    for (const FileId file : sockets_[i].descriptors) {
      ++references[file];
      ++in_flight;
    }
  }
  for (int i = 0; i < listener_count_; ++i) {
    for (const int number : listeners_[i].waiting) ++references[connections_[number].file];
  }
  int open_files = 0;
  for (std::size_t i = 0; i < files_.size(); ++i) {
    if (references[i] != files_[i].references) {
      return "file " + std::to_string(i) + " has " + std::to_string(references[i]) +
             " references, counted as " + std::to_string(files_[i].references);
    }
    open_files += references[i] > 0 ? 1 : 0;
  }
  if (open_files != open_files_ || in_flight != in_flight_)
    return "the counts of files or of descriptors in flight";
  return audit_holders();
}

std::string ModelKernel::audit_holders() const {
  for (int number = 0; number < connection_count(); ++number) {
    const Connection& connection = connections_[number];
    std::uint64_t holders = 0;
    for (Pid pid = 0; pid < process_count_; ++pid) {
      for (const Slot& slot : processes_[pid].table) {
        if (slot.file == connection.file) holders |= std::uint64_t{1} << static_cast<unsigned>(pid);
      }
    }
    if (holders != connection.holders || connection.open != (files_[connection.file].references > 0)) {
      return "the holders of connection " + std::to_string(number);
    }
  }
  return {};
}

}  // namespace baton::sim
