// Errors that come once in a year, and what must not end for them.

#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <string>
#include <vector>

#include "baton/net/server.h"
#include "baton/net/udp.h"
#include "cluster/acceptor.h"
#include "net/accept.h"
#include "support/failing_calls.h"
#include "support/turns.h"

namespace baton::net {
namespace {

using test::failing_calls;
using Next = AcceptFailures::Next;
using Codes = std::vector<std::error_code>;

class UnusualErrors : public testing::Test {
 protected:
  void TearDown() override { failing_calls.clear(); }

  /// Two clients connect after accept4 is to fail so; what the server reports.
  Codes reports_of(std::deque<int> errors, bool others_too) {
    Codes codes;
    Loop loop;
    Server server = listen(loop, Endpoint("127.0.0.1", 0));
    server.shared(others_too);
    int left = 2;
    server.on_connection([&](const Socket&) {
      if (--left == 0) server.close();
    });
    server.on_error([&](const Error& error) { codes.push_back(error.code()); });
    std::vector<Socket> clients;
    failing_calls.accept4 = std::move(errors);
    for (int i = 0; i < left; ++i) {
      connect(loop, server.local()).then([&](Result<Socket> made) {
        clients.push_back(std::move(made).value());
      });
    }
    loop.run();
    EXPECT_EQ(left, 0);
    return codes;
  }
};

TEST_F(UnusualErrors, OfOneConnectionDoNotStopTheServer) {
  for (const bool others_too : {false, true}) {
    for (const int error : {ETIMEDOUT, EACCES, EPERM, EPROTO, ECONNABORTED, EHOSTUNREACH, EOPNOTSUPP}) {
      EXPECT_EQ(reports_of({error}, others_too), Codes()) << error;
    }
  }
}

TEST_F(UnusualErrors, ThatGoOnForAWhilePauseTheServerAndAreTold) {
  const Codes told = reports_of(std::deque<int>(6, EACCES), false);
  EXPECT_EQ(told, Codes{std::make_error_code(std::errc::permission_denied)});
  EXPECT_EQ(reports_of({ENOMEM}, true), Codes{std::make_error_code(std::errc::not_enough_memory)});
  // Even what says that it is no listener: somebody may mend it.
  EXPECT_EQ(reports_of({EBADF, EBADF}, false), Codes{std::make_error_code(std::errc::bad_file_descriptor)});
}

TEST_F(UnusualErrors, AreMetByEachAcceptAsItsKindAsks) {
  AcceptFailures failures;
  EXPECT_EQ(failures.after(EAGAIN), Next::wait);
  EXPECT_EQ(failures.after(EINTR), Next::again);
  EXPECT_EQ(failures.after(EMFILE), Next::pause);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(failures.after(ETIMEDOUT), Next::again);
  // Nobody gives up because of what may pass.
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(failures.after(ETIMEDOUT), Next::pause);
  failures.accepted();
  EXPECT_EQ(failures.after(ETIMEDOUT), Next::again);
}

TEST_F(UnusualErrors, EndAServerOnlyWhenTheySayManyTimesThatItIsNone) {
  AcceptFailures failures;
  for (unsigned i = 1; i < AcceptFailures::most_tries; ++i) {
    EXPECT_EQ(failures.after(ENOTSOCK), Next::pause);
  }
  EXPECT_EQ(failures.after(ENOTSOCK), Next::give_up);
  failures.accepted();
  EXPECT_EQ(failures.after(ENOTSOCK), Next::pause);
}

TEST_F(UnusualErrors, DoNotStopAPrimaryThatAccepts) {
  for (const int error : {ETIMEDOUT, EACCES, ENOBUFS, EBADF}) {
    Loop loop;
    Server listening = listen(loop, Endpoint("127.0.0.1", 0));
    auto acceptor =
        std::make_shared<cluster::Acceptor>(loop, listening.descriptor(), Holders::this_process, false);
    bool came = false;
    acceptor->on_room([] { return true; });
    acceptor->on_error([](const Error&) {});
    acceptor->on_connection([&](const Native&, std::string_view) {
      came = true;
      acceptor->close();
    });
    acceptor->want(true);
    failing_calls.accept4 = {error};
    Socket client;
    connect(loop, listening.local()).then([&](Result<Socket> made) { client = std::move(made).value(); });
    loop.run();
    EXPECT_TRUE(came) << error;
  }
}

TEST_F(UnusualErrors, OfASendThatIsShortOfMemoryCostNoByteAndNoSpinning) {
  Loop loop;
  Server server = listen(loop, Endpoint("127.0.0.1", 0));
  std::string got;
  Socket client;
  Socket accepted;
  server.on_connection([&](Socket connection) {
    server.close();
    accepted = std::move(connection);
    accepted.on_data([&](std::string_view bytes) { got += bytes; });
  });
  connect(loop, server.local()).then([&](Result<Socket> made) {
    client = std::move(made).value();
    failing_calls.send = {ENOBUFS, ENOMEM, ENOBUFS};
    client.end("all of it");
  });
  const test::Turns turns(loop);
  loop.run();
  EXPECT_EQ(got, "all of it");
  EXPECT_LT(turns.count(), 50U);
}

TEST_F(UnusualErrors, AnInterruptedConnectGoesOn) {
  Loop loop;
  Server server = listen(loop, Endpoint("127.0.0.1", 0));
  failing_calls.connect = {EINTR};
  bool connected = false;
  connect(loop, server.local()).then([&](const Result<Socket>& made) { connected = made.has_value(); });
  loop.run();
  EXPECT_TRUE(connected);
}

TEST_F(UnusualErrors, OfReceivingDoNotStopAUdpSocketAndDoNotSpin) {
  Loop loop;
  UdpSocket to = bind_udp(loop, Endpoint("127.0.0.1", 0));
  UdpSocket from = bind_udp(loop, Endpoint("127.0.0.1", 0));
  int reports = 0;
  std::string got;
  to.on_error([&](const Error&) { ++reports; });
  to.on_message([&](std::string_view bytes, const Endpoint&) {
    got = bytes;
    to.close();
  });
  failing_calls.recvmmsg = std::deque<int>(9, EACCES);
  ASSERT_TRUE(from.try_send("there", to.local()));
  const test::Turns turns(loop);
  loop.run();
  EXPECT_EQ(got, "there");
  EXPECT_EQ(reports, 9);
  EXPECT_LT(turns.count(), 50U);
}

}  // namespace
}  // namespace baton::net
