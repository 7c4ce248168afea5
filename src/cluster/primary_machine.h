#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/fifo.h"
#include "baton/base/error.h"
#include "baton/cluster/policy.h"
#include "baton/ipc/sender.h"
#include "baton/wire/value.h"
#include "cluster/allowance.h"
#include "cluster/chooser.h"
#include "wire/cluster_message.h"

namespace baton::cluster {

using WorkerId = uint32_t;      // Node's worker.id; the driver's choice, never used again
using ListenerId = uint32_t;    // the machine's choice, never used again
using ConnectionId = uint64_t;  // the driver's choice, not used again while the machine knows it
using Milliseconds = uint64_t;  // since whenever the driver likes

/// How a listener's connections reach the workers.
enum class Sharing {
  handed_over,    // the primary listens and accepts; newconn
  one_socket,     // the primary listens; every worker has a copy of the socket and accepts by itself
  a_socket_each,  // a SO_REUSEPORT socket for each slot, made and kept by the primary
  datagrams,      // UDP: every worker has a copy of the bound socket
};

struct PrimaryLimits {
  size_t workers = 4096;
  size_t listeners = 1024;             // counted by their sockets
  size_t listeners_of_a_worker = 256;  // with those that it, and the dead ones of its slot, gave up
  Milliseconds no_heir = 60'000;  // of a listener that nobody uses, while its last user's successor listens
  size_t open_queries = 64;       // of a worker, unanswered
  Milliseconds failed_open = 62;  // a worker may ask for what cannot be opened once in so long, on average,
  Milliseconds failed_opens = 1000;  // and for so much at once; then what it asks for waits for its turn
  size_t waiting = 256;              // connections in the primary, not counting those that came back
  size_t waiting_in_all = 1024;
  size_t waiting_for_one =
      64;  // of them, for the worker that a sticky policy wants; the next ones go elsewhere
  size_t looked =
      512;  // whose first bytes are waited for, not counted above; then the oldest goes on without
  size_t unanswered = 512;   // connections of a worker, whatever the listener
  unsigned node_window = 1;  // unanswered hand-offs a listener and worker
  unsigned baton_window = 16;
  Milliseconds fresh = 50;       // a full Baton that has answered within it is waited for in its turn:
  Milliseconds short_wait = 5;   // so long, and four times as long as answers usually take; beyond that
  Milliseconds allowance = 250;  // it has so much, and a twentieth of the time
  Milliseconds sticky_patience = 1000;  // how long a client waits for its own worker
  Milliseconds first_rest = 10;         // after a refusal; doubles
  Milliseconds longest_rest = 200;
  Milliseconds close_linger = 1000;  // of a listener that its last user has closed
  Milliseconds orphan_term = 1000;   // a process without channel that may hold connections: SIGTERM
  Milliseconds orphan_kill = 3000;   // and SIGKILL, both since the channel's end
  Milliseconds drain_answer =
      1000;  // how long it is waited for that a worker hears a signal before it is told to leave
  Milliseconds hang_timeout = 0;  // 0: off
  int64_t default_backlog = 4096;
  wire::ClusterMessageLimits message{};
};

/// What the driver has to do. Take actions after every event until there are none; an event may be fed in
/// while actions are left (what an action caused at once, say).
struct PrimaryAction {
  enum class Kind {
    // channel.send(message) to `worker`. If that fails nothing need be said: the channel's end will be.
    send,
    // channel.offer(message, the handle of `connection`) to `worker`, type net.Native; remember which offer
    // it is. If the call fails keep the handle and feed refused(). on_refused of the channel: feed refused().
    offer,
    // The connection is the primary's again: take_back() the offer that it is, if it is one, and keep the
    // handle. Always comes before another `offer` of it.
    take_back,
    // Close our copy of `connection`: take_back() and drop if it is an offer, else drop. The last that is
    // heard of it; exactly one for each connection that was accepted. `on`: it is `worker`'s now.
    close_connection,
    // Open, for `worker`, of which `speakers` asked, the socket `slot` of `listener` as listener(id).query,
    // .sharing and .backlog say, then feed opened() or open_failed(), at once or later. `slot` is 0 except
    // for a_socket_each, whose later sockets bind to the address of the first.
    open,
    // Send `message` to `worker` with a copy of socket `slot` of `listener`: net.Native, or dgram.Native for
    // datagrams. Our own copy stays. If the peer does not take it in the end, or it cannot be sent, feed
    // share_failed(); not needed when the channel has ended.
    share,
    // From now on (`on`) accept from socket `slot` of `listener` whenever it is readable: while
    // accepts(listener, slot), one after the other, each told by accepted(); or accept no more.
    accept,
    // Close every socket of `listener`. The last that is heard of it.
    close_listener,
    // Send `signal` to the process of `worker` (and say `text`): it does not answer, or its channel is closed
    // and it may hold connections.
    kill,
    // Send `signal` to the process of `worker`, which leaves: always (`on`), or if its program handles it. If
    // it was sent, tell the program as for `signalled`. Then feed signal_settled(), at once or later.
    signal,
    // Find out the sticky value of `connection` without reading it (MSG_PEEK), then feed sticky_value().
    look,
    // Look no more: the connection is sorted without.
    look_no_more,
    // Events of the program: Node's 'online'; 'listening' with `query` (its port is the real one); `worker`
    // has
    // closed its last listener; it has got the signal that it was to hear as it leaves; what it asked for
    // could not be opened or is not
    // for
    // it (`error`, `query`); something to report (`error`).
    online,
    listening,
    stopped_listening,
    signalled,
    listen_failed,
    report,
  };
  Kind kind;
  WorkerId worker = 0;
  ListenerId listener = 0;
  unsigned slot = 0;
  ConnectionId connection = 0;
  bool on = false;
  int signal = 0;
  Value message{};
  wire::ListenQuery query{};
  std::string text{};
  std::optional<Error> error{};
  std::vector<Sender> speakers{};
};

/// A primary of Node's cluster, towards Node and Baton workers, as a state machine: who listens on what, and
/// who owns which connection. It has no descriptor, no clock and no channel.
///
/// A connection has one owner at every moment:
///
///   state   | what it is              | accepted:true | NACK, accepted:false | worker_gone
///   --------+-------------------------+---------------+----------------------+------------
///   looked  | the primary's, unsorted |               |                      |
///   waiting | the primary's           |               |                      |
///   offered | a worker's, or nobody's | closed here   | waiting              | waiting
///
/// That a channel has closed says nothing about what its worker holds: only its answer or its death does. A
/// worker that gives neither is killed.
class PrimaryMachine {
 public:
  explicit PrimaryMachine(Policy policy = {}, PrimaryLimits limits = {}, uint64_t seed = 1);

