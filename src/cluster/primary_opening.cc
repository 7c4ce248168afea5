// What workers ask to listen on: who asks, whether the kernel would let him, and what is opened for him. All
// of that goes through folders and /proc, which others can hold for as long as they like: so threads do it.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "cluster/primary_state.h"
#include "wire/peer_value.h"

namespace baton::cluster {
namespace {

// Long enough for a machine that has much to do. Who is held longer does not get what he asked for.
constexpr std::chrono::milliseconds asker_patience(1000);
constexpr std::chrono::milliseconds open_patience(1000);
constexpr auto file_look_pause = std::chrono::seconds(2);

// Those that a process had which said so as that user. Another may have its number by now, or it may have
// become more; root's could only become less.
std::optional<spawner::Rights> rights_of(const Sender& speaker) {
  if (speaker.process <= 0) return std::nullopt;
  auto rights = spawner::Rights::of(speaker.process);
  if (!rights || (rights->user() != speaker.user && speaker.user != 0)) return std::nullopt;
  return std::move(*rights);
}

// A worker's own process may be a wrapper that stays what it was, in front of a program that is another user;
// and it may be made to write what others like.
Asker asker_of(pid_t worker, const std::vector<Sender>& speakers) {
  auto theirs = spawner::Rights::of(worker);
  const auto ours = spawner::Rights::of(::getpid());
  if (!theirs || !ours || speakers.empty()) return {};
  for (const Sender& speaker : speakers) {
    if (speaker.process == worker) continue;
    const auto rights = rights_of(speaker);
    if (!rights) return {.why = "who speaks for it is gone, or cannot be looked at"};
    const auto fewer = theirs->fewer(*rights);
    if (!fewer) return {.why = "who speaks for it is another user"};
    theirs = *fewer;
  }
  return {.rights = *theirs, .has_all_ours = theirs->are_those_of(*ours)};
}

// Why what is opened here is nothing that those with these rights could have opened there. Who is this user
// is trusted with it.
std::string_view out_of_reach(const spawner::Rights& rights, bool path) {
  if (rights.user() == ::geteuid()) return {};
  if (path && !rights.are_for_our_files()) return "the worker sees another tree of files";
  if (!path && !rights.are_for_our_network()) return "the worker is in another network";
  return {};
}

struct Opening {
  wire::ListenQuery query;
  Sharing sharing;
  int64_t backlog;
  std::optional<spawner::Rights> rights = {};
  std::optional<ListenerSocket> given = {};  // whose address it is, if that is there
  std::optional<Error> refused = {};         // anything but that
  Result<ListenerSocket> result = failure(ETIMEDOUT, "listen");

