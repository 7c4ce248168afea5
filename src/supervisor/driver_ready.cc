// By what a driver knows that a worker is ready, and where it listens by itself.
#include <algorithm>
#include <optional>
#include <set>
#include <stdexcept>
#include <string_view>
#include <tuple>
#include <utility>

#include "supervisor/driver.h"
#include "supervisor/duration_text.h"
#include "supervisor/port_table_linux.h"

namespace baton::supervisor {
namespace {

constexpr Time between_looks = std::chrono::milliseconds(250);
constexpr Time between_asked_looks = std::chrono::seconds(1);
constexpr Time longest_between_looks = std::chrono::minutes(1);

// A port on which two workers listen at once (SO_REUSEPORT) is no obstacle to a third. Of a worker of the
// cluster what is for this machine alone is not its service: an inspector's port, say.
bool is_alone(const ListeningPort& port, const WorkerRun& run, const std::map<WorkerId, WorkerRun>& runs) {
  if (port.loopback && run.in_cluster()) return false;
  return std::ranges::none_of(runs, [&](const auto& one) {
    return one.first != run.id && one.second.lives() &&
           std::ranges::any_of(one.second.own_ports, [&](const ListeningPort& other) {
             return other.address == port.address && other.socket != port.socket;
           });
  });
}

// A pipe with the number of the process in its name is between it and those that it starts: a wrapper's.
bool is_private(const cluster::Listening& where, pid_t pid) {
  if (where.type() != cluster::Listening::Type::unix_path) return false;
  if (!where.address()) return false;
  const std::string& path = *where.address();
  const std::string number = std::to_string(pid);
  const auto is_digit = [&](size_t at) { return at < path.size() && path[at] >= '0' && path[at] <= '9'; };
  for (size_t at = path.find(number); at != path.npos; at = path.find(number, at + 1)) {
    if (!(at > 0 && is_digit(at - 1)) && !is_digit(at + number.size())) return true;
  }
  return false;
}

// Where the primary listens, to be asked often.
class OpenPlaces {
 public:
  explicit OpenPlaces(std::vector<cluster::Listening> open) : open_(std::move(open)) {
    for (const cluster::Listening& one : open_) keys_.insert(key_of(one));
  }
  [[nodiscard]] bool contains(const cluster::Listening& where) const { return keys_.contains(key_of(where)); }

