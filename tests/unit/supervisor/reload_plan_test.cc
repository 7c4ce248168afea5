#include "supervisor/reload_plan.h"

#include <gtest/gtest.h>

namespace baton::supervisor {
namespace {

using Next = ReloadPlan::Next;

ReloadPlan reloading(const std::deque<unsigned>& slots = {1, 2}) {
  ReloadPlan plan;
  plan.ask_reload();
  plan.begin_reload(slots);
  return plan;
}

TEST(ReloadPlan, TakesTheSlotsInTheirTurn) {
  ReloadPlan plan = reloading();
  EXPECT_EQ(plan.slot(), 1U);
  plan.slot_done();
  EXPECT_EQ(plan.slot(), 2U);
  plan.slot_done();
  EXPECT_EQ(plan.slot(), std::nullopt);
  plan.end();
  EXPECT_EQ(plan.next(), Next::nothing);
}

TEST(ReloadPlan, MergesReloadsThatCameDuringOne) {
  ReloadPlan plan = reloading();
  for (int i = 0; i < 5; ++i) plan.ask_reload();
  EXPECT_EQ(plan.next(), Next::nothing);
  plan.end();
  EXPECT_EQ(plan.next(), Next::reload);
  plan.begin_reload({1, 2});
  plan.end();
  EXPECT_EQ(plan.next(), Next::nothing);
}

TEST(ReloadPlan, ScalesAfterTheReloadsThatWereDueThenAndBeforeLaterOnes) {
  ReloadPlan plan = reloading();
  plan.ask_reload();
  plan.ask_scale(1);
  plan.end();
  EXPECT_EQ(plan.next(), Next::reload);
  plan.begin_reload({1});
  plan.ask_reload();
  plan.end();
  EXPECT_EQ(plan.next(), Next::scale);
  EXPECT_EQ(plan.take_scale().apply(1), 2U);
  EXPECT_EQ(plan.next(), Next::reload);
}

TEST(ReloadPlan, ReplacesASingleSlotOnceUnlessAReloadIncludesIt) {
  ReloadPlan plan;
  plan.ask_replacement(2);
  plan.ask_replacement(2);
  plan.ask_replacement(3);
  EXPECT_EQ(plan.next(), Next::replacement);
  plan.begin_replacement();
  EXPECT_EQ(plan.slot(), 2U);
  EXPECT_FALSE(plan.reloading());
  plan.ask_reload();
  plan.ask_replacement(4);
  plan.end();
  EXPECT_EQ(plan.next(), Next::reload);
  plan.begin_reload({1, 2, 3, 4});
  plan.ask_replacement(3);
  plan.end();
  EXPECT_EQ(plan.next(), Next::nothing);
}

TEST(ScaleRequest, AddsUpAsIfEachHadBeenCarriedOut) {
  ScaleRequest request;
  EXPECT_TRUE(request.empty());
  for (const int by : {-1, -1, -1, 1, 1}) request.add(by);
  EXPECT_EQ(request.apply(2), 3U);
  EXPECT_EQ(request.apply(10), 9U);
  ScaleRequest down;
  down.add(-5);
  EXPECT_EQ(down.apply(3), 1U);
}

TEST(ScaleRequest, ForgetsWhatCameBeforeANumber) {
  ScaleRequest request;
  request.add(5);
  request.set(4);
  EXPECT_FALSE(request.empty());
  EXPECT_EQ(request.apply(1), 4U);
  request.add(-2);
  EXPECT_EQ(request.apply(9), 2U);
  request.add(-9);
  EXPECT_EQ(request.apply(9), 1U);
}

}  // namespace
}  // namespace baton::supervisor
