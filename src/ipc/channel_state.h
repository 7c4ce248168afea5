#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "baton/ipc/channel.h"
#include "baton/loop/timer.h"
#include "ipc/calls.h"
#include "ipc/descriptor_read.h"
#include "ipc/handle_table.h"
#include "loop/limited_reports.h"
#include "loop/next_turn.h"
#include "loop/poll.h"
#include "loop/slot.h"
#include "loop/turn.h"
#include "loop/work.h"
#include "net/write_queue.h"
#include "wire/channel_machine.h"

namespace baton {

/// A handle on its way out, and what is said of it.
struct Channel::Parcel {
  std::string_view type;
  net::Native handle;   // of a kind that nobody need ask for yet
  bool shared = false;  // a copy: its owner has kept it
  std::string key{};
  std::string_view dgram_type{};
};

/// Drives the machine of the wire over a descriptor: feeds it what the kernel and the program do, and carries
/// out what it decides. It decides nothing itself.
struct Channel::State : std::enable_shared_from_this<State>, Calls::Ends {
  State(Loop& owner, Fd fd, ChannelOptions channel_options);

  // What the program does.
  void start();
  Result<uint64_t> send(const Value& message);
  Result<uint64_t> send(const wire::WrittenMessage& message);
  Result<uint64_t> send(const Value& message, Parcel parcel);
  Result<uint64_t> offer(const Value& message, std::string_view type, net::Native& handle);
  net::Native take_back(uint64_t offer);
  Op<> watch(uint64_t sequence);
  /// Nobody will watch that message any more.
  void forget(uint64_t sequence);
  void disconnect();
  void peer_gone(Callback heard);
  void detach();
  void update_ref();

  // What happens.
  void on_event(int events);
  void read();
  bool held_up();
  Work read_beside(const wire::Inbox::Frame& frame, std::move_only_function<void(Result<Value>&&)> done);
  void read_large();
  void read_kept();
  void schedule_flush();
  void write_out();
  void flush();
  /// Delivers what may be delivered, for a share of the turn.
  void pump();
  void tell_heard();
  void update_interest();

  // What the machine wants.
  void carry_out_notices();
  void carry_out(wire::Notice& notice);
  void deliver(wire::Delivery&& delivery);
  Result<Message> make_message(wire::Delivery& delivery);
  void deliver_end(bool unread);

  void report(const Error& error);
  [[nodiscard]] bool listening() const;
  Calls& calls();
  Result<void> send_call(const Value& message) override;
  void lost_reply(const Error& why) override { report(why); }
  void waits_changed() override { update_ref(); }
  bool somebody_takes_messages();
  void shut_down();
  void settle_flush_waits();
  void fail_waits();
  void restart_deadline();
  void finish();

  Loop& loop;
  Fd descriptor;
  const ChannelOptions options;
  wire::ChannelMachine machine;
  Turn turn{smallest_read, DescriptorRead::most_bytes};
  Work reading_large;
  Work reading_kept;
  NextTurn pumping;
  Poll poll;
  net::WriteQueue queue;
  HandleTable handles;

  Slot<Message> on_message;
  Slot<Message> on_internal;
  Slot<bool> on_disconnect;
  Slot<> on_drain;
  Slot<> on_close;
  Slot<const Error&> on_error;
  Slot<net::Native, const Error&> on_unsent;
  Slot<uint64_t> on_refused;
  Slot<const Value&> on_internal_refused;
  Slot<> on_peer_baton;
  Slot<std::string_view> on_peer_death;
  std::deque<Promise<std::optional<Message>>> next_messages;
  std::vector<Promise<>> disconnect_waits;
  std::vector<Promise<>> flush_waits;
  std::unordered_map<uint64_t, Promise<>> watched;
  // Messages with a handle whose Sent is still there, and why a handle came back before it was asked.
  std::unordered_map<uint64_t, std::optional<Error>> unasked;
  std::multimap<std::string, Promise<uint64_t>> count_waits;
  std::multimap<std::string, Promise<>> close_waits;

  Timer retry_timer;
  Timer held_up_timer;
  Timer starved_timer;
  Timer failed_timer;
  Timer deadline;
  std::optional<bool> fixed_ref;
  LimitedReports reports;  // unless somebody listens for errors
  pid_t sender = 0;        // of what was read last
  std::vector<Sender> senders;
  bool held = false;
  bool paused = false;
  bool detached = false;
  bool flush_scheduled = false;
  bool blocked = false;
  bool drain_wanted = false;
  bool input_over = false;
  bool end_told = false;

 private:
  static constexpr size_t smallest_read = 512;
  static constexpr size_t most_senders = 8;

  void was_accepted();
  void note(const Sender& one);
  bool read_once(DescriptorRead& read);
  bool try_again_after(int error);
  void end_input(bool reset);
  [[nodiscard]] bool keeps_lengths_whole() const noexcept;
  void enqueue(wire::Output&& output);
  void append_frames(std::string_view bytes);

  unsigned failed_reads_ = 0;     // in a row
  size_t run_ = 0;                // bytes that one system call may join at the end of the queue
  std::optional<size_t> rest_;    // what the dead peer has left to be read
  std::unique_ptr<Calls> calls_;  // once a request was made or is to be answered
  Callback heard_;                // somebody waits for the end of that
};

}  // namespace baton
