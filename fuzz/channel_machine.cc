#include "wire/channel_machine.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "baton/wire/json.h"
#include "wire/channel_codec.h"

// One end of a channel, driven as its driver does, by a peer and a kernel that do anything. Input: 0xff if it
// is to be one of advanced serialization, or 0xfe, or 0xfd if its larger frames are read elsewhere too; then
// for each event a byte, and its arguments (see `Driver::step`).
//
// What must hold: each descriptor has exactly one fate; a message with a handle is delivered only when its
// ACK is written; what is on offer was sent and is open; nothing is delivered after the end; the queue is
// bounded; each watched message settles once.
namespace {

using baton::DescriptorKind;
using baton::Value;
using baton::wire::ChannelLimits;
using baton::wire::ChannelMachine;
using baton::wire::HandleId;
using baton::wire::Notice;
using baton::wire::ReceivedHandle;

void require(bool condition) {
  if (!condition) std::abort();
}

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : data_(data), end_(data + size) {}
  [[nodiscard]] bool more() const { return data_ != end_; }
  std::uint8_t byte() { return more() ? *data_++ : std::uint8_t{0}; }
  std::string bytes(std::size_t count) {
    count = std::min(count, static_cast<std::size_t>(end_ - data_));
    const std::string taken(reinterpret_cast<const char*>(data_), count);
    data_ += count;
    return taken;
  }

 private:
  const std::uint8_t* data_;
  const std::uint8_t* end_;
};

ChannelLimits small_limits(bool elsewhere = false) {
  ChannelLimits limits;
  if (elsewhere) limits.at_once = 20;
  limits.message = 512;
  limits.depth = 8;
  limits.queue = 4096;
  limits.high_water = 256;
  limits.bad_frames = 4;
  limits.offers = 3;
  limits.values = 100;
  limits.entries = 50;
  return limits;
}

// What a peer says most often, so that not all of it has to be found by chance.
constexpr std::string_view phrases[] = {
    "{\"cmd\":\"NODE_HANDLE_ACK\"}\n",
    "{\"cmd\":\"NODE_HANDLE_NACK\"}\n",
    "{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Server\",\"msg\":1}\n",
    "{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Socket\",\"msg\":2,\"key\":\"k\"}\n",
    "{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Native\",\"msg\":{\"cmd\":\"NODE_HANDLE\",\"type\":\"net."
    "Socket\"}}\n",
    "{\"cmd\":\"NODE_BATON\",\"v\":1}\n",
    "{\"cmd\":\"NODE_BATON\",\"died\":\"x\"}\n",
    "{\"cmd\":\"NODE_SOCKET_GET_COUNT\",\"key\":\"k\"}\n",
    "{\"cmd\":\"NODE_SOCKET_NOTIFY_CLOSE\",\"key\":\"k\"}\n",
    "{\"cmd\":\"NODE_SOCKET_COUNT\",\"key\":\"k\",\"count\":3}\n",
    "{\"cmd\":\"NODE_CLUSTER\"}\n",
    "{\"a\":[1,2,3]}\n",
    "[[[[[[[[[[]]]]]]]]]]\n",
    "bad\n",
    "\n",
    "{\"cmd\":\"NODE_HANDLE\",",
    "{\"cmd\":\"NODE_HANDLE\",\"type\":\"dgram.Socket\",\"msg\":3,\"dgramType\":\"udp4\"}\n",
    "{\"cmd\":\"NODE_HANDLE\",\"type\":\"dgram.Native\"}\n",
    "{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.BoundSocket\",\"msg\":{}}\n",
    "{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Socket\",\"msg\":4,\"ahead\":\"\\u0000\xc3\xbf\"}\n",
    "{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Socket\",\"msg\":4,\"ahead\":\"\xc4\x80\"}\n",
};

constexpr DescriptorKind kinds[] = {DescriptorKind::tcp,         DescriptorKind::tcp_listener,
                                    DescriptorKind::unix_stream, DescriptorKind::unix_listener,
                                    DescriptorKind::pipe,        DescriptorKind::udp,
                                    DescriptorKind::terminal,    DescriptorKind::other};

class Driver {
 public:
  Driver(baton::Serialization serialization, bool elsewhere)
      : serialization_(serialization),
        machine_(small_limits(elsewhere), serialization),
        written_frames_(serialization, ~std::size_t{0}) {}

