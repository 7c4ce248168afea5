#include "cli/exchange.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "baton/wire/json.h"

namespace baton::cli {
namespace {

using Ids = std::vector<Exchange::WorkerId>;

Value json(const std::string& text) { return wire::read_json(text).value(); }

class ExchangeTest : public testing::Test {
 protected:
  ExchangeTest() {
    for (const unsigned slot : {1U, 2U, 3U}) exchange.joined(slot + 10, slot);
  }
  Exchange exchange;
};

// As @socket.io/cluster-adapter 0.3 sends them.
constexpr const char* heartbeat_of_one =
    R"({"type":1,"uid":"dd13494d0910c35c","nsp":"/","source":"_sio_adapter"})";
constexpr const char* broadcast =
    R"({"type":3,"data":{"packet":{"type":2,"data":["said","m0"]},"opts":{"rooms":[],"except":[],"flags":{}}},)"
    R"("uid":"dd13494d0910c35c","nsp":"/","source":"_sio_adapter"})";
constexpr const char* answer_of_fetch_sockets =
    R"({"type":8,"data":{"requestId":"5e8ed59863b58dfd","sockets":[]},"uid":"eb2bccf59f7f00ed","nsp":"/",)"
    R"("source":"_sio_adapter","requesterUid":"dd13494d0910c35c"})";
constexpr const char* answer_of_server_side_emit =
    R"({"type":10,"data":{"requestId":"56b562690d82cbb9","packet":13545},"uid":"eb2bccf59f7f00ed","nsp":"/",)"
    R"("source":"_sio_adapter","requesterUid":"dd13494d0910c35c"})";

TEST_F(ExchangeTest, HandsWhatSocketIoSaysToTheOthers) {
  EXPECT_EQ(exchange.recipients(11, json(heartbeat_of_one)), (Ids{12, 13}));
  EXPECT_EQ(exchange.recipients(11, json(broadcast)), (Ids{12, 13}));
  exchange.left(12);
  EXPECT_EQ(exchange.recipients(11, json(broadcast)), Ids{13});
}

TEST_F(ExchangeTest, HandsAnAnswerOfSocketIoToWhoHasAsked) {
  (void)exchange.recipients(11, json(heartbeat_of_one));
  EXPECT_EQ(exchange.recipients(12, json(answer_of_fetch_sockets)), Ids{11});
  EXPECT_EQ(exchange.recipients(12, json(answer_of_server_side_emit)), Ids{11});
}

TEST_F(ExchangeTest, HandsAnAnswerToAllOthersIfItDoesNotKnowWhoHasAsked) {
  EXPECT_EQ(exchange.recipients(12, json(answer_of_fetch_sockets)), (Ids{11, 13}));
}

TEST_F(ExchangeTest, LeavesANameToTheLivingWorkerThatSaidItFirst) {
  (void)exchange.recipients(13, json(heartbeat_of_one));
  (void)exchange.recipients(11, json(heartbeat_of_one));
  EXPECT_EQ(exchange.recipients(12, json(answer_of_fetch_sockets)), Ids{13});
  exchange.left(13);
  (void)exchange.recipients(11, json(heartbeat_of_one));
  EXPECT_EQ(exchange.recipients(12, json(answer_of_fetch_sockets)), Ids{11});
}

TEST_F(ExchangeTest, RemembersNoMoreOfAWorkerThanSoManyNames) {
  (void)exchange.recipients(11, json(heartbeat_of_one));
  for (int i = 0; i < 2000; ++i) {
    (void)exchange.recipients(
        11, Value::object().set("source", "_sio_adapter").set("uid", std::to_string(i)).set("type", 2));
  }
  EXPECT_EQ(exchange.recipients(12, json(answer_of_fetch_sockets)), (Ids{11, 13})) << "it was the oldest";
}

TEST_F(ExchangeTest, HandsWhatHasATopicAndDataToAllAsPm2IntercomDoes) {
  const Value message = json(R"({"topic":"intercom:msg","data":{"some":"data"}})");
  EXPECT_EQ(exchange.recipients(12, message), (Ids{11, 12, 13}));
}

TEST_F(ExchangeTest, HasALineForLog4jsFromAllButTheOneThatWritesThem) {
  const Value line = json(R"({"topic":"log4js:message","data":"{}"})");
  EXPECT_EQ(exchange.recipients(12, line), (Ids{11, 12, 13}));
  EXPECT_EQ(exchange.recipients(11, line), std::nullopt) << "who is to write them sends none";
}

TEST_F(ExchangeTest, KnowsNobodyForWhatIsOfAnotherKindAndSaysWhichItIs) {
  const Value limiter = json(R"({"channel":"rate_limiter_flexible","type":"init"})");
  EXPECT_EQ(exchange.recipients(11, limiter), std::nullopt);
  EXPECT_EQ(Exchange::kind_of(limiter), "channel rate_limiter_flexible");
  EXPECT_EQ(Exchange::kind_of(json(R"({"topic":"log4js:message","data":"{}"})")), "topic log4js:message");
  for (const char* other :
       {R"("hello")", "5", "null", "[1]", R"({"topic":"alone"})", R"({"topic":1,"data":2})"}) {
    EXPECT_EQ(exchange.recipients(11, json(other)), std::nullopt) << other;
  }
  EXPECT_EQ(Exchange::kind_of(json("[1]")), "");
}

}  // namespace
}  // namespace baton::cli
