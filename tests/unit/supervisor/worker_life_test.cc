#include "supervisor/worker_life.h"

#include <gtest/gtest.h>

namespace baton::supervisor {
namespace {

using namespace std::chrono_literals;
using Do = WorkerLife::Do;
using Stage = WorkerLife::Stage;

constexpr LifeLimits limits{.listen_timeout = 10s, .kill_timeout = 5s, .ready_when_alive = {}};

WorkerLife ready_worker() {
  WorkerLife life(limits, 0s);
  life.online();
  EXPECT_EQ(life.ready(1s), Do::become_ready);
  return life;
}

TEST(WorkerLife, IsReadyOnce) {
  WorkerLife life = ready_worker();
  EXPECT_EQ(life.ready(2s), Do::nothing);
  EXPECT_EQ(life.uptime(4s), 3s);
  EXPECT_EQ(life.due(), std::nullopt);
}

TEST(WorkerLife, IsKilledWhenItIsNotReadyInTime) {
  WorkerLife life(limits, 0s);
  EXPECT_EQ(life.due(), 10s);
  EXPECT_EQ(life.tick(9s), Do::nothing);
  EXPECT_EQ(life.tick(10s), Do::kill_tree);
  EXPECT_TRUE(life.late());
  EXPECT_EQ(life.ready(10s), Do::nothing);
  EXPECT_LT(life.uptime(11s), 0s);
}

TEST(WorkerLife, IsReadyByBeingAliveWhereThatCounts) {
  LifeLimits alive = limits;
  alive.ready_when_alive = 1s;
  WorkerLife life(alive, 0s);
  EXPECT_EQ(life.due(), 1s);
  EXPECT_EQ(life.tick(1s), Do::become_ready);
  EXPECT_EQ(life.stage(), Stage::ready);
}

TEST(WorkerLife, IsToldByMessageIfItSpeaksTheProtocol) {
  WorkerLife life = ready_worker();
  EXPECT_EQ(life.tell(2s), Do::tell);
  EXPECT_EQ(life.tell(3s), Do::nothing);
  EXPECT_EQ(life.due(), 7s);
}

TEST(WorkerLife, IsToldBySignalIfItDoesNot) {
  WorkerLife life(limits, 0s);
  EXPECT_EQ(life.tell(2s), Do::terminate);
  life.channel_closed(2s);
  EXPECT_EQ(life.due(), 7s) << "no second SIGTERM";
  EXPECT_EQ(life.tick(4s), Do::nothing);
}

TEST(WorkerLife, IsToldBySignalWhereNobodyHearsTheMessage) {
  WorkerLife life = ready_worker();
  life.channel_closed(2s);
  EXPECT_EQ(life.tell(3s), Do::terminate);
}

TEST(WorkerLife, GetsSigtermASecondAfterItsChannelHasClosed) {
  WorkerLife life = ready_worker();
  (void)life.tell(2s);
  life.channel_closed(3s);
  EXPECT_EQ(life.due(), 4s);
  EXPECT_EQ(life.tick(3999ms), Do::nothing);
  EXPECT_EQ(life.tick(4s), Do::terminate);
  EXPECT_EQ(life.tick(4s), Do::nothing);
  EXPECT_EQ(life.due(), 7s);
}

TEST(WorkerLife, IsKilledWithItsTreeWhenTheTimeIsUp) {
  WorkerLife life = ready_worker();
  (void)life.tell(2s);
  EXPECT_EQ(life.tick(7s), Do::kill_tree);
  EXPECT_EQ(life.due(), std::nullopt);
  EXPECT_EQ(life.exited(7s), Do::kill_tree) << "what was forked meanwhile";
}

TEST(WorkerLife, LeavesByItselfWhenItsChannelIsClosedAndItLivesOn) {
  WorkerLife life = ready_worker();
  life.channel_closed(2s);
  EXPECT_EQ(life.due(), 2050ms);
  EXPECT_EQ(life.tick(2050ms), Do::leave);
  EXPECT_EQ(life.tick(3050ms), Do::terminate);
  EXPECT_EQ(life.tick(7050ms), Do::kill_tree);
}

TEST(WorkerLife, MayCloseAChannelThatItDoesNotKnow) {
  WorkerLife life(limits, 0s);
  (void)life.ready(1s);
  life.channel_closed(2s);
  EXPECT_EQ(life.due(), std::nullopt);
  EXPECT_EQ(life.tick(3s), Do::nothing);
}

TEST(WorkerLife, LeavesBehindWhatIsSweptAndThenKilled) {
  WorkerLife life = ready_worker();
  EXPECT_EQ(life.exited(2s), Do::sweep);
  EXPECT_EQ(life.exited(2s), Do::nothing);
  EXPECT_EQ(life.due(), 7s);
  EXPECT_EQ(life.tick(7s), Do::kill_tree);
  EXPECT_EQ(life.due(), std::nullopt);
}

TEST(WorkerLife, SweepsOnlyUntilTheDeadlineThatItWasGiven) {
  WorkerLife life = ready_worker();
  (void)life.tell(2s);
  EXPECT_EQ(life.exited(6s), Do::sweep);
  EXPECT_EQ(life.due(), 7s);
}

TEST(WorkerLife, CanBeKilledAtAnyTime) {
  WorkerLife life = ready_worker();
  EXPECT_EQ(life.kill(2s), Do::kill_tree);
  EXPECT_EQ(life.kill(2s), Do::nothing);
  WorkerLife left_over = ready_worker();
  (void)left_over.exited(2s);
  EXPECT_EQ(left_over.kill(2s), Do::kill_tree);
  EXPECT_EQ(left_over.due(), std::nullopt);
}

}  // namespace
}  // namespace baton::supervisor
