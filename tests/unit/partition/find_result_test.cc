// SPDX-License-Identifier: Apache-2.0
//
// Results that are answered without a turn (partition/gateway.h): only what is completed, and only
// while all that the partition wrote is durable.
#include "tests/unit/partition/two_partitions.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace perdure::test {
namespace {

SdkFrame FrameOf(MessageType type, SdkMessage message, std::string payload) {
  SdkFrame frame;
  frame.type = type;
  frame.payload = SharedBytes(std::move(payload));
  frame.message = std::move(message);
  return frame;
}

struct Ended : TwoPartitions {
  Ended() {
    const AttemptEpoch epoch = BeginCaller();
    // The result as the SDK wrote it: field 14, value, content.
    const std::string stored = std::string("\x72\x06\x0a\x04", 4) + "done";
    Submit(
        Source::kStream,
        JournalAppend{
            caller,
            epoch,
            0,
            {FrameOf(
                 MessageType::kOutputCommand,
                 OutputCommand{SharedBytes(std::string("done"))},
                 stored),
             FrameOf(MessageType::kEnd, End{}, {})}});
    RunUntilQuiet();
  }
  std::optional<InvocationResult> Find() { return runners[0]->FindResult(caller); }
  // Work of the same partition that has nothing to do with the caller.
  void WriteElsewhere(uint16_t partition) {
    Invoke invoke;
    invoke.spec.id = InvocationId{PartitionKey{partition == 0 ? 2 : ~uint64_t{0}}, {}};
    invoke.spec.target = {"Svc", "", "run", ServiceType::kService, HandlerType::kUnkeyed};
    gateway->Submit(PartitionId{partition}, Source::kNewWork, std::move(invoke), kReply, nullptr);
    RunUntilQuiet();
  }
};

TEST(FindResult, IsFoundOnceItIsDurable) {
  Ended world;
  EXPECT_FALSE(world.Find().has_value());
  world.db->Sync();
  const std::optional<InvocationResult> found = world.Find();
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->id, world.caller);
  EXPECT_EQ(found->service, "Svc");
  EXPECT_EQ(found->handler, "run");
  EXPECT_EQ(std::get<SharedBytes>(found->result).view(), "done");
  EXPECT_EQ(found->expires_at, world.clock.WallMs() + 1000);
}

TEST(FindResult, IsTheSameAsThatOfATurn) {
  Ended world;
  world.db->Sync();
  world.target.RunAll();
  world.target.delivered[0].clear();
  world.Submit(Source::kRead, Attach{world.caller, true}, kReply);
  world.RunUntilQuiet();
  world.target.RunAll();
  ASSERT_EQ(world.target.delivered[0].size(), 1U);
  const auto& reply = std::get<SendReply>(world.target.delivered[0][0]);
  const auto& told = std::get<InvocationResult>(reply.reply);
  const std::optional<InvocationResult> found = world.Find();
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->service, told.service);
  EXPECT_EQ(found->handler, told.handler);
  EXPECT_EQ(found->expires_at, told.expires_at);
  EXPECT_EQ(std::get<SharedBytes>(found->result).view(), std::get<SharedBytes>(told.result).view());
}

TEST(FindResult, IsNotFoundWhileItsPartitionHasUnsyncedWrites) {
  Ended world;
  world.db->Sync();
  world.WriteElsewhere(0);
  EXPECT_FALSE(world.Find().has_value());
  world.db->Sync();
  EXPECT_TRUE(world.Find().has_value());
}

TEST(FindResult, DoesNotWaitForOtherPartitions) {
  Ended world;
  world.db->Sync();
  world.WriteElsewhere(1);
  EXPECT_GT(world.db->unsynced_write_sets(), 0U);
  EXPECT_TRUE(world.Find().has_value());
}

TEST(FindResult, KnowsNothingOfWhatRunsOrIsUnknown) {
  TwoPartitions world;
  world.BeginCaller();
  EXPECT_FALSE(world.runners[0]->FindResult(world.caller).has_value());
  EXPECT_FALSE(world.runners[0]->FindResult(InvocationId{PartitionKey{3}, {}}).has_value());
}

TEST(FindResult, IsFoundAfterARestart) {
  Ended world;
  world.db->Sync();
  world.db->CrashAndRecover(0);
  world.Start();
  world.db->Sync();
  EXPECT_TRUE(world.Find().has_value());
}

}  // namespace
}  // namespace perdure::test
