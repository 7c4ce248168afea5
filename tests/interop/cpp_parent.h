#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "baton/baton.h"
#include "interop/world.h"

namespace baton::test {

struct Pair {
  bool cpp_child;
  Serialization serialization;
};
inline std::string name_of(const Pair& pair) {
  const std::string child = pair.cpp_child ? "CppChild" : "NodeChild";
  return pair.serialization == Serialization::advanced ? child + "Advanced" : child;
}
inline void PrintTo(const Pair& pair, std::ostream* out) { *out << name_of(pair); }
/// Each child with each serialization.
inline const std::vector<Pair>& all_pairs() {
  static const std::vector<Pair> pairs = {{true, Serialization::json},
                                          {false, Serialization::json},
                                          {true, Serialization::advanced},
                                          {false, Serialization::advanced}};
  return pairs;
}

/// The test is the parent of echo_worker (or of another program that there is twice), in C++ or by Node.
class CppParent : public World, public testing::WithParamInterface<Pair> {
 public:
  // libuv's first loop opens a pipe that stays.
  static void SetUpTestSuite() { const Loop first; }

 protected:
  void SetUp() override {
    if (!GetParam().cpp_child && !has_node()) GTEST_SKIP() << "there is no Node";
  }
  static std::string child_module(const std::string& name = "echo_worker") {
    return GetParam().cpp_child ? built(name) : source("tests/interop/" + name + ".js");
  }

  /// Runs a parent with one child; begins with `body` when that is ready.
  static ExitStatus play(const std::function<Task<>(Process&, ForkedChild&)>& body,
                         const std::string& module = child_module(), ForkOptions how = ForkOptions()) {
    ExitStatus ended;
    const auto parent = [&](Process& self) -> Task<> {
      ForkedChild& child = self.fork(module, how.serialization(GetParam().serialization));
      child.on_close([&](const ExitStatus& status) {
        ended = status;
        self.exit(0);
      });
      const Message ready = (co_await child.next_message()).value();
      EXPECT_EQ(ready.value()["ready"], Value(child.pid()));
      co_await body(self, child);
    };
    std::string name = "parent";
    char* arguments[] = {name.data(), nullptr};
    EXPECT_EQ(baton::run(1, arguments, {{"parent", parent}}), 0);
    return ended;
  }
};

inline Value echo_of(const Value& value) { return Value::object().set("echo", value); }
inline Value got(const char* type, const Value& value) {
  return Value::object().set("got", type).set("with", value);
}

}  // namespace baton::test