 private:
  using Key = std::tuple<bool, uint16_t, int, std::optional<std::string_view>>;
  static Key key_of(const cluster::Listening& where) {
    const bool path = where.type() == cluster::Listening::Type::unix_path;
    std::optional<std::string_view> file;
    if (path) file = where.address() ? std::string_view(*where.address()) : std::string_view();
    return {where.udp(), where.port(), where.descriptor(), file};
  }
  std::vector<cluster::Listening> open_;
  std::set<Key> keys_;
};

std::string addresses_of(const std::vector<ListeningPort>& ports) {
  std::string text;
  for (const ListeningPort& one : ports) text += (text.empty() ? "" : ", ") + one.address;
  return text;
}

}  // namespace

void Driver::saw(WorkerId id, Sign sign) {
  machine_.ready(id, sign, now());
  pump();
}

void Driver::on_listening(cluster::WorkerProcess& process) {
  if (WorkerRun* run = find(process)) {
    machine_.listens(run->id);
    run->said_where = true;
  }
  services_stale_ = true;
  if (!services_seen_) see_services();
}

// However often a worker says where it listens: at once, and then once a turn.
void Driver::see_services() {
  services_seen_ = true;
  services_stale_ = false;
  std::vector<WorkerId> said;
  for (auto& [id, run] : runs_) {
    if (std::exchange(run.said_where, false)) said.push_back(id);
  }
  for (const WorkerId id : said) {
    const auto run = runs_.find(id);
    if (run != runs_.end() && run->second.process != nullptr) see_service(run->second);
  }
  if (machine_.ever_all_ready()) announce_listeners();
  if (!next_services_) {
    next_services_ = NextTurn(loop_, [this] {
      services_seen_ = false;
      if (services_stale_) see_services();
    });
  }
  next_services_.ask();
}

// Who comes after another is ready where that one listened, and not by what it opens on the way there.
void Driver::see_service(const WorkerRun& run) {
  std::vector<const cluster::Listening*> service;
  for (const cluster::Listening& one : run.process->listening()) {
    if (!is_private(one, run.pid)) {
      service.push_back(&one);
    } else if (private_.size() < most_private) {
      private_.insert(one.to_string());
    }
  }
  if (service.empty()) return;
  if (run.ready_at) {
    auto& last = services_[run.slot];
    last.clear();
    for (const cluster::Listening* one : service) last.push_back(*one);
    return;
  }
  const auto before = services_.contains(run.slot) ? services_.find(run.slot) : services_.begin();
  if (before == services_.end()) return saw(run.id, Sign::listening);
  const OpenPlaces open(primary_->listeners());
  std::set<std::string> here;
  for (const cluster::Listening* one : service) here.insert(one->to_string());
  const auto is_awaited = [&](const cluster::Listening& where) {
    return open.contains(where) && !here.contains(where.to_string());
  };
  if (std::ranges::none_of(before->second, is_awaited)) return saw(run.id, Sign::listening);
  machine_.listens_elsewhere(run.id, now());
  pump();
}

void Driver::note_ready(WorkerRun& run, Sign sign) {
  run.ready_at = now();
  if (run.process != nullptr) see_service(run);
  run.check.reset();
  const Time took = *run.ready_at - run.started_at;
  ++ready_count_;
  ready_time_ += took;
  Event event(EventKind::worker_ready);
  event.worker(run.slot, run.pid).took(took);
  if (sign == Sign::alive) event.text("as it is alive");
  if (sign == Sign::own_port) event.text("as it listens");
  tell_event(event);
  if (sign == Sign::listening || sign == Sign::own_port || !sockets_.empty()) return;
  look_at_ports(run.id);
  const bool told = tell_of_own_ports();
  if (!told) look_again_after(between_looks);
  const bool believed = sign == Sign::alive && options_.ready() == Ready::any;
  if (!believed || told || std::exchange(belief_told_, true)) return;
  tell_event(
      Event(EventKind::notice)
          .worker(run.slot, run.pid)
          .text("it has not said within " + duration_text(options_.listen_timeout()) +
                " that it is ready, and counts as ready as it is alive: --ready alive if that is enough, "
                "else what to wait for (--ready notify, listening, message, tcp:PORT or http:URL)"));
}

// Ready workers that do not take what waits are no service.
void Driver::look_at_backlogs() {
  if (machine_.ready_workers() == 0) return;
  std::vector<std::string> stuck = sockets_.stuck(now());
  for (const std::string& address : stuck) {
    if (std::ranges::find(stuck_, address) != stuck_.end()) continue;
    tell_event(
        Event(EventKind::problem)
            .text("connections wait on " + address +
                  " and no worker takes them: it serves elsewhere, or a shell starts it without `exec` (then "
                  "LISTEN_PID is the shell's)"));
  }
  stuck_ = std::move(stuck);
}

// --- where it listens by itself

// An inspector, which has another port in each worker, is no service.
void Driver::look_at_ports_of(WorkerRun& run, const PortLook& look) {
  run.own_ports = look.own_ports_of(run.pid);
  if (inspected_) std::erase_if(run.own_ports, &ListeningPort::loopback);
}

// Costs a millisecond or two, and as much for each worker: for moments that are rare.
void Driver::look_at_ports(WorkerId only) {
  looked_at_ = now();
  const PortLook look;
  for (auto& [id, run] : runs_) {
    if (run.lives() && (only == 0 || only == id)) look_at_ports_of(run, look);
  }
  for (const auto& [id, run] : runs_) {
    if (!run.ready_at || run.told_at || !run.lives()) continue;
    std::set<std::string> lasting;
    for (const ListeningPort& port : run.own_ports) {
      if (!is_alone(port, run, runs_)) continue;
      machine_.holds_port(id, port.chosen);
      if (port.chosen) lasting.insert(port.address);
    }
    if (!lasting.empty()) served_[run.slot] = std::move(lasting);
  }
}

// Whoever gives orders may give a thousand.
void Driver::look_at_ports_sometimes() {
  if (now() >= looked_at_ + between_asked_looks) look_at_ports();
}

// Whether there is something to tell, now or before.
bool Driver::tell_of_own_ports() {
  if (own_ports_told_) return true;
  const auto found = std::ranges::find_if(runs_, [](const auto& one) {
    return one.second.lives_outside_the_cluster() && !one.second.own_ports.empty();
  });
  if (found == runs_.end()) return false;
  own_ports_told_ = true;
  const WorkerRun& run = found->second;
  tell_event(
      Event(EventKind::notice)
          .worker(run.slot, run.pid)
          .text(
              "listens on " + addresses_of(run.own_ports) +
              " by itself, outside the cluster: no second worker can have that address, and a reload "
              "stops it before the next one starts, so it is one worker (-i 1); to share it, let the program "
              "take its socket (--listen, LISTEN_FDS), or of a Node program run the script itself"));
  return true;
}

// Some begin to listen only long after they were believed to be ready.
void Driver::look_again_after(Time pause) {
  outsider_timer_ = Timer(loop_, pause, [this, pause] {
    const auto outside = [](const auto& one) { return one.second.lives_outside_the_cluster(); };
    if (own_ports_told_ || std::ranges::none_of(runs_, outside)) return;
    look_at_ports();
    if (!tell_of_own_ports()) look_again_after(std::min(2 * pause, longest_between_looks));
  });
  outsider_timer_.unref();
}

// Whoever comes after one that listened by itself is ready when it listens there, too.
void Driver::await_ports() {
  const auto awaits = [this](const auto& one) { return machine_.awaits_port(one.first); };
  if (std::ranges::none_of(runs_, awaits)) return look_timer_.stop();
  if (look_timer_.active()) return;
  look_timer_ = Timer(loop_, between_looks, [this] {
    std::vector<WorkerId> there;
    const PortLook look;
    for (auto& [id, run] : runs_) {
      if (!run.lives() || !machine_.awaits_port(id)) continue;
      look_at_ports_of(run, look);
      const auto is_served = [&](const std::string& address) {
        return std::ranges::find(run.own_ports, address, &ListeningPort::address) != run.own_ports.end();
      };
      if (std::ranges::all_of(served_[run.slot], is_served)) there.push_back(id);
    }
    for (const WorkerId id : there) saw(id, Sign::own_port);
    await_ports();
  });
  look_timer_.unref();
}

std::string Driver::told_with_holder(const Error& error, const cluster::Listening& where) {
  try {
    if (where.udp()) return error.what();
    const bool path = where.type() == cluster::Listening::Type::unix_path;
    return with_holder(error, path ? net::Endpoint::unix_path(where.address().value_or(""))
                                   : net::Endpoint("0.0.0.0", where.port()));
  } catch (const std::invalid_argument&) {
    return error.what();
  }
}

}  // namespace baton::supervisor
