#include "supervisor/worker_life.h"

#include <gtest/gtest.h>

namespace baton::supervisor {
namespace {

using namespace std::chrono_literals;
using Do = WorkerLife::Do;
using Stage = WorkerLife::Stage;

constexpr LifeLimits life_limits{.listen_timeout = 10s, .kill_timeout = 5s, .ready_when_alive = {}};

WorkerLife ready_worker() {
  WorkerLife life(life_limits, 0s);
  life.online();
  EXPECT_EQ(life.ready(Sign::listening, 1s), Do::become_ready);
  return life;
}

TEST(WorkerLife, IsReadyOnce) {
  WorkerLife life = ready_worker();
  EXPECT_EQ(life.ready(Sign::listening, 2s), Do::nothing);
  EXPECT_EQ(life.uptime(4s), 3s);
  EXPECT_EQ(life.due(), std::nullopt);
}

TEST(WorkerLife, IsEndedWhenItIsNotReadyInTime) {
  WorkerLife life(life_limits, 0s);
  EXPECT_EQ(life.due(), 10s);
  EXPECT_EQ(life.tick(9s), Do::nothing);
  EXPECT_EQ(life.tick(10s), Do::terminate);
  EXPECT_TRUE(life.late());
  EXPECT_EQ(life.ready(Sign::listening, 10s), Do::nothing);
  EXPECT_EQ(life.due(), 11s);
  EXPECT_EQ(life.tick(11s), Do::kill_tree);
  EXPECT_LT(life.uptime(11s), 0s);
}

TEST(WorkerLife, IsReadyByBeingAliveWhereThatCounts) {
  LifeLimits alive = life_limits;
  alive.ready_when_alive = 1s;
  WorkerLife life(alive, 0s);
  EXPECT_EQ(life.due(), 1s);
  EXPECT_EQ(life.tick(1s), Do::become_ready);
  EXPECT_EQ(life.stage(), Stage::ready);
  EXPECT_EQ(life.ready_by(), Sign::alive);
}

TEST(WorkerLife, IsReadyByBeingAliveWhenTheTimeIsUpThatItHadForMore) {
  LifeLimits alive = life_limits;
  alive.ready_when_alive = life_limits.listen_timeout;
  WorkerLife life(alive, 0s);
  EXPECT_EQ(life.tick(10s), Do::become_ready);
  EXPECT_FALSE(life.late());
}

TEST(WorkerLife, IsNeverTooLateAndNeverKilledForTimeWhereZeroSaysSo) {
  LifeLimits never = life_limits;
  never.listen_timeout = never.kill_timeout = 0s;
  WorkerLife life(never, 0s);
  EXPECT_EQ(life.due(), std::nullopt);
  EXPECT_EQ(life.tick(1000h), Do::nothing);
  life.online();
  EXPECT_EQ(life.tell(1000h), Do::tell);
  EXPECT_EQ(life.due(), std::nullopt);
  life.channel_closed(1000h);
  EXPECT_EQ(life.tick(1000h + 1s), Do::terminate);
  EXPECT_EQ(life.due(), std::nullopt);
  EXPECT_EQ(life.tick(2000h), Do::nothing);
  EXPECT_EQ(life.exited(2000h), Do::sweep);
  EXPECT_EQ(life.due(), std::nullopt) << "what it leaves behind has the same time";
}

TEST(WorkerLife, IsToldByMessageIfItSpeaksTheProtocol) {
  WorkerLife life = ready_worker();
  EXPECT_EQ(life.tell(2s), Do::tell);
  EXPECT_EQ(life.tell(3s), Do::nothing);
  EXPECT_EQ(life.due(), 6s);
}

TEST(WorkerLife, GetsSigtermBeforeItIsKilled) {
  WorkerLife life = ready_worker();
  (void)life.tell(2s);
  EXPECT_EQ(life.tick(5999ms), Do::nothing);
  EXPECT_EQ(life.tick(6s), Do::terminate) << "a fifth of the time before";
  EXPECT_EQ(life.tick(7s), Do::kill_tree);

  LifeLimits patient = life_limits;
  patient.kill_timeout = 60s;
  WorkerLife other(patient, 0s);
  other.online();
  (void)other.tell(0s);
  EXPECT_EQ(other.due(), 58s) << "2 s are enough for everybody";
}

TEST(WorkerLife, GetsNoSecondSigtermIfItWasToldByOne) {
  WorkerLife life = ready_worker();
  (void)life.tell(2s);
  life.signalled();
  life.channel_closed(3s);
  EXPECT_EQ(life.due(), 7s);
}

TEST(WorkerLife, IsToldBySignalIfItDoesNot) {
  WorkerLife life(life_limits, 0s);
  EXPECT_EQ(life.tell(2s), Do::terminate);
  life.channel_closed(2s);
  EXPECT_EQ(life.due(), 7s) << "no second SIGTERM";
  EXPECT_EQ(life.tick(4s), Do::nothing);
}

TEST(WorkerLife, IsToldByTheUsersSignalAloneAndGetsSigtermBeforeItIsKilled) {
  LifeLimits limits = life_limits;
  limits.own_signal = true;
  WorkerLife life(limits, 0s);
  EXPECT_EQ(life.tell(2s), Do::terminate);
  life.channel_closed(2s);
  EXPECT_EQ(life.due(), 6s) << "it may take its time until then";
  EXPECT_EQ(life.tick(6s), Do::terminate);
  EXPECT_EQ(life.due(), 7s);

  WorkerLife online(limits, 0s);
  online.online();
  EXPECT_EQ(online.tell(2s), Do::tell);
  online.channel_closed(3s);
  EXPECT_EQ(online.due(), 6s);
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
  (void)life.tick(6s);
  EXPECT_EQ(life.tick(7s), Do::kill_tree);
  EXPECT_EQ(life.due(), std::nullopt);
  EXPECT_EQ(life.exited(7s), Do::kill_tree) << "what was forked meanwhile";
}

TEST(WorkerLife, RetiresWhenItListensNoMore) {
  WorkerLife life = ready_worker();
  life.stopped_listening(3s);
  EXPECT_EQ(life.due(), 3050ms);
  EXPECT_EQ(life.tick(3050ms), Do::retire);
  EXPECT_EQ(life.tell(3050ms), Do::tell);
  EXPECT_EQ(life.tick(3060ms), Do::nothing);
}

TEST(WorkerLife, GoesOnWhereItListensAgainOrWasOnlyLookingForAPort) {
  WorkerLife life = ready_worker();
  life.stopped_listening(3s);
  life.listens();
  EXPECT_EQ(life.due(), std::nullopt);
  WorkerLife young = ready_worker();
  young.stopped_listening(1500ms);
  EXPECT_EQ(young.due(), std::nullopt);
  WorkerLife other(life_limits, 0s);
  other.online();
  (void)other.ready(Sign::notify, 1s);
  other.stopped_listening(5s);
  EXPECT_EQ(other.due(), std::nullopt) << "it serves by something else";
}

TEST(WorkerLife, IsReadyElsewhereWhenItHasNoTimeLeftForMore) {
  WorkerLife life(life_limits, 0s);
  life.online();
  life.listens_elsewhere();
  EXPECT_EQ(life.tick(9s), Do::nothing);
  EXPECT_EQ(life.tick(10s), Do::become_ready);
  EXPECT_FALSE(life.late());
}

TEST(WorkerLife, HasItsTimeAfterSigtermHoweverLateWeAre) {
  WorkerLife life = ready_worker();
  (void)life.tell(2s);
  EXPECT_EQ(life.tick(100s), Do::terminate);
  EXPECT_EQ(life.due(), 101s);
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
  WorkerLife life(life_limits, 0s);
  (void)life.ready(Sign::listening, 1s);
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
