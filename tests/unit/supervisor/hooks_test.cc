// Hooks of a supervisor that throw.

#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "baton/supervisor/supervisor.h"
#include "baton/wire/json.h"

namespace baton::supervisor {
namespace {

class SupervisorHooks : public testing::Test {
 protected:
  static Options shell(const std::string& script) {
    Options options("/bin/sh");
    options.fork(ForkOptions().args({"-c", script})).adopt_orphans(false).capture_output();
    return options;
  }
  /// Runs a process that supervises so until the end comes.
  template <class Prepare>
  int supervise(Options options, Prepare prepare) {
    const auto parent = [&](Process& self) {
      self.loop().on_uncaught([this](const std::exception_ptr&) { ++caught; });
      service.emplace(self, std::move(options));
      prepare(self, *service);
      service->start();
    };
    std::string name = "parent";
    char* arguments[] = {name.data(), nullptr};
    std::vector<Entry> entries;
    entries.emplace_back("parent", parent);
    const int code = run(1, arguments, std::move(entries));
    service.reset();
    return code;
  }

  std::optional<Supervisor> service;
  std::vector<std::string> told;
  int caught = 0;
};

TEST_F(SupervisorHooks, ThatThrowLoseNoEventAndNotTheEnd) {
  const auto note = [&](std::string what) {
    told.push_back(std::move(what));
    throw std::runtime_error("each");
  };
  const int code = supervise(shell("echo here; sleep 1000"), [&](Process& self, Supervisor& of) {
    of.on_event([&](const Event& event) { note(std::string(name_of(event.kind()))); });
    of.on_output([&](const OutputLine& line) {
      of.kill();
      note(std::string(line.text()));
    });
    of.on_end([&](const End&) {
      self.exit(7);
      note("end");
    });
  });
  EXPECT_EQ(code, 7);
  EXPECT_EQ(told, (std::vector<std::string>{"worker_started", "here", "killing", "worker_exited", "end"}));
  EXPECT_EQ(caught, 5);
}

TEST_F(SupervisorHooks, ABeforeStartThatThrowsIsAFailedStart) {
  std::string why;
  const int code =
      supervise(shell("exit 0").before_start([](SpawnOptions&) { throw std::runtime_error("no such user"); }),
                [&](Process& self, Supervisor& of) {
                  of.on_end([&](const End& end) {
                    why = end.text();
                    self.exit(7);
                  });
                });
  EXPECT_EQ(code, 7);
  EXPECT_EQ(why, "start /bin/sh: no such user: an exception that nobody caught");
  EXPECT_EQ(caught, 0);
}

TEST_F(SupervisorHooks, MeetEachWorkerAfterItsStartAndHearWhatItSays) {
  const int code =
      supervise(shell("echo '{\"topic\":1}' >&$NODE_CHANNEL_FD; sleep 1000")
                    .after_start([&](cluster::WorkerProcess& worker) {
                      told.push_back("met " + std::to_string(worker.slot()));
                      worker.on_message([&](const Message& message) {
                        told.push_back(to_json(message.value()));
                        service->kill();
                      });
                      throw std::runtime_error("it goes on");
                    }),
                [&](Process& self, Supervisor& of) { of.on_end([&](const End&) { self.exit(7); }); });
  EXPECT_EQ(code, 7);
  EXPECT_EQ(told, (std::vector<std::string>{"met 1", R"({"topic":1})"}));
  EXPECT_EQ(caught, 1);
}

}  // namespace
}  // namespace baton::supervisor