  void open() {
    if (given && given->is_at_its_path()) {
      result = std::move(*given);
    } else if (refused) {
      result = std::unexpected(*refused);
    } else {
      result = ListenerSocket::open(query, sharing, backlog, rights);
    }
  }
};

}  // namespace

// --- who asks

void Primary::State::look_at_asker(WorkerProcess::State& worker, const std::vector<Sender>& speakers,
                                   spawner::Look& look, std::move_only_function<void(Asker)> then) {
  const auto seen = std::make_shared<Asker>();
  look = spawner::Look(
      process.loop(), worker.lane, asker_patience,
      [seen, pid = worker.child.pid(), speakers] { *seen = asker_of(pid, speakers); },
      [seen, speakers, then = std::move(then)](const Result<void>& looked) mutable {
        Asker asker = looked ? std::move(*seen) : Asker{.why = looked.error().code().message()};
        asker.speakers = speakers;
        then(std::move(asker));
      });
}

// Nothing more is heard of a worker while its query is looked at.
void Primary::State::pause(WorkerProcess::State& worker, bool on) {
  machine.unheard(worker.id, on);
  worker.child.pause(on);
}

// Rules are the same for all; else it counts who asks, and a program may have changed its user since it
// began.
void Primary::State::hear_query(WorkerProcess::State& worker, Message message) {
  if (!options.allow_listen().empty()) return hear_query_of({}, worker, std::move(message));
  pause(worker, true);
  look_at_asker(worker, worker.child.senders(), worker.query_look,
                [this, &worker, message = std::move(message)](Asker asker) mutable {
                  const auto self = shared_from_this();
                  // Nobody waits for the answer, and its number may be a stranger's by now.
                  if (has_ended(worker.child.pid())) return pause(worker, false);
                  hear_query_of(std::move(asker), worker, std::move(message));
                });
}

void Primary::State::hear_query_of(Asker asker, WorkerProcess::State& worker, Message message) {
  const bool path = wire::early_member(message.value(), "addressType") == Value(-1);
  const std::string* address =
      path ? wire::early_member(message.value(), "address").get_if_string() : nullptr;
  const auto lost = address == nullptr ? std::nullopt : socket_at(*address);
  if (!lost) return hear(worker.id, asker, message);
  pause(worker, true);
  look_at_file(
      lost->first, lost->second, Why::asked,
      [weak = weak_from_this(), id = worker.id, asker = std::move(asker), message = std::move(message)] {
        const auto self = weak.lock();
        if (self && !self->shut) self->hear(id, asker, message);
      });
}

void Primary::State::hear(WorkerId id, const Asker& asker, const Message& query) {
  WorkerProcess::State* worker = find(id);
  if (worker == nullptr) return;
  worker->asker = asker;
  struct Forget {
    std::optional<Asker>& known;
    ~Forget() { known.reset(); }
  } const forget{worker->asker};
  // Also if a callback throws.
  if (worker->child.paused()) {
    process.loop().defer([weak = weak_from_this(), id] {
      const auto self = weak.lock();
      WorkerProcess::State* heard = self && !self->shut ? self->find(id) : nullptr;
      if (heard != nullptr) self->pause(*heard, false);
    });
  }
  feed([&] {
    if (options.allow_listen().empty())
      machine.runs_as(id, asker.rights ? asker.rights->user() : PrimaryMachine::unknown_user, asker.speakers);
    machine.message(id, query.value());
  });
}

std::optional<std::pair<ListenerId, unsigned>> Primary::State::socket_at(const std::string& path) const {
  for (const auto& [id, open] : sockets) {
    const auto listener = machine.listener(id);
    if (!listener || listener->query.address != path) continue;
    for (const auto& [slot, socket] : open) {
      if (socket.socket.has_file()) return std::pair(id, slot);
    }
  }
  return std::nullopt;
}

// --- what is opened for him

void Primary::State::open(const PrimaryAction& action) {
  const auto listener = machine.listener(action.listener);
  if (!listener) return;
  if (const auto open = sockets.find(action.listener); open != sockets.end()) {
    return opened(action.worker, action.listener, action.slot,
                  open->second.begin()->second.socket.beside(listener->backlog));
  }
  const auto& rules = options.allow_listen();
  const Listening where = asked(listener->query);
  const auto allows = [&](const ListenRule& rule) { return rule.allows(where); };
  if (!rules.empty()) {
    const Asker anybody{.has_all_ours = true};
    if (std::ranges::any_of(rules, allows))
      return open_for(anybody, action.worker, action.listener, action.slot);
    return opened(action.worker, action.listener, action.slot, failure(EACCES, "listen"),
                  "no rule allows it");
  }
  WorkerProcess::State* worker = find(action.worker);
  if (worker == nullptr)
    return opened(action.worker, action.listener, action.slot, failure(ECANCELED, "listen"));
  if (const auto asker = worker->asker; asker && asker->speakers == action.speakers)
    return open_for(*asker, action.worker, action.listener, action.slot);
  // It has waited for its turn.
  look_at_asker(*worker, action.speakers, opening[{action.listener, action.slot}],
                [this, id = action.listener, slot = action.slot, by = action.worker](Asker asker) {
                  const auto self = shared_from_this();
                  opening.erase({id, slot});
                  const WorkerProcess::State* there = find(by);
                  const bool over = there == nullptr || has_ended(there->child.pid());
                  feed([&] {
                    if (over) return opened(by, id, slot, failure(ECANCELED, "listen"));
                    open_for(asker, by, id, slot);
                  });
                });
}

void Primary::State::open_for(const Asker& asker, WorkerId by, ListenerId id, unsigned slot) {
  const auto listener = machine.listener(id);
  if (!listener) return;
  // Somebody else may have come first.
  if (const auto open = sockets.find(id); open != sockets.end())
    return opened(by, id, slot, open->second.begin()->second.socket.beside(listener->backlog));
  const auto job = std::make_shared<Opening>(Opening{listener->query, listener->sharing, listener->backlog});
  if (auto inherited = of_given(*listener)) {
    if (!*inherited) return opened(by, id, slot, std::move(*inherited));
    job->given = std::move(**inherited);
  }
  const bool path = listener->query.type == wire::AddressType::unix_path && !listener->query.is_abstract();
  std::string why;
  if (!asker.has_all_ours) {
    job->rights = asker.rights;
    why = asker.rights
              ? "with the rights of user " + std::to_string(asker.rights->user())
              : "the rights of the worker are not known" + (asker.why.empty() ? "" : " (" + asker.why + ")");
    const auto elsewhere = asker.rights ? out_of_reach(*asker.rights, path) : std::string_view();
    if (!elsewhere.empty()) why = elsewhere;
    if (!asker.rights || !elsewhere.empty() || listener->query.fd.value_or(-1) >= 0)
      job->refused = Error(EACCES, "listen");
  }
  const WorkerProcess::State* worker = find(by);
  if (!path || (job->refused && !job->given)) {
    job->open();
    return opened(by, id, slot, std::move(job->result), why);
  }
  opening[{id, slot}] = spawner::Look(
      process.loop(), worker != nullptr ? worker->lane : nobodys_lane, open_patience, [job] { job->open(); },
      [this, job, by, id, slot, why](const Result<void>& in_time) {
        const auto self = shared_from_this();
        opening.erase({id, slot});
        feed([&] {
          // What the thread may still open is closed there.
          opened(by, id, slot, in_time ? std::move(job->result) : std::unexpected(in_time.error()), why);
        });
      });
}

// `why` becomes what is to be said beside the errno.
void Primary::State::opened(WorkerId by, ListenerId id, unsigned slot, Result<ListenerSocket> result,
                            const std::string& why) {
  if (!result) return machine.open_failed(id, slot, result.error().code().value(), why);
  // Nobody may want it any more.
  const WorkerProcess::State* worker = find(by);
  const spawner::Lane lane = worker != nullptr ? worker->lane : nobodys_lane;
  if (!machine.listener(id)) return close_aside(*result, lane);
  const auto sockname = result->sockname();
  if (result->has_file() && !files_timer.active()) {
    files_timer = Timer::every(process.loop(), file_look_pause, [this] { look_at_files(); });
    files_timer.unref();
  }
  if (turned_away) result->turn_newcomers_away();
  Socket socket(std::move(*result), lane);
  watch(sockets[id].emplace(slot, std::move(socket)).first->second);
  machine.opened(id, slot, sockname);
}

void Primary::State::close_aside(ListenerSocket& socket, const spawner::Lane& lane) {
  const bool has_file = socket.has_file();
  socket.close_aside(lane);
  if (!has_file) return;
  // They are waited for a little when all this ends.
  std::erase_if(removing, [](const spawner::Lane& one) { return one.finish(std::chrono::milliseconds(0)); });
  if (std::ranges::find(removing, lane) == removing.end()) removing.push_back(lane);
}

std::optional<Result<ListenerSocket>> Primary::State::of_given(
    const PrimaryMachine::Listener& listener) const {
  for (const Fd& one : given) {
    if (auto socket = ListenerSocket::of_given(one.get(), listener.query, listener.sharing)) return socket;
  }
  return std::nullopt;
}

}  // namespace baton::cluster
