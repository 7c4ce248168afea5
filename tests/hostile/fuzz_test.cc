// Frames that are right, nearly right and wrong, with descriptors of every kind beside them, against the
// primary of `baton run`: what the fuzz targets do to the machines, done to the process.
#include <algorithm>
#include <csignal>
#include <random>
#include <string>

#include "hostile/hostile.h"

namespace baton::test {
namespace {

constexpr double fuzzed_descriptors = 320;  // what its listeners and unread handles may be, and its own
constexpr double fuzzed_memory = 96;        // MiB

class Fuzzer : public Hostile {};

TEST_F(Fuzzer, WithDescriptorsOfEveryKindCostsOneWorkerAndNothingElse) {
  const unsigned seed = whole() ? std::random_device()() % 1'000'000 : 1;
  const int lives = whole() ? 100 : 4;
  SCOPED_TRACE("seed " + std::to_string(seed));
  const std::string address =
      start_listening(Words{"-i", "2", "--listen", "127.0.0.1:0", "--min-uptime", "0", "--max-restarts", "0",
                            "--backoff", "1ms..10ms"} +
                      Words{worker("fuzzer.py"), std::to_string(seed), whole() ? "2000" : "300"});
  double most_descriptors = 0;
  double most_memory = 0;
  for (int life = 0; life < lives; ++life) {
    printed("[1] done");
    ASSERT_EQ(body_of(ask(port_of(address))), "healthy\n");
    most_descriptors = std::max(most_descriptors, descriptors(program.pid()));
    most_memory = std::max(most_memory, memory(program.pid()));
  }
  if (!sanitized())
    expect_within("random frames with random descriptors: memory", most_memory, fuzzed_memory, "MiB");
  expect_within("random frames with random descriptors: descriptors", most_descriptors, fuzzed_descriptors,
                "");
  EXPECT_EQ(end(SIGTERM), "exit 0");
}

}  // namespace
}  // namespace baton::test
