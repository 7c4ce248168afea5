// Programs of any kind: what counts as ready, who is started again, and who cannot live beside another.
#include <gtest/gtest.h>

#include <string>

#include "unit/supervisor/supervisor_world.h"

namespace baton::supervisor::test {
namespace {

// --- what counts as ready

MachineLimits with_any_program(unsigned workers) {
  MachineLimits limits = limits_for(workers);
  limits.life.ready_when_alive = limits.life.listen_timeout;
  return limits;
}

TEST(SupervisorOfPrograms, TakesWhoIsAliveForReadyWhenItsTimeIsUpIfThereIsNothingBetter) {
  World world(with_any_program(1));
  world.machine.start(world.now);
  world.wait(10s);
  EXPECT_EQ(world.actions(), "start 1@1, ready 1 as it lives, all ready");
  world.wait(1s);
  world.end(1);
  world.wait(10s);
  EXPECT_EQ(world.actions(), "ended 1 next in 0, start 2@1, sweep 1, ready 2 as it lives");
}

TEST(SupervisorOfPrograms, TakesNothingWorseOnceAWorkerOfItsSlotWasReadyByMore) {
  World world(with_any_program(1));
  world.serve();
  world.machine.reload(world.now);
  world.wait(10s);
  EXPECT_EQ(world.actions(), "reload, start 2@1, terminate 2");
  world.end(2);
  EXPECT_EQ(world.actions(), "ended 2 late, reload failed by 2 late, sweep 2");
}

TEST(SupervisorOfPrograms, TakesNothingWorseInANewSlotThanWhatAnotherOneShowed) {
  World world(with_any_program(1));
  world.serve();
  world.machine.scale(1, world.now);
  world.wait(10s);
  EXPECT_EQ(world.actions(), "scaled to 2, start 2@2, terminate 2");
}

TEST(SupervisorOfPrograms, TakesWhoIsAliveForReadyInANewSlotWhereOneAloneOfSomeShowedMore) {
  World world(with_any_program(2));
  world.machine.start(world.now);
  world.be_ready(1);
  world.wait(10s);
  world.actions();
  world.machine.scale(1, world.now);
  world.wait(10s);
  EXPECT_EQ(world.actions(), "scaled to 3, start 3@3, ready 3 as it lives");
}

TEST(SupervisorOfPrograms, LetsASlotThatHasOnlyEverBeenAliveBeReadySoAgain) {
  World world(with_any_program(2));
  world.machine.start(world.now);
  world.be_ready(1);
  world.wait(10s);
  EXPECT_EQ(world.actions(), "start 1@1, start 2@2, ready 1, ready 2 as it lives, all ready");
  world.wait(1s);
  world.end(2);
  world.wait(10s);
  EXPECT_EQ(world.actions(), "ended 2 next in 0, start 3@2, sweep 2, ready 3 as it lives");
}

TEST(SupervisorOfPrograms, LearnsOfAWorkerThatWasBelievedAndShowsMoreLater) {
  World world(with_any_program(1));
  world.machine.start(world.now);
  world.wait(10s);
  world.machine.ready(1, Sign::notify, world.now);
  world.actions();
  world.machine.reload(world.now);
  world.wait(10s);
  EXPECT_EQ(world.actions(), "reload, start 2@1, terminate 2");
}

TEST(SupervisorOfPrograms, TakesOnlyWhatIsAskedForWhereItIsStrict) {
  const std::pair<Ready, Sign> strict[] = {{Ready::notify, Sign::notify},
                                           {Ready::listening, Sign::listening},
                                           {Ready::message, Sign::message},
                                           {Ready::probe, Sign::probe}};
  for (const auto& [rule, sign] : strict) {
    MachineLimits limits = limits_for(1);
    limits.ready = rule;
    World world(limits);
    world.machine.start(world.now);
    for (const Sign other : {Sign::notify, Sign::listening, Sign::message, Sign::probe, Sign::own_port}) {
      if (other != sign) world.be_ready(1, other);
    }
    EXPECT_EQ(world.actions(), "start 1@1");
    world.be_ready(1, sign);
    EXPECT_EQ(world.actions(), "ready 1, all ready");
  }
}

TEST(SupervisorOfPrograms, TakesTheSuccessorOfWhoListensByItselfForReadyWhenItDoesSoToo) {
  World world(with_any_program(1));
  world.machine.start(world.now);
  world.wait(10s);
  EXPECT_FALSE(world.machine.awaits_port(1));
  world.machine.holds_port(1, true);
  world.wait(1s);
  world.end(1);
  EXPECT_TRUE(world.machine.awaits_port(2));
  world.actions();
  world.be_ready(2, Sign::own_port);
  EXPECT_EQ(world.actions(), "ready 2");
  world.wait(1s);
  world.end(2);
  world.actions();
  world.wait(10s);
  EXPECT_EQ(world.actions(), "terminate 3") << "alive is less than what was";
  world.end(3);
  world.wait(1s);
  EXPECT_FALSE(world.machine.awaits_port(4)) << "it may listen elsewhere from now on";
  world.wait(10s);
  EXPECT_TRUE(world.actions().ends_with("ready 4 as it lives"));
}

// --- who is started again

MachineLimits with_restart(Restart who, unsigned workers) {
  MachineLimits limits = limits_for(workers);
  limits.restarts = who;
  return limits;
}

TEST(SupervisorOfPrograms, IsFinishedWhenEveryWorkerHasEndedWellAndNoneIsStartedAgain) {
  for (const Restart who : {Restart::on_failure, Restart::never}) {
    World world(with_restart(who, 2));
    world.serve();
    world.end(1, false);
    EXPECT_EQ(world.actions(), "ended 1, sweep 1");
    EXPECT_EQ(world.machine.workers()[0].state, WorkerState::done);
    world.end(2, false);
    EXPECT_EQ(world.actions(), "ended 2, sweep 2, " + over(EndReason::finished));
  }
}

TEST(SupervisorOfPrograms, CountsNoEndWithSuccessAsAFailedStart) {
  World world(with_restart(Restart::on_failure, 1));
  world.machine.start(world.now);
  world.end(1, false);
  EXPECT_EQ(world.actions(), "start 1@1, ended 1, sweep 1, " + over(EndReason::finished));
}

TEST(SupervisorOfPrograms, GivesUpAfterThreeTriesOfThoseThatHaveNotFinished) {
  World world(with_restart(Restart::on_failure, 2));
  world.machine.start(world.now);
  world.end(1, false);
  for (WorkerId id = 2; id <= 4; ++id) {
    world.actions();
    world.end(id);
    world.wait(5s);
  }
  EXPECT_EQ(world.actions(), "ended 4, sweep 4, " + over(EndReason::never_ready));
}

TEST(SupervisorOfPrograms, SaysThatAllAreReadyWhenTheRestHasFinished) {
  World world(with_restart(Restart::never, 2));
  world.machine.start(world.now);
  world.end(1, false);
  world.be_ready(2);
  EXPECT_EQ(world.actions(), "start 1@1, start 2@2, ended 1, sweep 1, ready 2, all ready");
}

TEST(SupervisorOfPrograms, StartsAgainWhoFailedAndNobodyElse) {
  World world(with_restart(Restart::on_failure, 1));
  world.serve();
  world.wait(1s);
  world.end(1);
  EXPECT_EQ(world.actions(), "ended 1 next in 0, start 2@1, sweep 1");
}

TEST(SupervisorOfPrograms, HasFailedWhenAWorkerFailedThatIsNotStartedAgain) {
  World world(with_restart(Restart::never, 2));
  world.serve();
  world.end(1);
  world.end(2, false);
  EXPECT_EQ(world.actions(), "ended 1, sweep 1, ended 2, sweep 2, " + over(EndReason::failed));
  EXPECT_EQ(world.machine.ends_because(), 1U);
}

TEST(SupervisorOfPrograms, WaitsForTheEndOfWhoLeavesByItselfBeforeItIsStartedAgain) {
  World world(with_restart(Restart::on_failure, 1));
  world.serve();
  world.wait(1s);
  world.machine.channel_closed(1, world.now);
  world.wait(50ms);
  EXPECT_EQ(world.actions(), "");
  world.end(1, false);
  EXPECT_EQ(world.actions(), "ended 1, sweep 1, " + over(EndReason::finished));
}

TEST(SupervisorOfPrograms, ReloadsWhoIsLeftAndNobodyWhoHasFinished) {
  World world(with_restart(Restart::never, 2));
  world.serve();
  world.end(1, false);
  world.actions();
  world.machine.reload(world.now);
  EXPECT_EQ(world.actions(), "reload, start 3@2");
  world.be_ready(3);
  EXPECT_EQ(world.actions(), "ready 3, tell 2, reload done");
}

// --- two that cannot live beside one another

TEST(SupervisorOfPrograms, StopsTheOldWorkerFirstWhereItHoldsItsPort) {
  World world(limits_for(1));
  world.serve();
  world.machine.holds_port(1, true);
  world.machine.reload(world.now);
  EXPECT_EQ(world.actions(), "reload, tell 1");
  world.machine.exited(1, world.now);
  EXPECT_EQ(world.actions(), "ended 1, sweep 1") << "a descendant may hold the port";
  world.machine.gone(1, world.now);
  EXPECT_EQ(world.actions(), "start 2@1");
  EXPECT_TRUE(world.machine.reload_running());
  world.be_ready(2);
  EXPECT_EQ(world.actions(), "ready 2, reload done");
}

TEST(SupervisorOfPrograms, StopsOneAfterAnotherFirstWhereThatIsAskedFor) {
  MachineLimits limits = limits_for(2);
  limits.reload = Reload::stop_first;
  World world(limits);
  world.serve();
  world.machine.reload(world.now);
  EXPECT_EQ(world.actions(), "reload, tell 1");
  world.end(1);
  EXPECT_EQ(world.actions(), "ended 1, sweep 1, start 3@1");
  world.be_ready(3);
  EXPECT_EQ(world.actions(), "ready 3, tell 2");
  world.end(2);
  world.be_ready(4);
  EXPECT_EQ(world.actions(), "ended 2, sweep 2, start 4@2, ready 4, reload done");
}

TEST(SupervisorOfPrograms, LetsThemOverlapWhereThatIsAskedForWhoeverHoldsAPort) {
  MachineLimits limits = limits_for(1);
  limits.reload = Reload::overlap;
  World world(limits);
  world.serve();
  world.machine.holds_port(1, true);
  world.machine.reload(world.now);
  EXPECT_EQ(world.actions(), "reload, start 2@1");
}

TEST(SupervisorOfPrograms, TriesAgainWhenTheOneThatCameAfterTheOldOneFails) {
  MachineLimits limits = limits_for(1);
  limits.reload = Reload::stop_first;
  World world(limits);
  world.serve();
  world.machine.reload(world.now);
  world.end(1);
  world.actions();
  world.end(2);
  EXPECT_EQ(world.actions(), "ended 2 next in 100, reload failed by 2, sweep 2");
  world.wait(100ms);
  EXPECT_EQ(world.actions(), "start 3@1");
}

}  // namespace
}  // namespace baton::supervisor::test
