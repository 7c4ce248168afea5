#include "sim/byzantine_peer.h"

#include <poll.h>

#include <array>
#include <cerrno>
#include <span>
#include <string_view>
#include <vector>

#include "baton/wire/json.h"

namespace baton::sim {
namespace {

constexpr std::array<std::string_view, 21> lines{
    "{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Socket\",\"msg\":1,\"key\":\"4:127.0.0.1:0\"}\n",
    "{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Server\",\"msg\":2,\"key\":\"4:127.0.0.1:0\"}\n",
    "{\"cmd\":\"NODE_HANDLE\",\"type\":7}\n",
    "{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Socket\",\"msg\":3,\"ahead\":\"\\u00ff\"}\n",
    "{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Socket\",\"msg\":4,\"ahead\":\"\\u0100\"}\n",
    "{\"cmd\":\"NODE_HANDLE\",\"type\":\"dgram.Socket\",\"msg\":5,\"dgramType\":\"udp4\"}\n",
    "{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Native\",\"msg\":{\"cmd\":\"NODE_HANDLE\",\"type\":"
    "\"net.Socket\",\"msg\":{\"cmd\":\"NODE_HANDLE_ACK\"}}}\n",
    "{\"cmd\":\"NODE_HANDLE_ACK\"}\n",
    "{\"cmd\":\"NODE_HANDLE_NACK\"}\n",
    "{ \"cmd\" : \"NODE_HANDLE_ACK\" }\n",
    "{\"cmd\":\"NODE_BATON\",\"v\":1}\n",
    "{\"cmd\":\"NODE_BATON\",\"died\":\"of it\"}\n",
    "{\"cmd\":\"NODE_SOCKET_GET_COUNT\",\"key\":\"4:127.0.0.1:0\"}\n",
    "{\"cmd\":\"NODE_SOCKET_NOTIFY_CLOSE\",\"key\":\"4:127.0.0.1:0\"}\n",
    "{\"cmd\":\"NODE_SOCKET_COUNT\",\"key\":\"x\",\"count\":-1}\n",
    "{\"cmd\":\"NODE_CLUSTER\",\"act\":\"online\"}\n",
    "\n",
    "{bad\n",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\n",
    "\"a message\"\n",
    "\r\n",
};

}  // namespace

ByzantinePeer::ByzantinePeer(Story& story, Pid pid, int descriptor, Serialization serialization)
    : Peer(story, pid, descriptor),
      reads_(story.random().below(4) != 3),
      codec_(serialization, 0),
      json_(serialization == Serialization::json) {}

// A line, or the frame that says the same; of what says nothing, its bytes as a frame.
std::string ByzantinePeer::framed(std::string_view line) const {
  if (json_) return std::string(line);
  if (const auto message = wire::read_json(line)) return codec_.frame(*message);
  std::string frame(3, '\0');
  frame += static_cast<char>(line.size());
  return frame += line;
}

bool ByzantinePeer::ready(Act act) const {
  if (!open()) return false;
  switch (act) {
    case Act::read:
      return reads_ && (polled() & POLLIN) != 0;
    case Act::write:
      return (polled() & (POLLOUT | POLLERR)) != 0;
    case Act::close:
      return random().chance(20);
    case Act::deliver:
    case Act::timer:
      return false;
  }
  return false;
}

void ByzantinePeer::act(Act act) {
  if (act == Act::read) return read();
  if (act == Act::write) return write();
  if (random().below(2) == 0) return close_channel();
  kernel().shut_sending(pid(), descriptor());
}

void ByzantinePeer::read() {
  std::array<char, 256> room;
  const Received got = kernel().receive(pid(), descriptor(), std::span(room).first(random().between(1, 256)),
                                        random().below(3));
  for (const int one : got.descriptors) {
    if (random().below(2) == 0) kernel().close(pid(), one);
  }
}

void ByzantinePeer::invent() {
  switch (random().below(8)) {
    case 7:
      queue_.append(random().between(1, 700), 'x');
      in_step_ = json_;
      return;
    case 6:
      in_step_ = json_;
      for (std::uint32_t i = random().between(1, 40); i > 0; --i) {
        queue_ += static_cast<char>(random().below(256));
      }
      return;
    case 5: {
      const std::string line = framed(lines[random().below(lines.size())]);
      in_step_ = json_;
      queue_ += line.substr(0, random().below(static_cast<std::uint32_t>(line.size())));
      return;
    }
    case 4:
      // Many at once: answers must not pile up without bound either.
      for (std::uint32_t i = random().between(10, 60); i > 0; --i)
        queue_ += framed(lines[i % 2 == 0 ? 12 : 1]);
      return;
    default:
      queue_ += framed(lines[random().below(lines.size())]);
  }
}

/// A handle as it should be, among the lies: if it arrives, then with this descriptor and no other.
void ByzantinePeer::tell_the_truth() {
  const int mine = kernel().listen(pid(), 1);
  if (mine < 0) return;
  const std::string line = framed("{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Server\",\"msg\":{\"file\":" +
                                  std::to_string(kernel().file_of(pid(), mine)) + "}}\n");
  const int result = kernel().send(pid(), descriptor(), line, std::span(&mine, 1));
  if (result > 0) {
    queue_ = line.substr(static_cast<std::size_t>(result));
    line_over_ = queue_.empty();
  }
  kernel().close(pid(), mine);
}

void ByzantinePeer::write() {
  // What was said of a line already, a lone mark or a space, would be the beginning of the true one.
  if (queue_.empty() && line_over_ && random().below(4) == 1) return tell_the_truth();
  if (queue_.empty()) invent();
  std::vector<int> mine;
  std::vector<int> carried;
  if (random().below(3) == 1) {
    kernel().list_descriptors(pid(), mine);
    for (std::uint32_t i = random().between(1, 3); i > 0; --i) {
      const int one = mine[random().below(static_cast<std::uint32_t>(mine.size()))];
      if (kernel().kind_of(kernel().file_of(pid(), one)) != FileKind::socket) carried.push_back(one);
    }
    if (random().below(2) == 1) kernel().open_other(pid());
    if (random().below(4) == 1) kernel().open_datagram(pid());
  }
  std::size_t length = queue_.size();
  if (random().below(3) == 1) length = random().between(1, static_cast<std::uint32_t>(length));
  const int result = kernel().send(pid(), descriptor(), {queue_.data(), length}, carried);
  if (result > 0) {
    const bool ends_line = queue_[static_cast<std::size_t>(result) - 1] == '\n';
    queue_.erase(0, static_cast<std::size_t>(result));
    line_over_ = json_ ? ends_line : in_step_ && queue_.empty();
  }
  if (result == -EPIPE) close_channel();
}

}  // namespace baton::sim
