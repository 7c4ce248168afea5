// Slots and workers: starts, deaths, reloads, scaling and the end.
#include <gtest/gtest.h>

#include <string>

#include "unit/supervisor/supervisor_world.h"

namespace baton::supervisor::test {
namespace {

TEST(SupervisorMachine, StartsAWorkerForEachSlotAndSaysWhenAllAreReady) {
  World world(limits_for(2));
  world.machine.start(world.now);
  EXPECT_EQ(world.actions(), "start 1@1, start 2@2");
  EXPECT_EQ(world.machine.state(), State::starting);
  world.be_ready(2);
  EXPECT_EQ(world.actions(), "ready 2");
  world.be_ready(1);
  EXPECT_EQ(world.actions(), "ready 1, all ready");
  EXPECT_EQ(world.machine.state(), State::running);
  EXPECT_EQ(world.machine.due(), std::nullopt);
}

TEST(SupervisorMachine, ReplacesAWorkerThatDiedStableAtOnce) {
  World world(limits_for(2));
  world.serve();
  world.wait(1s);
  world.machine.exited(1, world.now);
  EXPECT_EQ(world.actions(), "ended 1 next in 0, start 3@1, sweep 1");
}

TEST(SupervisorMachine, LetsTheSuccessorOfAnUnstableOneWait) {
  World world(limits_for(1));
  world.serve();
  world.wait(999ms);
  world.end(1);
  EXPECT_EQ(world.actions(), "ended 1 next in 100, sweep 1");
  ASSERT_EQ(world.machine.workers().size(), 1U);
  EXPECT_EQ(world.machine.workers()[0].state, WorkerState::backoff);
  world.wait(99ms);
  EXPECT_EQ(world.actions(), "");
  world.wait(1ms);
  EXPECT_EQ(world.actions(), "start 2@1");
  world.be_ready(2);
  world.end(2);
  EXPECT_EQ(world.actions(), "ready 2, ended 2 next in 200, sweep 2");
}

TEST(SupervisorMachine, GivesUpAfterTooManyUnstableDeathsOfOneSlot) {
  MachineLimits limits = limits_for(2);
  limits.restart.deaths = 3;
  limits.restart.longest_wait = 100ms;
  World world(limits);
  world.serve();
  for (WorkerId id : {1U, 3U}) {
    world.end(id);
    world.wait(100ms);
    world.be_ready(id == 1 ? 3 : 4);
  }
  world.actions();
  world.end(4);
  EXPECT_EQ(world.actions(), "ended 4, last call, sweep 4");
  world.machine.nobody_waits(world.now);
  EXPECT_EQ(world.actions(), "tell 2");
  world.end(2);
  EXPECT_EQ(world.actions(), "ended 2, sweep 2, " + over(EndReason::gave_up));
}

TEST(SupervisorMachine, SaysAfterThreeTriesOfEachSlotThatNoWorkerIsEverReady) {
  MachineLimits limits = limits_for(2);
  limits.restart.deaths = 1;
  World world(limits);
  world.machine.start(world.now);
  for (WorkerId first = 1; first < 5; first += 2) {
    world.end(first);
    world.end(first + 1);
    world.wait(1s);
  }
  world.actions();
  world.end(5);
  EXPECT_EQ(world.actions(), "ended 5 next in 400, sweep 5");
  world.end(6);
  EXPECT_EQ(world.actions(), "ended 6, sweep 6, " + over(EndReason::never_ready));
}

TEST(SupervisorMachine, EndsAWorkerThatIsNotReadyInTimeAndTriesAgain) {
  World world(limits_for(1));
  world.machine.start(world.now);
  world.wait(10s);
  EXPECT_EQ(world.actions(), "start 1@1, terminate 1");
  world.end(1);
  EXPECT_EQ(world.actions(), "ended 1 late next in 100, sweep 1");
}

TEST(SupervisorMachine, TriesAgainLaterWhenAStartFailsEvenIfNoDeathIsUnstable) {
  MachineLimits limits = limits_for(1);
  limits.restart.min_uptime = 0s;
  World world(limits);
  world.serve();
  world.end(1);
  world.actions();
  world.machine.start_failed(2, world.now);
  EXPECT_EQ(world.actions(), "ended 2 next in 100");
}

TEST(SupervisorMachine, NeverGivesUpForWantOfProcesses) {
  MachineLimits limits = limits_for(2);
  limits.restart.deaths = 2;
  World world(limits);
  world.serve();
  world.wait(1s);
  world.end(1);
  for (WorkerId id = 3; id < 23; ++id) {
    EXPECT_TRUE(world.actions().contains("start " + std::to_string(id) + "@1"));
    world.machine.start_failed(id, world.now, true);
    world.wait(30s);
  }
  world.be_ready(23);
  EXPECT_TRUE(world.actions().ends_with("ready 23"));
}

TEST(SupervisorMachine, ReloadsOneAfterAnotherAndTellsTheOldOneWhenTheNewOneIsReady) {
  World world(limits_for(2));
  world.serve();
  world.machine.reload(world.now);
  EXPECT_EQ(world.actions(), "reload, start 3@1");
  EXPECT_EQ(world.machine.state(), State::reloading);
  world.be_ready(3);
  EXPECT_EQ(world.actions(), "ready 3, tell 1, start 4@2");
  world.be_ready(4);
  EXPECT_EQ(world.actions(), "ready 4, tell 2, reload done");
  EXPECT_EQ(world.machine.state(), State::running);
  EXPECT_EQ(world.machine.ready_workers(), 2U);
  world.end(1);
  EXPECT_EQ(world.actions(), "ended 1, sweep 1");
}

TEST(SupervisorMachine, TriesTheFirstWorkerOfAReloadBeforeItTellsAnOldOne) {
  MachineLimits limits = limits_for(2);
  limits.trial = 1s;
  World world(limits);
  world.serve();
  world.machine.reload(world.now);
  world.be_ready(3);
  EXPECT_EQ(world.actions(), "reload, start 3@1, ready 3");
  EXPECT_EQ(world.machine.due(), world.now + 1s);
  world.wait(1s);
  EXPECT_EQ(world.actions(), "tell 1, start 4@2");
  world.be_ready(4);
  EXPECT_EQ(world.actions(), "ready 4, tell 2, reload done") << "the others are as it is";
}

TEST(SupervisorMachine, FailsAReloadWhoseFirstWorkerDoesNotLiveOn) {
  MachineLimits limits = limits_for(2);
  limits.trial = 1s;
  World world(limits);
  world.serve();
  world.machine.reload(world.now);
  world.be_ready(3);
  world.actions();
  world.wait(999ms);
  world.end(3);
  EXPECT_EQ(world.actions(), "ended 3, reload failed by 3, sweep 3");
  EXPECT_EQ(world.machine.ready_workers(), 2U);
  world.wait(1h);
  EXPECT_EQ(world.actions(), "");
}

TEST(SupervisorMachine, FailsAReloadWhoseFirstWorkerLeavesByItself) {
  MachineLimits limits = limits_for(1);
  limits.trial = 1s;
  limits.restarts = Restart::on_failure;
  World world(limits);
  world.serve();
  world.machine.reload(world.now);
  world.be_ready(2);
  world.machine.channel_closed(2, world.now);
  world.wait(50ms);
  world.actions();
  world.wait(950ms);
  EXPECT_TRUE(world.actions().starts_with("reload failed by 2"));
  EXPECT_EQ(world.machine.ready_workers(), 1U) << "the old one";
}

TEST(SupervisorMachine, LetsTheOneThatIsTriedTakeThePlaceOfAnOldOneThatDies) {
  MachineLimits limits = limits_for(1);
  limits.trial = 1s;
  World world(limits);
  world.serve();
  world.machine.reload(world.now);
  world.be_ready(2);
  world.end(1);
  EXPECT_EQ(world.actions(), "reload, start 2@1, ready 2, ended 1, sweep 1");
  world.wait(1s);
  EXPECT_EQ(world.actions(), "reload done");
}

TEST(SupervisorMachine, MergesReloadsDuringAReloadIntoOneAfterIt) {
  World world(limits_for(1));
  world.serve();
  for (int i = 0; i < 4; ++i) world.machine.reload(world.now);
  world.be_ready(2);
  EXPECT_EQ(world.actions(), "reload, start 2@1, ready 2, tell 1, reload done, reload");
  world.end(1);
  EXPECT_EQ(world.actions(), "ended 1, start 3@1, sweep 1") << "not before the slot's last one has left";
  world.be_ready(3);
  EXPECT_EQ(world.actions(), "ready 3, tell 2, reload done");
}

TEST(SupervisorMachine, FailsAReloadWhoseWorkerIsNotReadyInTimeAndKeepsTheOldOnes) {
  World world(limits_for(2));
  world.serve();
  world.machine.reload(world.now);
  world.wait(10s);
  EXPECT_EQ(world.actions(), "reload, start 3@1, terminate 3");
  world.end(3);
  EXPECT_EQ(world.actions(), "ended 3 late, reload failed by 3 late, sweep 3");
  EXPECT_EQ(world.machine.ready_workers(), 2U);
  EXPECT_EQ(world.machine.due(), std::nullopt);
}

TEST(SupervisorMachine, ReloadsASlotThatIsInBackOff) {
  World world(limits_for(1));
  world.serve();
  world.end(1);
  world.actions();
  world.machine.reload(world.now);
  EXPECT_EQ(world.actions(), "reload, start 2@1");
  world.end(2);
  EXPECT_EQ(world.actions(), "ended 2 next in 200, reload failed by 2, sweep 2");
}

TEST(SupervisorMachine, EndsAReloadThoughWorkersOfASlotLeaveOneAfterAnotherWithoutEnding) {
  World world(limits_for(2));
  world.serve();
  const auto leave = [&](WorkerId id) {
    world.machine.channel_closed(id, world.now);
    world.wait(50ms);
  };
  world.wait(2s);
  leave(1);
  world.be_ready(3);
  world.wait(3s);
  world.machine.reload(world.now);
  world.machine.scale(1, world.now);
  EXPECT_EQ(world.actions(), "start 3@1, ready 3, terminate 1, reload") << "1 may soon have left";
  leave(3);
  EXPECT_EQ(world.actions(), "") << "two are leaving";
  world.wait(2s);
  world.end(1);
  EXPECT_EQ(world.actions(), "kill 1, terminate 3, ended 1, start 4@1, kill 1");
  world.be_ready(4);
  EXPECT_EQ(world.actions(), "ready 4, start 5@2");
  leave(4);
  world.be_ready(5);
  EXPECT_EQ(world.actions(), "ready 5, tell 2, reload done, scaled to 3, start 6@3")
      << "it goes on beside 3 and 4";
}

TEST(SupervisorMachine, LetsTheNewWorkerTakeTheSlotOfAnOldOneThatDiesDuringTheReload) {
  World world(limits_for(1));
  world.serve();
  world.wait(1s);
  world.machine.reload(world.now);
  world.actions();
  world.end(1);
  EXPECT_EQ(world.actions(), "ended 1, sweep 1");
  world.be_ready(2);
  EXPECT_EQ(world.actions(), "ready 2, reload done");
}

TEST(SupervisorMachine, ScalesByWholeSlotsNeverBelowOne) {
  World world(limits_for(2));
  world.serve();
  world.machine.scale(1, world.now);
  EXPECT_EQ(world.actions(), "scaled to 3, start 3@3");
  world.machine.scale(-1, world.now);
  EXPECT_EQ(world.actions(), "terminate 3, scaled to 2");
  world.machine.scale(-5, world.now);
  EXPECT_EQ(world.actions(), "tell 2, scaled to 1");
  world.machine.scale(-1, world.now);
  EXPECT_EQ(world.actions(), "");
}

TEST(SupervisorMachine, ScalesToANumber) {
  World world(limits_for(2));
  world.serve();
  world.machine.scale_to(3, world.now);
  EXPECT_EQ(world.actions(), "scaled to 3, start 3@3");
  world.machine.scale_to(1, world.now);
  EXPECT_EQ(world.actions(), "terminate 3, tell 2, scaled to 1");
  world.machine.scale_to(1, world.now);
  EXPECT_EQ(world.actions(), "");
}

TEST(SupervisorMachine, ScalesAfterTheReload) {
  World world(limits_for(1));
  world.serve();
  world.machine.reload(world.now);
  world.machine.scale(1, world.now);
  EXPECT_EQ(world.actions(), "reload, start 2@1");
  world.be_ready(2);
  EXPECT_EQ(world.actions(), "ready 2, tell 1, reload done, scaled to 2, start 3@2");
}

TEST(SupervisorMachine, ReplacesOneWorkerAlone) {
  World world(limits_for(2));
  world.serve();
  world.machine.replace(2, world.now);
  EXPECT_EQ(world.actions(), "start 3@2");
  EXPECT_EQ(world.machine.state(), State::running);
  world.be_ready(3);
  EXPECT_EQ(world.actions(), "ready 3, tell 2");
}

TEST(SupervisorMachine, StartsTheSuccessorOfAWorkerThatLeavesByItselfAtOnce) {
  World world(limits_for(1));
  world.serve();
  world.wait(1s);
  world.machine.channel_closed(1, world.now);
  EXPECT_EQ(world.actions(), "");
  world.wait(50ms);
  EXPECT_EQ(world.actions(), "start 2@1");
  world.wait(1s);
  EXPECT_EQ(world.actions(), "terminate 1");
}

TEST(SupervisorMachine, DoesNotFillTheMachineWithWorkersThatOnlyLeave) {
  MachineLimits limits = limits_for(1);
  limits.restart.min_uptime = 0s;
  World world(limits);
  world.serve();
  for (WorkerId id = 1; id < 10; ++id) {
    world.machine.online(id);
    world.machine.channel_closed(id, world.now);
    world.wait(50ms);
  }
  EXPECT_EQ(world.actions(), "start 2@1");
  world.end(1);
  EXPECT_EQ(world.actions(), "ended 1, start 3@1, sweep 1");
}

TEST(SupervisorMachine, KillsTheLeftoversOfTheFirstOfManyLivesOfASlot) {
  World world(limits_for(1));
  world.serve();
  for (WorkerId id = 1; id <= MachineLimits::leftovers; ++id) {
    world.wait(1s);
    world.machine.exited(id, world.now);
    world.be_ready(id + 1);
    EXPECT_FALSE(world.actions().contains("kill"));
  }
  world.machine.exited(MachineLimits::leftovers + 1, world.now);
  EXPECT_TRUE(world.actions().ends_with("sweep 5, kill 1"));
}

TEST(SupervisorMachine, TellsAllWhenItIsStoppedAndIsOverWhenTheyAreGone) {
  World world(limits_for(2));
  world.serve();
  world.machine.reload(world.now);
  world.actions();
  world.machine.stop(world.now);
  EXPECT_EQ(world.actions(), "last call");
  EXPECT_EQ(world.machine.state(), State::draining);
  world.machine.nobody_waits(world.now);
  EXPECT_EQ(world.actions(), "terminate 3, tell 1, tell 2") << "3 has not said a word yet";
  EXPECT_EQ(world.machine.state(), State::draining);
  for (WorkerId id : {1U, 2U, 3U}) world.end(id);
  EXPECT_EQ(world.actions(),
            "ended 1, sweep 1, ended 2, sweep 2, ended 3, sweep 3, " + over(EndReason::stopped));
}

TEST(SupervisorMachine, TellsNobodyBeforeAllAreServedWhoWereLetIn) {
  World world(limits_for(2));
  world.serve();
  world.machine.stop(world.now);
  world.wait(999ms);
  world.end(1);
  EXPECT_EQ(world.actions(), "last call, ended 1, sweep 1") << "no other is started";
  world.wait(1ms);
  EXPECT_EQ(world.actions(), "tell 2") << "somebody waits for ever";
}

TEST(SupervisorMachine, ReplacesAWorkerThatStopsListeningAtOnceAndTellsIt) {
  World world(limits_for(1));
  world.serve();
  world.wait(2s);
  world.machine.stopped_listening(1, world.now);
  world.wait(50ms);
  EXPECT_EQ(world.actions(), "retires 1, tell 1, start 2@1");
  EXPECT_EQ(world.machine.ready_workers(), 0U);
  world.be_ready(2);
  world.end(1);
  EXPECT_EQ(world.actions(), "ready 2, ended 1, sweep 1");
}

TEST(SupervisorMachine, ServesOnDuringTheDrainDelay) {
  MachineLimits limits = limits_for(1);
  limits.drain_delay = 3s;
  World world(limits);
  world.serve();
  world.wait(1s);
  world.machine.stop(world.now);
  EXPECT_EQ(world.machine.state(), State::draining);
  world.machine.reload(world.now);
  EXPECT_EQ(world.actions(), "");
  world.end(1);
  EXPECT_EQ(world.actions(), "ended 1 next in 0, start 2@1, sweep 1");
  world.be_ready(2);
  world.wait(3s);
  EXPECT_EQ(world.actions(), "ready 2, last call");
}

TEST(SupervisorMachine, KillsEverythingWhenItIsTold) {
  World world(limits_for(2));
  world.serve();
  world.machine.exited(2, world.now);
  world.actions();
  world.machine.stop(world.now);
  EXPECT_EQ(world.actions(), "last call");
  world.machine.kill(world.now);
  EXPECT_EQ(world.actions(), "kill 1, kill 2");
  world.machine.gone(2, world.now);
  world.end(1);
  EXPECT_EQ(world.actions(), "ended 1, kill 1, " + over(EndReason::killed));
}

TEST(SupervisorMachine, IsOverAtOnceWhenItNeverBegan) {
  World world(limits_for(2));
  world.machine.stop(world.now);
  EXPECT_EQ(world.actions(), over(EndReason::stopped));
}

}  // namespace
}  // namespace baton::supervisor::test
