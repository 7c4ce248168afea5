// Which address of a name is tried when, without a socket.

#include "net/address_race.h"

#include <gtest/gtest.h>

#include <optional>
#include <random>
#include <string>
#include <vector>

namespace baton::net {
namespace {

using namespace std::chrono_literals;
using Number = std::optional<std::size_t>;

TEST(AddressRaceTest, TriesTheNextAddressWhenTheOneBeforeHasHadItsHeadStart) {
  AddressRace race(2);
  EXPECT_EQ(race.next(10ms), Number(0));
  EXPECT_EQ(race.next(10ms), Number());
  EXPECT_EQ(race.due(), std::optional<AddressRace::Time>(260ms));
  EXPECT_EQ(race.next(259ms), Number());
  EXPECT_EQ(race.next(260ms), Number(1));
  EXPECT_EQ(race.due(), std::nullopt) << "all were tried";
  race.failed(300ms);
  EXPECT_FALSE(race.lost()) << "the other one may still answer";
  race.failed(400ms);
  EXPECT_TRUE(race.lost());
}

TEST(AddressRaceTest, TriesTheNextAddressAtOnceWhenOneHasFailed) {
  AddressRace race(3);
  EXPECT_EQ(race.next(0ms), Number(0));
  race.failed(1ms);
  EXPECT_EQ(race.next(1ms), Number(1));
  EXPECT_EQ(race.next(1ms), Number()) << "that one has its own head start";
  EXPECT_EQ(race.due(), std::optional<AddressRace::Time>(251ms));
}

TEST(AddressRaceTest, AnAddressIsTriedOnceAndAtMostOneEachHeadStartWhileNoneFails) {
  std::minstd_rand random(1);
  for (int life = 0; life < 1000; ++life) {
    const std::size_t addresses = 1 + random() % 16;
    AddressRace race(addresses);
    AddressRace::Time now{0};
    std::size_t tried = 0;
    std::size_t failed = 0;
    while (!race.lost()) {
      while (const auto number = race.next(now)) ASSERT_EQ(*number, tried++);
      ASSERT_LE(tried, addresses);
      // One at once, one for each failure, one for each head start.
      ASSERT_LE(tried, 1 + failed + static_cast<std::size_t>(now / AddressRace::head_start));
      const bool fails = failed < tried && (tried == addresses || random() % 2 == 0);
      now += std::chrono::milliseconds(random() % 300);
      if (!fails) continue;
      race.failed(now);
      ++failed;
    }
    ASSERT_EQ(tried, addresses);
  }
}

std::string in_turn(const std::vector<std::string>& addresses) {
  std::vector<Endpoint> endpoints;
  for (const std::string& each : addresses) endpoints.emplace_back(each, 80);
  std::string text;
  for (const Endpoint& each : families_in_turn(endpoints)) text += each.address() + " ";
  return text;
}

TEST(AddressRaceTest, TakesTheFamiliesInTurnAndBeginsWithTheFirstOnes) {
  EXPECT_EQ(in_turn({"::1", "::2", "::3", "1.1.1.1", "1.1.1.2"}), "::1 1.1.1.1 ::2 1.1.1.2 ::3 ");
  EXPECT_EQ(in_turn({"1.1.1.1", "::1", "::2"}), "1.1.1.1 ::1 ::2 ");
  EXPECT_EQ(in_turn({"1.1.1.1", "1.1.1.2"}), "1.1.1.1 1.1.1.2 ");
  EXPECT_EQ(in_turn({}), "");
  EXPECT_EQ(families_in_turn(std::vector(100, Endpoint("::1", 80))).size(), 16U);
}

}  // namespace
}  // namespace baton::net
