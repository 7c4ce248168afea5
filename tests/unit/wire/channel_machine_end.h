#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "baton/wire/json.h"
#include "wire/channel_machine.h"

namespace baton::wire::test {

/// Drives one machine by hand: what it writes is collected as if the kernel took everything at once.
class End {
 public:
  explicit End(ChannelLimits limits = {}) : machine(limits) {}

  std::string output() {
    Output out = machine.take_output();
    total_ += out.bytes.size();
    machine.written(total_);
    marks.insert(marks.end(), out.marks.begin(), out.marks.end());
    return out.bytes;
  }
  std::vector<Notice> notices() {
    std::vector<Notice> all;
    while (auto notice = machine.next_notice()) all.push_back(std::move(*notice));
    return all;
  }
  std::vector<std::string> reports() {
    std::vector<std::string> texts;
    for (const Notice& notice : notices()) {
      if (notice.kind == Notice::Kind::report) texts.emplace_back(notice.error->what());
    }
    return texts;
  }
  std::string deliveries() {
    std::string text;
    while (auto delivery = machine.next_delivery()) {
      if (!text.empty()) text += ' ';
      if (delivery->ended) {
        text += "END";
        continue;
      }
      text += to_json(delivery->message);
      if (delivery->handle) text += "+" + std::to_string(*delivery->handle);
    }
    return text;
  }
  void read(std::string_view bytes, std::vector<ReceivedHandle> handles = {}) {
    machine.received(bytes, handles);
  }

  ChannelMachine machine;
  std::vector<Output::Mark> marks;

 private:
  uint64_t total_ = 0;
};

inline const ChannelMachine::Outgoing server{7, "net.Server", ""};
inline const ChannelMachine::Outgoing accepted_socket{8, "net.Socket", "4:127.0.0.1:0"};
inline constexpr ReceivedHandle listener{1, DescriptorKind::tcp_listener};
inline constexpr ReceivedHandle connection{2, DescriptorKind::tcp};
inline const std::string server_line = "{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Server\",\"msg\":1}\n";
inline const std::string socket_line =
    "{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Socket\",\"msg\":\"SOCK\",\"key\":\"4:127.0.0.1:99\"}\n";
inline const std::string hello_line = "{\"cmd\":\"NODE_BATON\",\"v\":1}\n";
inline const std::string ack = "{\"cmd\":\"NODE_HANDLE_ACK\"}\n";
inline const std::string nack = "{\"cmd\":\"NODE_HANDLE_NACK\"}\n";

}  // namespace baton::wire::test
