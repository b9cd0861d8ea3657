// SPDX-License-Identifier: Apache-2.0
//
// An invocation that needs more memory than one may have is paused and says so; with a higher limit
// it goes on where it was. Less than it needs all together only makes attempts wait.
#include "tests/integration/test_server.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace perdure::integration {
namespace {

using limits::kKiB;
using limits::kMiB;

constexpr size_t kLarge = 2 * kMiB;

class MemoryTest : public testing::Test {
 protected:
  void Start(size_t per_invocation) {
    server_.settings.invoker.per_invocation_memory_limit = per_invocation;
    ASSERT_NO_FATAL_FAILURE(server_.Start());
    server_.Register(service_);
  }
  void RaiseAndResume(const std::string& id) {
    server_.settings.invoker.per_invocation_memory_limit = 4 * kMiB;
    server_.Restart();
    EXPECT_EQ(server_.Admin("PATCH", "/invocations/" + id + "/resume").status, 200);
  }
  void ExpectPausedForMemory(const std::string& id) {
    ASSERT_TRUE(server_.AwaitStatus(id, "paused")) << server_.Invocation(id);
    const std::string why = server_.Invocation(id).value("last_failure", "");
    EXPECT_NE(why.find("worker.invoker.per-invocation-memory-limit"), std::string::npos) << why;
  }

  Service service_;
  TestServer server_;
};

TEST_F(MemoryTest, AnInputThatIsTooLargePauses) {
  ASSERT_NO_FATAL_FAILURE(Start(kMiB));
  const std::string body(kLarge, 'i');
  const std::string id = server_.Send("Test/echo", body);
  ExpectPausedForMemory(id);
  EXPECT_EQ(service_.attempts("Test/echo"), 0U) << "nothing was sent that would not be read";
  RaiseAndResume(id);
  EXPECT_EQ(server_.AttachTo(id).body, body);
}

TEST_F(MemoryTest, AFrameThatIsTooLargePauses) {
  ASSERT_NO_FATAL_FAILURE(Start(kMiB));
  const std::string id = server_.Send("Test/held", "in");
  const std::shared_ptr<ServiceAttempt> attempt = service_.NextAttempt("Test/held");
  ASSERT_NE(attempt, nullptr);
  const std::string body(kLarge, 'o');
  attempt->Complete(body);
  ExpectPausedForMemory(id);
  RaiseAndResume(id);
  const std::shared_ptr<ServiceAttempt> again = service_.NextAttempt("Test/held");
  ASSERT_NE(again, nullptr);
  again->Complete(body);
  EXPECT_EQ(server_.AttachTo(id).body, body);
}

// There is memory for one of these inputs at a time.
TEST_F(MemoryTest, TogetherTheyWait) {
  server_.settings.invoker.memory_limit = kMiB;
  ASSERT_NO_FATAL_FAILURE(Start(kLarge + 100 * kKiB));
  std::vector<std::string> ids;
  for (char each = 'a'; each < 'f'; ++each) {
    ids.push_back(server_.Send("Test/echo", std::string(kLarge, each)));
  }
  for (size_t i = 0; i < ids.size(); ++i) {
    EXPECT_EQ(server_.AttachTo(ids[i]).body, std::string(kLarge, static_cast<char>('a' + i)));
  }
}

}  // namespace
}  // namespace perdure::integration