  void step(Input& input) {
    const std::uint8_t event = input.byte() % 16;
    switch (event) {
      case 0:
        // The first thing that is written, if at all.
        if (!begun_) machine_.announce();
        break;
      case 1:
        send(Value(std::string(input.byte(), 'x')), input, false);
        break;
      case 2:
      case 3:
        send(Value::object().set("n", input.byte()), input, true);
        break;
      case 4:
      case 5:
        receive(said(phrases[input.byte() % std::size(phrases)]), input);
        break;
      case 6:
        receive(input.bytes(input.byte()), input);
        break;
      case 7:
        write(input.byte());
        break;
      case 8:
        write(unwritten_.size());
        break;
      case 9:
        break_output();
        break;
      case 10:
        end(input.byte() % 2 == 0);
        break;
      case 11:
        machine_.disconnect();
        break;
      case 12:
        machine_.retry_due();
        break;
      case 13:
        seldom(input.byte());
        break;
      case 14:
        for (int left = input.byte() % 4; left > 0; --left) deliver();
        break;
      default:
        read_elsewhere();
        break;
    }
    begun_ = true;
    settle();
  }

  /// The driver closes the channel and hears that the peer is dead: nothing may be left open.
  void finish() {
    end(false);
    settle();
    break_output();
    machine_.peer_gone();
    settle();
    while (deliver() || read_elsewhere()) settle();
    require(ended_);
    require(machine_.ledger().empty());
    require(open_.empty());
    require(watched_.empty());
    require(machine_.unsent() == 0);
  }

 private:
  // What is no JSON is said as it stands, in both.
  [[nodiscard]] std::string said(std::string_view phrase) const {
    if (serialization_ == baton::Serialization::json) return std::string(phrase);
    const auto message = baton::wire::read_json(phrase);
    return message ? written_frames_.frame(*message) : std::string(phrase);
  }

  void seldom(std::uint8_t which) {
    switch (which % 5) {
      case 0:
        machine_.socket_closed("k");
        break;
      case 1:
        machine_.ask_socket_count("k");
        break;
      case 2:
        machine_.ask_sockets_closed("k");
        break;
      case 3:
        machine_.tell_death("of this");
        break;
      default:
        machine_.peer_gone();
        break;
    }
  }

  void send(const Value& message, Input& input, bool with_handle) {
    const HandleId id = next_id_ + 1;
    constexpr std::string_view types[] = {"net.Socket",   "net.Server",   "net.Native",
                                          "dgram.Socket", "dgram.Native", "net.BoundSocket"};
    const std::uint8_t choice = input.byte();
    const std::string_view type = types[choice % std::size(types)];
    const std::string ahead(type == "net.Socket" ? choice / 64 : 0, '\xff');
    const ChannelMachine::Outgoing handle{id, type, "k", false, type == "dgram.Socket" ? "udp4" : "", ahead};
    const bool accepts = machine_.accepts();
    const auto sent = machine_.send(message, with_handle ? &handle : nullptr);
    if (!sent) return;
    require(accepts);
    require(!with_handle || ahead.empty() || machine_.peer_is_baton());
    require(machine_.unsent() <= small_limits().queue + 4 || answers_ > 0);
    if (with_handle) {
      ++next_id_;
      open_.insert(id);
      outgoing_[id] = *sent;
    }
    if (input.byte() % 2 == 0) {
      watched_.insert(*sent);
      machine_.watch(*sent);
    }
  }

  void receive(const std::string& bytes, Input& input) {
    const std::uint8_t count = input.byte();
    if (bytes.empty() || over_ || machine_.input_refused() || machine_.large_frame()) return;
    std::vector<ReceivedHandle> received;
    for (int left = count < 128 ? 0 : count % 4; left > 0; --left) {
      const HandleId id = ++next_id_;
      open_.insert(id);
      received.push_back({id, kinds[input.byte() % std::size(kinds)]});
    }
    answers_ += serialization_ == baton::Serialization::json
                    ? static_cast<std::size_t>(std::ranges::count(bytes, '\n'))
                    : 1;
    machine_.received(bytes, received, count % 16 == 1);
  }

  void end(bool reset) {
    if (over_) return;
    over_ = true;
    machine_.end_of_input(reset);
  }

  void break_output() {
    broken_ = true;
    unwritten_.clear();
    machine_.output_broken(baton::Error(32, "send"));
  }

