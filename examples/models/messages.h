#pragma once

// What the processes of this program say to each other over their channels.

#include <cstdint>
#include <vector>

#include "baton/baton.h"

namespace models {

/// To a server: how long each answer waits, as for a database, and how many processes or threads it may have.
struct Order {
  int64_t wait_ms = 0;
  int64_t limit = 0;
};
BATON_FIELDS(Order, wait_ms, limit)

/// From a server: it listens on 127.0.0.1.
struct Listening {
  int64_t port = 0;
};
BATON_FIELDS(Listening, port)

/// To the client.
struct Job {
  int64_t port = 0;
  int64_t connections = 0;
  double seconds = 0;
  bool keep_alive = false;
};
BATON_FIELDS(Job, port, connections, seconds, keep_alive)

/// From the client. A request that had no answer yet counts for the p99 with the time that it has waited.
struct Figures {
  double requests_per_second = 0;
  double p50_ms = 0;
  double p99_ms = 0;
  bool p99_unanswered = false;  ///< more than one in a hundred still waits: it is more than that
  int64_t unserved = 0;         ///< connections that never had an answer
  int64_t failures = 0;         ///< requests whose connection broke, or that had a wrong answer
};
BATON_FIELDS(Figures, requests_per_second, p50_ms, p99_ms, p99_unanswered, unserved, failures)

}  // namespace models
