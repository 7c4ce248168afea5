#include "sim/kernel_storm.h"

#include <poll.h>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "sim/model_kernel.h"

namespace baton::sim {
namespace {

/// The bytes of a stream are numbered, so that each reader can tell which it got.
struct Stream {
  std::uint32_t written = 0;
  std::uint32_t read = 0;
};

class Storm {
 public:
  std::optional<Failure> run(Random& random) {
    random_ = &random;
    kernel_.reset(random);
    streams_.clear();
    first_.clear();
    pairs_known_ = 0;
    for (int i = 0; i < 3; ++i) kernel_.start(-1, random.between(2, 14));
    kernel_.privileged = random.below(2) == 0;
    kernel_.faults = {.short_send = some(),
                      .short_receive = some(),
                      .blocked_send = some(),
                      .blocked_receive = some(),
                      .interrupted = some(),
                      .no_memory = some(),
                      .dropped_descriptors = some()};
    const std::uint32_t steps = random.below(120);
    for (std::uint32_t i = 0; i < steps && wrong_.empty(); ++i) {
      step();
      if (i % 16 == 15 && wrong_.empty()) wrong_ = kernel_.audit();
    }
    if (wrong_.empty()) wrong_ = end();
    if (wrong_.empty()) wrong_ = kernel_.violation();
    if (wrong_.empty()) return std::nullopt;
    return Failure{std::exchange(wrong_, {})};
  }

 private:
  std::uint16_t some() {
    return static_cast<std::uint16_t>(random_->below(4) == 3 ? random_->below(400) : 0);
  }

  std::string end() {
    std::string said = kernel_.audit();
    for (Pid pid = 0; pid < kernel_.process_count(); ++pid) kernel_.kill(pid, 9);
    if (said.empty()) said = kernel_.audit();
    if (said.empty() && (kernel_.open_files() != 0 || kernel_.in_flight() != 0))
      said = "files outlive every process";
    return said;
  }

  void step() {
    const Pid pid = static_cast<Pid>(random_->below(static_cast<std::uint32_t>(kernel_.process_count())));
    if (!kernel_.alive(pid)) return;
    if (kernel_.stopped(pid)) {
      if (random_->below(4) == 0) kernel_.resume(pid);
      return;
    }
    kernel_.list_descriptors(pid, numbers_);
    if (numbers_.empty() || random_->below(8) == 0) return open(pid);
    const int descriptor = numbers_[random_->below(static_cast<std::uint32_t>(numbers_.size()))];
    switch (random_->below(16)) {
      case 1:
      case 2:
        kernel_.close(pid, descriptor);
        return;
      case 3:
        kernel_.duplicate(pid, descriptor);
        return;
      case 4:
        return pass_on(pid, descriptor);
      case 5:
        return trouble(pid);
      default:
        return use(pid, descriptor);
    }
  }

  void open(Pid pid) {
    int ends[2];
    switch (random_->below(4)) {
      case 0:
        kernel_.open_other(pid);
        return;
      case 1:
        kernel_.listen(pid, random_->below(4));
        return;
      case 2:
        kernel_.open_connection(pid);
        return;
      default:
        kernel_.socket_pair(
            pid, ends, {.capacity = random_->between(1, 64), .piece = 40, .overhead = random_->below(8)});
    }
  }

  void pass_on(Pid from, int descriptor) {
    const Pid to = static_cast<Pid>(random_->below(static_cast<std::uint32_t>(kernel_.process_count())));
    if (kernel_.alive(to)) kernel_.inherit(from, descriptor, to);
  }

  void trouble(Pid pid) {
    switch (random_->below(4)) {
      case 0:
        kernel_.stop(pid);
        return;
      case 1:
        kernel_.set_limit(pid, random_->between(2, 14));
        return;
      default:
        if (kernel_.process_count() > 10) return;
        if (random_->below(2) == 0) {
          kernel_.kill(pid, 9);
        } else {
          kernel_.exit(pid, 0);
        }
        kernel_.reap(pid);
        kernel_.start(-1, random_->between(2, 14));
    }
  }

