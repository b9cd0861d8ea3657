// SPDX-License-Identifier: Apache-2.0
//
// Two real machines and their runners: a call hops to the other partition before anything is
// durable. Whatever prefix of the unsynced write sets a crash leaves, the callee is created once.
#include "tests/unit/partition/two_partitions.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace perdure::test {
namespace {

TEST(Hop, TheCalleeIsCreatedBeforeAnythingIsDurable) {
  TwoPartitions two;
  const AttemptEpoch epoch = two.BeginCaller();
  two.target.delivered[0].clear();
  two.Call(epoch);
  two.RunUntilQuiet();
  EXPECT_EQ(two.Invocations().size(), 2U);
  EXPECT_EQ(two.OutboxRows(), 0U);  // acknowledged, the same way back
  EXPECT_GE(two.db->unsynced_write_sets(), 3U);
  // And not one effect left: neither the notification nor the callee's start.
  two.target.RunAll();
  EXPECT_TRUE(two.target.delivered[0].empty());
  two.db->Sync();
  two.target.RunAll();
  EXPECT_EQ(two.target.delivered[0].size(), 2U);
}

TEST(Hop, EveryPrefixThatACrashLeavesGivesOneCallee) {
  size_t longest = 1;
  for (size_t survivors = 0; survivors <= longest; ++survivors) {
    SCOPED_TRACE("survivors " + std::to_string(survivors));
    TwoPartitions two;
    const AttemptEpoch epoch = two.BeginCaller();
    two.Call(epoch);
    two.RunUntilQuiet();
    longest = two.db->unsynced_write_sets();
    two.db->CrashAndRecover(survivors);
    two.Start();
    two.RunUntilQuiet();
    // With no survivor the caller has not called, and its next attempt will; else there is one
    // callee, known to its caller by its id, and nothing more to send.
    const std::vector<StatusRow> rows = two.Invocations();
    ASSERT_EQ(rows.size(), survivors == 0 ? 1U : 2U);
    EXPECT_EQ(two.OutboxRows(), 0U);
    for (const StatusRow& row : rows) {
      if (row.id == two.caller) {
        EXPECT_EQ(row.status.journal_length, survivors == 0 ? 1U : 3U);
      } else {
        EXPECT_EQ(row.status.caller->id, two.caller);
        EXPECT_EQ(row.status.state, InvocationState::kInvoked);
      }
    }
  }
  EXPECT_GE(longest, 3U);
}

}  // namespace
}  // namespace perdure::test
