// Objects that hold nothing say so, whatever is asked of them.

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <tuple>

#include "baton/net/server.h"
#include "baton/net/socket.h"
#include "baton/net/udp.h"

namespace baton::net {
namespace {

#define EXPECT_MISUSE(call) EXPECT_THROW((void)(call), std::logic_error)

TEST(EmptySocket, IsMisuseButForWhatHasAnAnswer) {
  Socket none;
  EXPECT_FALSE(none);
  EXPECT_EQ(none.descriptor(), -1);
  EXPECT_EQ(none.release().error().code(), std::errc::bad_file_descriptor);
  none.close();
  EXPECT_MISUSE(none.write("text"));
  EXPECT_MISUSE(none.write(std::string("text")));
  EXPECT_MISUSE(none.write_through("text"));
  EXPECT_MISUSE(none.end());
  EXPECT_MISUSE(none.end("text"));
  EXPECT_MISUSE(none.on_data([](std::string_view) {}));
  EXPECT_MISUSE(none.on_end([] {}));
  EXPECT_MISUSE(none.on_error([](const Error&) {}));
  EXPECT_MISUSE(none.on_close([] {}));
  EXPECT_MISUSE(none.on_drain([] {}));
  EXPECT_MISUSE(none.queued());
  EXPECT_MISUSE(none.flushed());
  EXPECT_MISUSE(none.pause());
  EXPECT_MISUSE(none.resume());
  EXPECT_MISUSE(none.unread("text"));
  EXPECT_MISUSE(none.local());
  EXPECT_MISUSE(none.remote());
  EXPECT_MISUSE(none.no_delay(true));
  EXPECT_MISUSE(none.server_key());
  EXPECT_MISUSE(none.loop());
  EXPECT_MISUSE(none.ref());
  EXPECT_MISUSE(none.unref());
}

TEST(EmptyServer, IsMisuseButForWhatHasAnAnswer) {
  Server none;
  EXPECT_FALSE(none);
  EXPECT_EQ(none.descriptor(), -1);
  none.close();
  EXPECT_MISUSE(none.on_connection([](const Socket&) {}));
  EXPECT_MISUSE(none.on_error([](const Error&) {}));
  EXPECT_MISUSE(none.pause());
  EXPECT_MISUSE(none.resume());
  EXPECT_MISUSE(none.accept_pending());
  EXPECT_MISUSE(none.local());
  EXPECT_MISUSE(none.key());
  EXPECT_MISUSE(none.release());
  EXPECT_MISUSE(none.loop());
  EXPECT_MISUSE(none.ref());
  EXPECT_MISUSE(none.unref());
}

TEST(EmptyUdpSocket, IsMisuseButForWhatHasAnAnswer) {
  UdpSocket none;
  const Endpoint to("127.0.0.1", 9);
  EXPECT_FALSE(none);
  EXPECT_FALSE(none.connected());
  EXPECT_EQ(none.descriptor(), -1);
  EXPECT_EQ(none.release().error().code(), std::errc::bad_file_descriptor);
  none.close();
  EXPECT_MISUSE(none.on_message([](std::string_view, const Endpoint&) {}));
  EXPECT_MISUSE(none.on_error([](const Error&) {}));
  EXPECT_MISUSE(none.on_drain([] {}));
  EXPECT_MISUSE(none.send("text", to));
  EXPECT_MISUSE(none.send("text"));
  EXPECT_MISUSE(none.try_send("text", to));
  EXPECT_MISUSE(none.try_send("text"));
  EXPECT_MISUSE(none.queued());
  EXPECT_MISUSE(none.queued_datagrams());
  EXPECT_MISUSE(none.flushed());
  EXPECT_MISUSE(none.connect(to));
  EXPECT_MISUSE(none.disconnect());
  EXPECT_MISUSE(none.join("224.0.0.1"));
  EXPECT_MISUSE(none.ttl(1));
  EXPECT_MISUSE(none.pause());
  EXPECT_MISUSE(none.resume());
  EXPECT_MISUSE(none.local());
  EXPECT_MISUSE(none.remote());
  EXPECT_MISUSE(none.loop());
  EXPECT_MISUSE(none.ref());
  EXPECT_MISUSE(none.unref());
}

}  // namespace
}  // namespace baton::net