  /// What the driver may want to know of a listener.
  struct Listener {
    ListenerId id = 0;
    std::string key{};
    Sharing sharing = Sharing::handed_over;
    wire::ListenQuery query{};  // the first one's
    int64_t backlog = 0;
    std::optional<wire::Sockname> sockname{};  // once it is open; none for a Unix path
    bool open = false;
    size_t users = 0;  // workers that listen on it
  };
  struct WorkerView {
    bool online = false;
    bool listening = false;  // it has told of a server that listens
    bool told_to_disconnect = false;
    bool exited_after_disconnect = false;  // agreed: told, or has said so itself
    bool channel_ended = false;
    uint64_t handed = 0;                    // connections that it took, ever
    std::optional<uint64_t> connections{};  // open now, if it reports
    std::optional<double> lag{};
    size_t unanswered = 0;
  };

  // Events.

  /// What time it is. To be said before any other event of a wake-up, and at next_deadline().
  void time(Milliseconds now);
  /// A process was forked with a channel. `slot`: its place, from 1.
  void worker_started(WorkerId worker, unsigned slot);
  /// Its channel has heard that it is Baton.
  void worker_is_baton(WorkerId worker);
  /// The user that it is now, to be said before each queryServer of it, and who speaks for it. A listener is
  /// shared by those of the user who asked for it; who is another is refused.
  void runs_as(WorkerId worker, uint32_t user, std::vector<Sender> speakers = {});
  static constexpr uint32_t unknown_user = -1;
  /// Whoever has said that the worker is online has ended, and another may say so.
  void offline(WorkerId worker);
  /// An internal message of it (is_cluster_message). The driver has closed and reported any handle that came
  /// with it.
  void message(WorkerId worker, const Value& message);
  /// The peer did not take the offered connection (NACK), or could not be offered it.
  void refused(ConnectionId connection);
  /// The channel has ended, and all that came before was fed in.
  void channel_ended(WorkerId worker);
  /// Its process is reaped, and all that it had sent was fed in (read until there is nothing more: another
  /// process may hold the channel open). Implies channel_ended. The machine forgets the worker.
  void worker_gone(WorkerId worker);
  /// The program tells a worker to disconnect (Node's worker.disconnect()).
  void disconnect(WorkerId worker);
  /// The same, behind a signal if its program handles it (or `always`): a program that ends by itself then
  /// loses nothing, as its servers drain before it hears of it. That only Node needs, with our preload
  /// module.
  void disconnect(WorkerId worker, int signal, bool always);
  /// From now on nothing that the worker says is passed on here, and that is not its fault; or it is again.
  void unheard(WorkerId worker, bool on);
  /// The signal of the action `signal` was sent, or need not be.
  void signal_settled(WorkerId worker);
  /// Socket `slot` of `listener` is open.
  void opened(ListenerId listener, unsigned slot, const std::optional<wire::Sockname>& sockname);
  /// `error`: a positive errno; `why` says more to the program.
  void open_failed(ListenerId listener, unsigned slot, int error, std::string_view why = {});
  /// `worker` could not be given a copy of the socket of `listener`.
  void share_failed(WorkerId worker, ListenerId listener);
  /// A connection was accepted. `client`: its address without port, empty for Unix.
  void accepted(ListenerId listener, ConnectionId connection, std::string_view client);
  /// What `look` asked for; nothing if there is none, or it did not come in time.
  void sticky_value(ConnectionId connection, std::optional<std::string_view> value);
  /// Closes every listener, and what waits for a worker.
  void close_listeners();

