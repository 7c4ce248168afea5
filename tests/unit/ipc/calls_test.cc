// Requests over a channel: asked, answered, given up, and by hand.

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "baton/baton.h"
#include "support/leak_check.h"

namespace baton {

struct Sum {
  int left;
  int right;
};
BATON_FIELDS(Sum, left, right)

namespace {

using namespace std::chrono_literals;

class CallsTest : public test::LeakFree {
 protected:
  CallsTest() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    a = Channel::adopt(loop, Fd(ends[0])).value();
    b = Channel::adopt(loop, Fd(ends[1])).value();
  }

  // What becomes of a request: the reply as JSON, or the Error.
  void note(Op<Value> request) {
    std::move(request).then([this, at = told.size()](Result<Value> reply) {
      told.at(at) = reply ? (reply->is_undefined() ? "undefined" : to_json(*reply)) : reply.error().what();
    });
    told.emplace_back("nothing yet");
  }
  void run_until_all_is_told() {
    const Timer look = Timer::every(loop, 1ms, [this] {
      for (const std::string& one : told) {
        if (one == "nothing yet") return;
      }
      loop.stop();
    });
    loop.run();
  }

  Loop loop;
  Channel a;
  Channel b;
  std::vector<std::string> told;
};

TEST_F(CallsTest, AreAnsweredByAFunctionByACoroutineAndByAnException) {
  b.on_request([this](Value request) -> Task<Value> {
    if (request == Value("fail")) throw std::runtime_error("as it was asked to");
    co_await sleep(loop, request["after"].is_undefined() ? 0ms : 5ms);
    const Sum sum = from_value<Sum>(request).value();
    co_return sum.left + sum.right;
  });
  a.on_request([](const Value& request) { return Sum{1, static_cast<int>(request.as_integer())}; });
  note(a.request({{"left", 1}, {"right", 2}, {"after", true}}));
  note(a.request(Sum{3, 4}));
  note(a.request("fail"));
  note(a.request({{"left", 1}}));
  note(b.request(5));
  note(b.request("no number"));
  run_until_all_is_told();
  EXPECT_EQ(told[0], "3");
  EXPECT_EQ(told[1], "7");
  EXPECT_EQ(told[2], "request: as it was asked to: says the peer");
  EXPECT_TRUE(told[3].contains("read Sum: right is missing")) << told[3];
  EXPECT_EQ(told[4], R"({"left":1,"right":5})");
  EXPECT_TRUE(told[5].contains("found string: says the peer")) << told[5];
}

int sum_of(const Sum& sum) { return sum.left + sum.right; }

TEST_F(CallsTest, ComeAsWhatTheFunctionTakes) {
  b.on_request(sum_of);
  a.on_request([this](Sum sum) -> Task<Sum> {
    co_await sleep(loop, 1ms);
    co_return Sum{sum.right, sum.left};
  });
  note(a.request(Sum{3, 4}));
  note(a.request({{"left", 1}}));
  note(b.request(Sum{5, 6}));
  note(b.request("no sum"));
  run_until_all_is_told();
  EXPECT_EQ(told[0], "7");
  EXPECT_EQ(told[1], "request: read Sum: right is missing: the value does not fit: says the peer");
  EXPECT_EQ(told[2], R"({"left":6,"right":5})");
  EXPECT_TRUE(told[3].contains(R"(the message is "no sum", not an object)")) << told[3];
  // What may be a member of a struct may be a request, too.
  b.on_request([calls = 0](std::vector<int> numbers) mutable {
    numbers.push_back(++calls);
    return static_cast<int>(numbers.size());
  });
  note(a.request(Value::array({1, 2})));
  note(a.request(Value::array({1, "two"})));
  run_until_all_is_told();
  EXPECT_EQ(told[4], "3");
  EXPECT_TRUE(told[5].contains(R"(read a message: [1] is "two", not a 32-bit integer)")) << told[5];
}

TEST_F(CallsTest, ThatTakeTooLongAreNamedAndTheirReplyIsNobodyElses) {
  std::vector<std::string> messages;
  b.on_request([this](Value request) -> Task<Value> {
    co_await sleep(loop, request == Value("slow") ? 20ms : 40ms);
    co_return request;
  });
  a.on_message([&](const Message& message) { messages.push_back(to_json(message.value())); });
  note(a.request("slow").within(1ms));
  note(a.request("slower"));
  run_until_all_is_told();
  EXPECT_EQ(told[0], "request: timed out");
  EXPECT_EQ(told[1], "\"slower\"");
  EXPECT_TRUE(messages.empty());
}

TEST_F(CallsTest, LetMessagesWaitForWhoTakesThem) {
  b.on_request([](const Value& /*request*/) {});
  a.send("first");
  note(a.request(1));
  run_until_all_is_told();
  EXPECT_EQ(told[0], "undefined");
  std::string got;
  b.on_message([&](const Message& message) {
    got = message.value().as_string();
    loop.stop();
  });
  loop.run();
  EXPECT_EQ(got, "first");
}

TEST_F(CallsTest, FailWhenThePeerIsGone) {
  b.on_message([this](const Message& /*asked by hand*/) { b = Channel(); });
  note(a.request("who?"));
  run_until_all_is_told();
  EXPECT_EQ(told[0], "request: disconnected");
  note(a.request("once more"));
  run_until_all_is_told();
  EXPECT_TRUE(told[1].contains("disconnected")) << told[1];
}

TEST_F(CallsTest, ThatCannotBeSentOrAnsweredSaySo) {
  b.on_request([](const Value& /*request*/) { return Value::bigint(7); });
  note(a.request(Value::bigint(1)));
  note(a.request(1));
  run_until_all_is_told();
  EXPECT_TRUE(told[0].contains("BigInt")) << told[0];
  EXPECT_TRUE(told[1].contains("BigInt")) << told[1];
}

TEST_F(CallsTest, AreMessagesForWhoReadsThemByHand) {
  b.on_message([this](const Message& message) {
    const Value& request = message.value();
    EXPECT_EQ(request["cmd"], Value("BATON_REQUEST"));
    b.send({{"cmd", "BATON_REPLY"}, {"id", request["id"]}, {"value", "by hand"}});
    b.send({{"cmd", "BATON_REPLY"}, {"id", request["id"]}, {"value", "twice"}});
    b.send({{"cmd", "BATON_REPLY"}, {"id", 99}, {"value", "for nobody"}});
  });
  note(a.request("who?"));
  run_until_all_is_told();
  EXPECT_EQ(told[0], "\"by hand\"");
}

TEST_F(CallsTest, ThatComeBeforeSomebodyAnswersWaitForHimAndHoldUpNoReply) {
  note(a.request("early"));
  note(a.request("too"));
  note(b.request("where?"));
  a.on_request([](const Value& /*request*/) { return "here"; });
  const Timer later(loop, 10ms, [this] { b.on_request([](Value request) { return request; }); });
  run_until_all_is_told();
  EXPECT_EQ(told, (std::vector<std::string>{"\"early\"", "\"too\"", "\"here\""}));
}

TEST_F(CallsTest, MayDestroyTheChannelInTheAnswer) {
  for (const bool early : {false, true}) {
    if (!b) {
      int ends[2];
      ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
      a = Channel::adopt(loop, Fd(ends[0])).value();
      b = Channel::adopt(loop, Fd(ends[1])).value();
    }
    const auto answer = [this](const Value& /*request*/) { b = Channel(); };
    if (!early) b.on_request(answer);
    told.clear();
    note(a.request(1));
    note(a.request(2));
    const Timer later(loop, 10ms, [&] {
      if (early) b.on_request(answer);
    });
    run_until_all_is_told();
    EXPECT_EQ(told, (std::vector<std::string>{"request: disconnected", "request: disconnected"}));
  }
}

TEST_F(CallsTest, ThatAreGivenUpKeepNobodyRunning) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const Fd silent(ends[0]);
  a.unref();
  b.unref();
  Channel child = Channel::adopt(loop, Fd(ends[1]), ChannelOptions().ref_while_listening()).value();
  note(child.request("who?").within(1ms));
  {
    const auto dropped = child.request("dropped");
  }
  loop.run();  // returns
  EXPECT_EQ(told.front(), "request: timed out");
}