  // What a driver does after each event.
  void settle() {
    while (auto notice = machine_.next_notice()) carry_out(*notice);
    const auto output = machine_.take_output();
    for (const auto& mark : output.marks) {
      require(mark.offset < output.bytes.size());
      require(open_.contains(mark.handle) && outgoing_.contains(mark.handle));
    }
    require(!broken_ || output.bytes.empty());
    unwritten_ += output.bytes;
    check_ledger();
  }

  void check_ledger() const {
    const auto& ledger = machine_.ledger();
    require(ledger.size() <= outgoing_.size());
    if (machine_.peer_is_baton() && !over_ && !machine_.input_refused()) {
      require(ledger.size() <= small_limits().offers);
    }
    std::set<HandleId> seen;
    for (const auto& entry : ledger.entries()) {
      require(seen.insert(entry.handle).second);
      require(open_.contains(entry.handle));
      require(outgoing_.at(entry.handle) == entry.sequence);
    }
  }

  void carry_out(const Notice& notice) {
    using Kind = Notice::Kind;
    switch (notice.kind) {
      case Kind::close_handle:
        require(open_.erase(notice.handle) == 1);
        break;
      case Kind::handle_ours:
        require(outgoing_.contains(notice.handle) && notice.error.has_value());
        require(open_.erase(notice.handle) == 1);
        break;
      case Kind::settled:
        require(watched_.erase(notice.sequence) == 1);
        break;
      case Kind::report:
        require(notice.error.has_value());
        require(!std::string_view(notice.error->what()).contains('\n'));
        break;
      case Kind::retry_later:
        require(notice.milliseconds >= 1 && notice.milliseconds <= 1000);
        break;
      case Kind::shut_down:
        require(!shut_down_ && unwritten_.empty());
        shut_down_ = true;
        break;
      default:
        break;
    }
  }

  bool read_elsewhere() {
    const auto read = [this](const std::string& frame) {
      return baton::wire::read_message(serialization_, frame, machine_.limits());
    };
    const auto large = machine_.large_frame();
    const auto kept = machine_.kept_frame();
    if (large) machine_.read_large(read(*large));
    if (kept) machine_.read_kept(kept, read(*kept).value());
    return large || kept;
  }

  bool deliver() {
    const auto delivery = machine_.next_delivery();
    if (!delivery) return false;
    require(!ended_);
    ended_ = delivery->ended;
    require(delivery->ahead.empty() || (delivery->handle && machine_.peer_is_baton()));
    require(delivery->ahead.size() <= baton::wire::most_ahead);
    if (!delivery->handle) return true;
    require(!outgoing_.contains(*delivery->handle));
    // Each delivered handle has had an ACK of its own in the kernel by now.
    require(++delivered_ <= acknowledged_);
    require(open_.erase(*delivery->handle) == 1);
    return true;
  }

  void write(std::size_t count) {
    if (broken_) return;
    count = std::min(count, unwritten_.size());
    written_frames_.feed(std::string_view(unwritten_).substr(0, count));
    while (const auto frame = written_frames_.next()) {
      if (written_frames_.is_ack(frame->text())) ++acknowledged_;
      ChannelLimits limits;
      limits.depth = Value::max_depth;
      require(written_frames_.read(frame->text(), limits).has_value());
    }
    unwritten_.erase(0, count);
    written_ += count;
    machine_.written(written_);
  }

  baton::Serialization serialization_;
  ChannelMachine machine_;
  baton::wire::ChannelCodec written_frames_;  // reads what the machine writes
  std::set<HandleId> open_;
  std::map<HandleId, std::uint64_t> outgoing_;  // the message that each was sent with
  std::set<std::uint64_t> watched_;
  HandleId next_id_ = 0;
  std::string unwritten_;
  std::uint64_t written_ = 0;
  std::uint64_t delivered_ = 0, acknowledged_ = 0;
  std::size_t answers_ = 0;  // that the peer may have asked for; no limit refuses those
  bool begun_ = false, broken_ = false, over_ = false, ended_ = false, shut_down_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, std::min(size, std::size_t{4096}));
  const std::uint8_t kind = size > 0 && data[0] >= 0xfd ? input.byte() : std::uint8_t{0};
  const bool advanced = kind == 0xff || kind == 0xfe;
  Driver driver(advanced ? baton::Serialization::advanced : baton::Serialization::json,
                kind == 0xfd || kind == 0xfe);
  while (input.more()) driver.step(input);
  driver.finish();
  return 0;
}
