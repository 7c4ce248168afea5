#include "cli/preload.h"

#include <gtest/gtest.h>

#include "cli/warden.h"

namespace baton::cli {
namespace {

TEST(Preload, IsGivenByNodeOptionsBehindThoseOfTheUserAndByAVariable) {
  const Preload preload(std::chrono::seconds(5));
  SpawnOptions worker;
  worker.env(Environment());
  preload.give_to(worker, "/proc/7/cmdline");
  EXPECT_EQ(worker.environment().get("NODE_OPTIONS"), "--require=/proc/7/cmdline");
  const std::string text(worker.environment().get("BATON_PRELOAD").value_or(""));
  EXPECT_TRUE(text.contains(preload_text()));
  EXPECT_TRUE(text.contains("\"grace\":5000")) << text.substr(text.size() - 200);
  EXPECT_LT(text.size(), size_t{128} << 10) << "the kernel takes no longer one";

  worker.add_env("NODE_OPTIONS", "--no-warnings");
  preload.give_to(worker, "/proc/8/cmdline");
  EXPECT_EQ(worker.environment().get("NODE_OPTIONS"), "--no-warnings --require=/proc/8/cmdline");
}

TEST(Preload, IsOneLineThatIsKnownAsAWardensAndBearsAnythingBehindIt) {
  const std::string stub = Preload::stub();
  EXPECT_TRUE(stub.starts_with(Warden::mark));
  EXPECT_TRUE(stub.ends_with("//"));
  EXPECT_EQ(stub.find('\n'), stub.npos);
}

}  // namespace
}  // namespace baton::cli