  // Actions.

  [[nodiscard]] std::optional<PrimaryAction> next_action();
  /// When time() has something to do, if nothing happens before.
  [[nodiscard]] std::optional<Milliseconds> next_deadline() const;

  // State.

  /// Whether a connection of that socket may be accepted now.
  [[nodiscard]] bool accepts(ListenerId listener, unsigned slot = 0) const;
  /// Whether a queryServer of the worker is looked into: false when it leaves, or when as many wait as may.
  [[nodiscard]] bool takes_query(WorkerId worker) const;
  /// Nothing if it is closed.
  [[nodiscard]] std::optional<Listener> listener(ListenerId listener) const;
  [[nodiscard]] std::vector<ListenerId> listeners() const;
  /// Nothing if the worker is not known.
  [[nodiscard]] std::optional<WorkerView> worker(WorkerId worker) const;
  /// Connections on offer to workers.
  [[nodiscard]] size_t in_flight() const noexcept { return in_flight_; }
  /// Connections in the primary.
  [[nodiscard]] size_t waiting() const noexcept { return connections_.size() - in_flight_; }
  /// How many came back and were to be handed on, ever.
  [[nodiscard]] uint64_t requeued() const noexcept { return requeued_; }

 private:
  struct Offer {
    uint64_t seq;
    ConnectionId connection;
    Milliseconds since;
  };
  struct Worker {
    WorkerId id = 0;
    unsigned slot = 0;
    bool baton = false;
    bool online = false;
    bool listening = false;
    bool told = false;                           // to disconnect
    bool agreed = false;                         // to leave
    std::optional<Milliseconds> drains_until{};  // it was asked to drain, and is to hear `disconnect` then
    bool ended = false;                          // its channel
    bool reports = false;
    bool unheard = false;
    bool killed = false;
    bool terminated = false;
    bool refusal_told = false;  // that it asked for what it may not have
    uint32_t user = 0;
    std::vector<Sender> speakers{};
    Milliseconds calm_at = 0;                             // when its failures are forgotten
    std::deque<std::pair<ListenerId, unsigned>> later{};  // sockets that it waits for until its turn comes
    Milliseconds next_open = 0;                           // of these
    Milliseconds ended_at = 0;
    std::optional<Milliseconds> suspect_until{};
    std::optional<Milliseconds> silent_since{};  // a ping is unanswered
    Milliseconds next_ping = 0;
    uint64_t pings = 0;  // the number of the last one
    uint64_t handed = 0;
    Allowance allowance;        // for the waits in its turn
    uint64_t usual_answer = 0;  // in microseconds, on average; 0: it has answered nothing yet
    uint64_t reported = 0;
    uint64_t since_report = 0;  // connections that it took
    double lag = 0;
    size_t queries = 0;
    std::deque<Offer> offers{};       // by seq
    std::deque<uint64_t> refusals{};  // seqs of NACKs: accepted:false may follow
    [[nodiscard]] bool leaves() const { return told || agreed || ended || killed; }
  };
  // A worker at a listener: it gets connections while it is a user, and answers them later too.
  struct Seat {
    WorkerId worker;
    bool user = false;
    uint64_t query = 0;  // the seq of its question
    Milliseconds rest_until = 0;
    Milliseconds rest = 0;               // the length of the last one; 0 since it last accepted
    std::deque<Milliseconds> offered{};  // when each unanswered connection was
    size_t waited_for = 0;               // by connections, counted while they are served
  };
  struct Query {
    WorkerId worker;
    uint64_t seq;
    std::vector<Sender> speakers{};
  };
  struct Socket {
    bool open = false;
    bool accepting = false;   // as the driver was last told
    WorkerId waits_with = 0;  // whose turn it waits for to be opened
    WorkerId opens_for = 0;   // who asked, while it is being opened
    std::deque<Query> queries{};
  };
  struct ListenerState {
    Listener view{};
    std::string data{};  // as it was first given, packed: values take more memory
    WorkerId first_user = 0;
    bool handed_on = false;  // to more than that one: it is the service's, not a worker's whim
    unsigned left_by = 0;    // the slot of the last one, which gave it up, died, or was told to leave
    uint64_t left = 0;       // when: the order of it
    std::map<unsigned, Socket> sockets{};
    std::vector<Seat> seats{};  // by worker
    std::deque<ConnectionId> waiting{};
    size_t looked = 0;
    WorkerId turn = 0;  // who had the last one
    // Who is waited for although others have room, and since when that is at the expense of its allowance.
    WorkerId held_by = 0;
    Milliseconds held_from = 0;
    Milliseconds held_until = 0;
    mutable std::optional<Milliseconds> usual_at{};  // when `usual` was found out
    mutable Milliseconds usual = 0;                  // how long an answer takes
    uint32_t user = 0;                               // of the worker who asked first
    bool given_up = false;                           // by the last one that used it, which lives
    std::optional<Milliseconds> close_at{};
    WorkerId closed_by = 0;
  };
  struct Connection {
    enum class State { looked, waiting, offered };
    State state = State::waiting;
    ListenerId listener = 0;
    WorkerId worker = 0;
    uint64_t seq = 0;
    uint64_t order = 0;  // of acceptance
    std::string client{};
  };
  using Connections = std::unordered_map<ConnectionId, Connection>;

