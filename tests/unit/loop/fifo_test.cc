#include "base/fifo.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "base/drop_memory.h"

namespace baton {
namespace {

TEST(Fifo, HoldsNothingOfWhatWasTakenOut) {
  Fifo<std::shared_ptr<int>> fifo;
  fifo.emplace_back(std::make_shared<int>(1));
  fifo.emplace_back(std::make_shared<int>(2));
  const std::weak_ptr<int> first = fifo.front();
  fifo.pop_front();
  EXPECT_TRUE(first.expired());
  EXPECT_EQ(*fifo.front(), 2);
}

TEST(DropMemory, LeavesAStringNothingOfItsOwn) {
  std::string text(1000, 'x');
  drop_memory(text);
  EXPECT_EQ(text, "");
  EXPECT_EQ(text.capacity(), std::string().capacity());
}

}  // namespace
}  // namespace baton