  void use(Pid pid, int descriptor) {
    const FileId file = kernel_.file_of(pid, descriptor);
    switch (kernel_.kind_of(file)) {
      case FileKind::socket:
        if (random_->below(20) == 19) {
          kernel_.shut_sending(pid, descriptor);
        } else if (random_->below(2) == 0) {
          receive(pid, descriptor);
        } else {
          send(pid, descriptor);
        }
        return;
      case FileKind::listener:
        if (random_->below(2) == 0) {
          kernel_.connect(file);
        } else {
          kernel_.accept(pid, descriptor);
        }
        return;
      case FileKind::connection:
        if (random_->below(2) == 0) {
          kernel_.read_connection(pid, descriptor);
        } else {
          kernel_.answer_connection(pid, descriptor);
        }
        return;
      case FileKind::datagram:
      case FileKind::other:
        return;
    }
  }

  /// The stream that is read at this end.
  Stream& stream(FileId file) {
    if (static_cast<std::size_t>(file) >= streams_.size())
      streams_.resize(static_cast<std::size_t>(file) + 1);
    return streams_[static_cast<std::size_t>(file)];
  }
  /// The ends of a pair are opened one after the other.
  FileId peer_of(FileId file) {
    while (pairs_known_ <= file) learn();
    return first_[static_cast<std::size_t>(file)] ? file + 1 : file - 1;
  }
  void learn() {
    const bool socket = kernel_.kind_of(pairs_known_) == FileKind::socket;
    const bool second = socket && pairs_known_ > 0 && first_[static_cast<std::size_t>(pairs_known_) - 1];
    first_.push_back(socket && !second);
    ++pairs_known_;
  }

  void send(Pid pid, int descriptor) {
    Stream& to = stream(peer_of(kernel_.file_of(pid, descriptor)));
    char bytes[64];
    const std::uint32_t length = random_->below(sizeof bytes);
    for (std::uint32_t i = 0; i < length; ++i) bytes[i] = static_cast<char>(to.written + i);
    carried_.clear();
    for (std::uint32_t wanted = random_->below(4); wanted > 1; --wanted) {
      const int one = numbers_[random_->below(static_cast<std::uint32_t>(numbers_.size()))];
      if (kernel_.kind_of(kernel_.file_of(pid, one)) != FileKind::socket) carried_.push_back(one);
    }
    const int result = kernel_.send(pid, descriptor, {bytes, length}, carried_);
    if (result > 0) to.written += static_cast<std::uint32_t>(result);
    if (result > static_cast<int>(length)) wrong_ = "more was sent than given";
  }

  void receive(Pid pid, int descriptor) {
    Stream& from = stream(kernel_.file_of(pid, descriptor));
    const short before = kernel_.poll(pid, descriptor);
    char bytes[64];
    const Received received = kernel_.receive(
        pid, descriptor, std::span(bytes, random_->between(1, sizeof bytes)), random_->below(4));
    for (int i = 0; i < received.result; ++i) {
      if (bytes[i] != static_cast<char>(from.read++)) wrong_ = "a byte came out of order";
    }
    if (received.result == 0 && kernel_.unread(pid, descriptor) > 0)
      wrong_ = "the end came before the last byte";
    if (received.result != -EAGAIN && received.result != -EINTR && (before & (POLLIN | POLLERR)) == 0) {
      wrong_ = "poll did not tell";
    }
    if (received.result <= 0 && !received.descriptors.empty()) wrong_ = "a descriptor came without a byte";
  }

  Random nothing_{0};
  ModelKernel kernel_{nothing_};
  Random* random_ = nullptr;
  std::vector<Stream> streams_;
  std::vector<char> first_;
  FileId pairs_known_ = 0;
  std::vector<int> numbers_;
  std::vector<int> carried_;
  std::string wrong_;
};

}  // namespace

std::optional<Failure> kernel_storm(Random& random) {
  static Storm storm;  // it keeps its memory from seed to seed
  return storm.run(random);
}

}  // namespace baton::sim