  // Listeners.
  void on_query(Worker& worker, const wire::WorkerMessage& message);
  [[nodiscard]] bool listens_already(const Worker& worker, const std::string& key) const;
  void tell_failure(Worker* worker, const wire::ListenQuery& query, int error, std::string_view why);
  ListenerState& add_listener(const std::string& key, const wire::ListenQuery& query, const Worker& worker);
  void wait_for_socket(ListenerState& listener, Worker& worker, uint64_t seq);
  void open(ListenerState& listener, unsigned slot);
  [[nodiscard]] bool fails_often(const Worker& worker) const;
  void open_later(Worker& worker, ListenerState& listener, unsigned slot);
  void open_at_last(Worker& worker);
  void open_now(ListenerState& listener, unsigned slot);
  void forget_turn(ListenerState& listener, unsigned slot);
  void give_up_turns(Worker& worker);
  void admit(ListenerState& listener, unsigned slot, const Query& query);
  void on_close(Worker& worker, const std::string& key);
  void linger(ListenerState& listener, const Worker& last);
  void close_listener(ListenerState& listener);
  void leave_listeners(Worker& worker);
  [[nodiscard]] int make_room(const Worker& worker, const ListenerState* wanted);
  bool close_one_left(unsigned slot, const ListenerState* wanted);
  bool free_port(const ListenerState& wanted, unsigned slot);
  void note_left(ListenerState& listener, const Worker& worker);
  void expect_heir(ListenerState& listener);
  void expect_heirs(const Worker& worker);
  void stays_open(WorkerId left);
  [[nodiscard]] bool in_use(const ListenerState& listener) const;
  [[nodiscard]] bool listens_anywhere(WorkerId worker) const;
  [[nodiscard]] bool orphaned(const ListenerState& listener, unsigned slot) const;
  [[nodiscard]] Sharing sharing_of(const wire::ListenQuery& query) const;