TEST_F(CallsTest, TellABriefReasonAndTakeNoneForNone) {
  b.on_message([this](const Message& message) {
    const Value id = message.value()["id"];
    if (message.value()["value"] == Value("long")) {
      b.send({{"cmd", "BATON_REPLY"}, {"id", id}, {"error", {{"message", std::string(100'000, 'x')}}}});
    } else {
      b.send({{"cmd", "BATON_REPLY"}, {"id", id}, {"value", 1}, {"error", nullptr}});
    }
  });
  note(a.request("long"));
  note(a.request("none"));
  run_until_all_is_told();
  EXPECT_LT(told[0].size(), 1200U);
  EXPECT_EQ(told[1], "1");
}

TEST_F(CallsTest, BeyondSoManyAreRefused) {
  std::vector<Promise<Value>> open;
  b.on_request([&](const Value& /*request*/) -> Task<Value> {
    auto op = open.emplace_back(loop).op();
    co_return co_await std::move(op);
  });
  for (int i = 0; i < 1025; ++i) note(a.request(i));
  const Timer answers = Timer::every(loop, 1ms, [&] {
    if (told[1024] == "nothing yet") return;
    for (auto& one : open) one.resolve(Value("at last"));
  });
  run_until_all_is_told();
  EXPECT_EQ(told[1023], "\"at last\"");
  EXPECT_TRUE(told[1024].contains("too many requests at once")) << told[1024];
}

}  // namespace
}  // namespace baton
