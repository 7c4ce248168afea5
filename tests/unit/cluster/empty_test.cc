// Objects that hold nothing say so.

#include <gtest/gtest.h>

#include <stdexcept>
#include <tuple>

#include "baton/cluster/worker.h"

namespace baton::cluster {
namespace {

TEST(EmptyListener, IsMisuseButForWhatHasAnAnswer) {
  Listener none;
  EXPECT_FALSE(none);
  EXPECT_EQ(none.connections(), 0U);
  none.close();
  EXPECT_THROW(none.on_connection([](const net::Socket&) {}), std::logic_error);
  EXPECT_THROW(none.on_error([](const Error&) {}), std::logic_error);
  EXPECT_THROW(std::ignore = none.local(), std::logic_error);
}

}  // namespace
}  // namespace baton::cluster