  // Connections.
  void settle(ListenerState& listener);
  void serve(ListenerState& listener);
  [[nodiscard]] std::vector<Choice>& choices(const ListenerState& listener, bool patiently) const;
  [[nodiscard]] std::optional<size_t> choose(ListenerState& listener, const Connection& connection);
  [[nodiscard]] std::optional<size_t> stick(ListenerState& listener, const Connection& connection);
  void offer(ListenerState& listener, Seat& seat, ConnectionId id, Connection& connection);
  void on_answers(Worker& worker, const wire::WorkerMessage& message);
  bool answered(Worker& worker, uint64_t seq, bool accepted);
  void take_from(Worker& worker, const Connection& connection);
  void give_back(ConnectionId id, Connection& connection);
  void close_connection(Connections::iterator connection, const Worker* owner = nullptr);
  void rest(ListenerState& listener, WorkerId worker);
  void drop_waiting(ListenerState& listener);
  [[nodiscard]] bool has_room(const Seat& seat) const;
  [[nodiscard]] Milliseconds worth_until(const ListenerState& listener, const Seat& seat) const;
  [[nodiscard]] Milliseconds short_wait(const ListenerState& listener) const;
  [[nodiscard]] Milliseconds usual_answer(const ListenerState& listener) const;
  [[nodiscard]] bool takes_turns() const;
  void charge_hold(ListenerState& listener);
  void note_hold(ListenerState& listener);
  void wake_for(const ListenerState& listener);
  void look_at(ConnectionId id);
  void sort(ConnectionId id, Connection& connection);
  Seat* seat_of(ListenerState& listener, WorkerId worker);
  Seat& take_seat(ListenerState& listener, WorkerId worker);
  void forget_empty_seats(ListenerState& listener);

  // Time.
  void watch(Worker& worker);
  void watch_orphan(Worker& worker);
  void watch_hang(Worker& worker);
  [[nodiscard]] Milliseconds heartbeat() const;
  void excuse(Worker& worker);
  void slept();
  void kill(Worker& worker, int signal, std::string_view why);
  void wake_at(Milliseconds when);

  // Talk.
  void on_load(Worker& worker, const wire::WorkerMessage& message);
  void on_drains(Worker& worker, bool signalled);
  void say_disconnect(Worker& worker);
  void on_bad_message(Worker& worker, const Value& message, const Error& error);
  void send(const Worker& worker, Value message);
  PrimaryAction& act(PrimaryAction::Kind kind);
  void report(const Worker& worker, const Error& error);

  Policy policy_;
  PrimaryLimits limits_;
  uint64_t random_;
  Milliseconds now_ = 0;
  std::optional<Milliseconds> deadline_;
  uint64_t seq_ = 0;
  uint64_t order_ = 0;
  uint64_t left_ = 0;
  ListenerId next_listener_ = 1;
  std::map<WorkerId, Worker> workers_;
  std::map<ListenerId, ListenerState> listeners_;
  std::map<std::string, ListenerId, std::less<>> keys_;
  Connections connections_;
  size_t in_flight_ = 0;
  uint64_t requeued_ = 0;
  Fifo<PrimaryAction> actions_;
  std::deque<ConnectionId> looks_;  // the oldest first; those that are over may still stand in it
  size_t looked_ = 0;
  mutable std::vector<Choice> choices_;
  mutable std::vector<uint64_t> answers_;
};

}  // namespace baton::cluster
