#pragma once

// The five models. Each is an entry of this program, in a file of its own: it is told an Order over its
// channel, says where it listens, and serves until it gets SIGTERM.

#include <array>
#include <string_view>

#include "baton/baton.h"

namespace models {

/// One after the other: while one connection is served, all others wait.
baton::Task<> one_by_one(baton::Process& self);
/// fork(2) for each connection.
baton::Task<> process_each(baton::Process& self);
/// A thread for each connection.
baton::Task<> thread_each(baton::Process& self);
/// One thread over an event loop: Node's model, and Baton's.
baton::Task<> events(baton::Process& self);
/// The same in a worker for each core, which share one listening socket.
baton::Task<> every_core(baton::Process& self);
baton::Task<> every_core_worker(baton::Process& self);

struct Model {
  const char* name;
  const char* what;
  baton::Task<> (*entry)(baton::Process& self);
};
inline constexpr std::array<Model, 5> all_models = {{{"one-by-one", "one after the other", one_by_one},
                                                     {"process-each", "a process for each", process_each},
                                                     {"thread-each", "a thread for each", thread_each},
                                                     {"events", "events", events},
                                                     {"every-core", "events on every core", every_core}}};
/// The entry that `every_core` forks.
inline constexpr const char* worker_entry = "every-core-worker";

}  // namespace models
