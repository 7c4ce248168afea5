// By what a driver knows that a worker is ready, and where it listens by itself.
#include <algorithm>
#include <chrono>
#include <optional>
#include <set>
#include <stdexcept>
#include <string_view>
#include <tuple>
#include <utility>

#include "base/excerpt.h"
#include "supervisor/driver.h"
#include "supervisor/duration_text.h"
#include "supervisor/port_table_linux.h"

namespace baton::supervisor {
namespace {

constexpr Time between_looks = std::chrono::milliseconds(250);
constexpr Time between_asked_looks = std::chrono::seconds(1);
constexpr Time longest_between_looks = std::chrono::minutes(1);
constexpr std::chrono::milliseconds ports_patience(2000);

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

// However often workers say where they listen: at once, and then for a tenth of the time.
void Driver::see_services() {
  const auto begin = std::chrono::steady_clock::now();
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
  services_timer_ = Timer(loop_, 9 * (std::chrono::steady_clock::now() - begin), [this] {
    services_seen_ = false;
    if (services_stale_) see_services();
  });
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
  const std::vector<cluster::Listening> before = service_before(run.slot);
  if (before.empty()) return saw(run.id, Sign::listening);
  const OpenPlaces open(primary_->listeners());
  std::set<std::string> here;
  for (const cluster::Listening* one : service) here.insert(one->to_string());
  const auto is_awaited = [&](const cluster::Listening& where) {
    return open.contains(where) && !here.contains(where.to_string());
  };
  if (std::ranges::none_of(before, is_awaited)) return saw(run.id, Sign::listening);
  machine_.listens_elsewhere(run.id, now());
  pump();
}

// Of a new slot, what most others have: none alone is to say where its siblings listen.
std::vector<cluster::Listening> Driver::service_before(unsigned slot) const {
  if (const auto own = services_.find(slot); own != services_.end()) return own->second;
  std::map<std::string, std::pair<const cluster::Listening*, std::set<unsigned>>> places;
  for (const auto& [other, service] : services_) {
    for (const cluster::Listening& one : service) {
      auto& [where, slots] = places[one.to_string()];
      where = &one;
      slots.insert(other);
    }
  }
  std::vector<cluster::Listening> most;
  for (const auto& [name, place] : places) {
    const auto& [where, slots] = place;
    if (slots.size() > 1 && 2 * slots.size() > services_.size()) most.push_back(*where);
  }
  return most;
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
  look_at_ports(run.id, [this, id = run.id, sign] { note_belief(id, sign); });
}

void Driver::note_belief(WorkerId id, Sign sign) {
  const bool told = tell_of_own_ports();
  if (!told) look_again_after(between_looks);
  const auto found = runs_.find(id);
  if (found == runs_.end()) return;
  const bool believed = sign == Sign::alive && options_.ready() == Ready::any;
  if (!believed || told || std::exchange(belief_told_, true)) return;
  tell_event(
      Event(EventKind::notice)
          .worker(found->second.slot, found->second.pid)
          .text("it has not said within " + duration_text(options_.listen_timeout()) +
                " that it is ready, and counts as ready as it is alive: --ready alive if that is enough, "
                "else what to wait for (--ready notify, listening, message, tcp:PORT or http:URL)"));
}

// Ready workers that do not take what waits are no service.
void Driver::look_at_backlogs() {
  if (machine_.ready_workers() == 0) return;
  std::vector<std::string> stuck = sockets_.stuck(loop_, now());
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

// Takes a millisecond or two, and as much for each worker, or as long as others like: not the loop's time.
// Where it takes too long, all is as it was seen last.
void Driver::look_at_ports_of(const std::vector<WorkerId>& whom, Callback then) {
  struct Ports {
    std::vector<std::pair<WorkerId, pid_t>> of;
    std::vector<std::vector<ListeningPort>> found = {};
  };
  const auto ports = std::make_shared<Ports>();
  for (const WorkerId id : whom) {
    const auto run = runs_.find(id);
    if (run != runs_.end() && run->second.lives()) ports->of.emplace_back(id, run->second.pid);
  }
  const auto job = [ports] {
    const PortLook look;
    for (const auto& [id, pid] : ports->of) ports->found.push_back(look.own_ports_of(pid));
  };
  auto done = [this, ports, number = ++port_looks_asked_,
               then = std::move(then)](const Result<void>& in_time) mutable {
    const auto self = shared_from_this();
    const auto look = port_looks_.extract(number);
    if (phase_ != Phase::running) return;
    for (std::size_t i = 0; in_time && i < ports->of.size(); ++i) {
      const auto run = runs_.find(ports->of[i].first);
      if (run == runs_.end() || !run->second.lives()) continue;
      run->second.own_ports = std::move(ports->found[i]);
      // An inspector, which has another port in each worker, is no service.
      if (inspected_) std::erase_if(run->second.own_ports, &ListeningPort::loopback);
    }
    then();
    while (!after_ports_.empty() && after_ports_.front().after <= number) {
      const unsigned slot = after_ports_.front().slot;
      after_ports_.pop_front();
      obey(slot);
    }
    pump();
  };
  port_looks_[port_looks_asked_] =
      spawner::Look(loop_, spawner::Lane::ports(), ports_patience, job, std::move(done));
}

void Driver::look_at_ports(WorkerId only, Callback then) {
  looked_at_ = now();
  std::vector<WorkerId> whom;
  for (const auto& [id, run] : runs_) {
    if (only == 0 || only == id) whom.push_back(id);
  }
  look_at_ports_of(whom, [this, then = std::move(then)]() mutable {
    note_ports();
    then();
  });
}

void Driver::note_ports() {
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

// The same again, before the next look, is the same.
void Driver::obey_after_a_look_at_ports(unsigned slot) {
  if (port_looks_.empty() && phase_ == Phase::running && now() >= looked_at_ + between_asked_looks)
    look_at_ports(0, [] {});
  if (port_looks_.empty()) return obey(slot);
  const bool waits = std::ranges::any_of(after_ports_, [&](const Order& order) {
    return order.after == port_looks_asked_ && order.slot == slot;
  });
  if (!waits) after_ports_.push_back({port_looks_asked_, slot});
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
    look_at_ports(0, [this, pause] {
      if (!tell_of_own_ports()) look_again_after(std::min(2 * pause, longest_between_looks));
    });
  });
  outsider_timer_.unref();
}

// Whoever comes after one that listened by itself is ready when it listens there, too.
void Driver::await_ports() {
  const auto awaits = [this](const auto& one) { return machine_.awaits_port(one.first); };
  if (std::ranges::none_of(runs_, awaits)) return look_timer_.stop();
  if (look_timer_.active() || awaiting_ports_) return;
  look_timer_ = Timer(loop_, between_looks, [this] {
    std::vector<WorkerId> whom;
    for (const auto& [id, run] : runs_) {
      if (run.lives() && machine_.awaits_port(id)) whom.push_back(id);
    }
    awaiting_ports_ = true;
    look_at_ports_of(whom, [this, whom] {
      awaiting_ports_ = false;
      for (const WorkerId id : whom) {
        const auto run = runs_.find(id);
        if (run == runs_.end() || !machine_.awaits_port(id)) continue;
        const auto is_served = [&](const std::string& address) {
          return std::ranges::find(run->second.own_ports, address, &ListeningPort::address) !=
                 run->second.own_ports.end();
        };
        if (std::ranges::all_of(served_[run->second.slot], is_served)) saw(id, Sign::own_port);
      }
      await_ports();
    });
  });
  look_timer_.unref();
}

// Looking who has it takes its time, and it may try again and again.
void Driver::look_for_holder(WorkerRun& run, const Error& error, const cluster::Listening& where) {
  run.listen_error = excerpt(error.what());
  if (where.udp()) return;
  const auto text = std::make_shared<std::string>();
  const auto job = [text, error, path = where.type() == cluster::Listening::Type::unix_path,
                    address = where.address().value_or(""), port = where.port()] {
    *text = with_holder(error, path ? net::Endpoint::unix_path(address) : net::Endpoint("0.0.0.0", port));
  };
  run.holder = spawner::Look(loop_, spawner::Lane::ports(), ports_patience, job,
                             [this, text, id = run.id](const Result<void>& in_time) {
                               const auto self = shared_from_this();
                               const auto found = runs_.find(id);
                               if (found == runs_.end()) return;
                               if (in_time) found->second.listen_error = excerpt(*text);
                               note_exit(found->second);
                             });
}

}  // namespace baton::supervisor
