// SPDX-License-Identifier: Apache-2.0
//
// One attempt from its first byte to its last: replay and streaming without a gap, half-closes,
// deadlines, and how every ending is told (service protocol 4.1 to 4.4).
#include "perdure/protocol/invocation_stream.h"

#include "helpers.h"
#include "perdure/base/limits.h"

#include <gtest/gtest.h>

namespace perdure {
namespace {

using test::Bytes;
using test::Chunk;
using test::Entry;
using test::FrameOf;
using test::FramesIn;
using test::GoodHead;
using test::Hex;
using test::Notify;
using test::OpenStream;
using test::Start;

constexpr auto kRun = MessageType::kRunCommand;
constexpr auto kRunCompletion = MessageType::kRunCompletion;
constexpr std::string_view kEnd("\0\3\0\0\0\0\0\0", 8);

std::string EndFrame() {
  return std::string(kEnd);
}
std::string RunFrame() {
  return FrameOf(kRun, Hex("5801"));
}

JournalEntry Input() {
  return Entry(0, MessageType::kInputCommand, Hex("7200"));
}
JournalEntry RunEntry(JournalIndex index) {
  return Entry(index, kRun, Hex("5801"));
}
JournalEntry RunDone(JournalIndex index, std::string mark) {
  return Entry(index, kRunCompletion, std::move(mark));
}

// --- what goes out ---

TEST(Stream, ReplaysEverythingBelowTheCutAndThenNotificationsOnly) {
  StartAttempt start = Start();
  start.known_entries = 3;
  start.journal = Chunk({Input(), RunEntry(1), RunDone(2, "a")}, 0, 3);
  InvocationStream stream(start, 1 << 20, 0);
  EXPECT_TRUE(stream.has_output());
  const StreamOutput output = stream.TakeOutput();
  const std::vector<std::string> frames = FramesIn(Bytes(output));
  ASSERT_EQ(frames.size(), 4U);
  EXPECT_EQ(frames[0].substr(0, 5), "0000:");
  EXPECT_EQ(frames[1], "0400:7200");
  EXPECT_EQ(frames[2], "0411:5801");
  EXPECT_EQ(frames[3], "8011:61");
  EXPECT_FALSE(output.half_close);
  EXPECT_FALSE(stream.has_output());
  EXPECT_FALSE(stream.TakeReadRequest().has_value());

  // Commands behind the cut are the SDK's own; given or left out, they are not sent.
  stream.OnNotify(Notify(Chunk({RunEntry(3), RunDone(4, "b")}, 3, 5)), 1);
  stream.OnNotify(Notify(Chunk({RunDone(7, "c")}, 5, 8)), 2);
  EXPECT_EQ(FramesIn(Bytes(stream.TakeOutput())), (std::vector<std::string>{"8011:62", "8011:63"}));
}

TEST(Stream, SkipsWhatItHas) {
  auto stream = OpenStream();
  stream->OnNotify(Notify(Chunk({RunEntry(1), RunDone(2, "a")}, 1, 3)), 1);
  stream->OnNotify(Notify(Chunk({RunDone(2, "a"), RunDone(3, "b")}, 2, 4)), 1);
  stream->OnNotify(Notify(Chunk({RunDone(2, "a"), RunDone(3, "b")}, 2, 4)), 1);
  EXPECT_EQ(
      FramesIn(Bytes(stream->TakeOutput())), (std::vector<std::string>{"8011:61", "8011:62"}));
}

TEST(Stream, PullsTheJournalThatDidNotFit) {
  StartAttempt start = Start();
  start.known_entries = 4;
  start.journal = Chunk({Input()}, 0, 1);
  start.journal.journal_length = 4;
  InvocationStream stream(start, 1 << 20, 0);
  EXPECT_EQ(FramesIn(Bytes(stream.TakeOutput())).size(), 2U);

  std::optional<ReadJournal> read = stream.TakeReadRequest();
  EXPECT_FALSE(stream.NextDeadline().has_value());  // the partition has to answer, not the SDK
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->from, 1U);
  EXPECT_EQ(read->id, start.id);
  EXPECT_EQ(read->epoch, start.epoch);
  EXPECT_FALSE(stream.TakeReadRequest().has_value());  // asked already

  JournalChunk part = Chunk({RunEntry(1), RunDone(2, "a")}, 1, 3);
  part.journal_length = 6;
  stream.OnNotify(Notify(std::move(part)), 10);
  EXPECT_EQ(
      FramesIn(Bytes(stream.TakeOutput())), (std::vector<std::string>{"0411:5801", "8011:61"}));
  read = stream.TakeReadRequest();
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->from, 3U);
  // One chunk may reach over the cut.
  stream.OnNotify(Notify(Chunk({RunEntry(3), RunEntry(4), RunDone(5, "b")}, 3, 6)), 20);
  EXPECT_EQ(
      FramesIn(Bytes(stream.TakeOutput())), (std::vector<std::string>{"0411:5801", "8011:62"}));
  EXPECT_FALSE(stream.TakeReadRequest().has_value());
  ASSERT_TRUE(stream.NextDeadline().has_value());
  EXPECT_EQ(stream.NextDeadline()->at_ms, 20 + start.inactivity_timeout);
}

TEST(Stream, PullsAfterALaggingNotify) {
  auto stream = OpenStream();
  NotifyAttempt lagging = Notify(Chunk({}, 0, 0));
  lagging.lagging = true;
  lagging.chunk.journal_length = 5;
  stream->OnNotify(lagging, 1);
  std::optional<ReadJournal> read = stream->TakeReadRequest();
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->from, 1U);
  lagging.chunk.journal_length = 7;
  stream->OnNotify(lagging, 2);  // crosses with the answer
  EXPECT_FALSE(stream->TakeReadRequest().has_value());
  JournalChunk answer = Chunk({RunDone(2, "a")}, 1, 5);
  stream->OnNotify(Notify(answer), 3);
  read = stream->TakeReadRequest();
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->from, 5U);
}

TEST(StreamDeathTest, GapsAreBrokenInvariants) {
  StartAttempt start = Start();
  start.known_entries = 3;
  start.journal = Chunk({Input()}, 0, 1);
  const auto pull = [&start](JournalChunk chunk) {
    InvocationStream stream(start, 1 << 20, 0);
    stream.OnNotify(Notify(std::move(chunk)), 0);
  };
  EXPECT_DEATH(pull(Chunk({RunEntry(2)}, 1, 3)), "replay gap");
  EXPECT_DEATH(pull(Chunk({RunEntry(1)}, 1, 3)), "replayed");
  EXPECT_DEATH(pull(Chunk({RunEntry(2)}, 2, 3)), "journal gap");
  EXPECT_DEATH(OpenStream()->OnNotify(Notify(Chunk({RunDone(9, "a")}, 8, 10)), 0), "journal gap");
  start.known_entries = 0;
  EXPECT_DEATH(InvocationStream(start, 1 << 20, 0), "cut_ >= 1");
}

TEST(Stream, LargePayloadsAreNotCopied) {
  auto stream = OpenStream();
  const SharedBytes body(std::string(100'000, 'x'));
  JournalEntry entry = RunDone(1, "");
  entry.payload = body;
  stream->OnNotify(Notify(Chunk({entry, RunDone(2, "y")}, 1, 3)), 0);
  const StreamOutput output = stream->TakeOutput();
  ASSERT_EQ(output.pieces.size(), 3U);
  EXPECT_EQ(output.pieces[1].view().data(), body.view().data());
  EXPECT_EQ(FramesIn(Bytes(output)).size(), 2U);
}

// --- what comes in ---

TEST(Stream, OneReadIsOneCommandWithRunningFrameNumbers) {
  auto stream = OpenStream();
  StreamEvents first = stream->OnBytes(RunFrame() + RunFrame(), 5);
  ASSERT_TRUE(first.append.has_value());
  EXPECT_EQ(first.append->id, Start().id);
  EXPECT_EQ(first.append->epoch, Start().epoch);
  EXPECT_EQ(first.append->first_frame, 0U);
  EXPECT_EQ(first.append->frames.size(), 2U);
  const StreamEvents half = stream->OnBytes(RunFrame().substr(0, 9), 5);
  EXPECT_FALSE(half.append.has_value());
  EXPECT_EQ(stream->pending_frame_bytes(), 10U);
  const StreamEvents rest = stream->OnBytes(RunFrame().substr(9), 5);
  ASSERT_TRUE(rest.append.has_value());
  EXPECT_EQ(rest.append->first_frame, 2U);
  EXPECT_EQ(stream->pending_frame_bytes(), 0U);
}

TEST(Stream, NamesItsServer) {
  InvocationStream stream(Start(), 1 << 20, 0);
  HttpHeaders headers = GoodHead();
  headers.Add("x-restate-server", "sdk/1.2");
  const StreamEvents events = stream.OnHead(200, headers, 0, 0);
  ASSERT_TRUE(events.head.has_value());
  EXPECT_EQ(events.head->server, "sdk/1.2");
  EXPECT_FALSE(events.failed.has_value());
}

TEST(Stream, LastWordHalfClosesAndTheRestIsIgnored) {
  for (const std::string& last :
       {EndFrame(),
        FrameOf(MessageType::kSuspension, Hex("0a0101")),
        FrameOf(MessageType::kError, Hex("08f403"))}) {
    auto stream = OpenStream();
    const StreamEvents events = stream->OnBytes(RunFrame() + last + RunFrame() + "junk!!!!!", 7);
    ASSERT_TRUE(events.append.has_value());
    EXPECT_EQ(events.append->frames.size(), 2U);
    EXPECT_FALSE(events.failed.has_value());
    EXPECT_TRUE(stream->has_last_word());
    EXPECT_FALSE(stream->over());
    EXPECT_TRUE(stream->TakeOutput().half_close);
    EXPECT_FALSE(stream->TakeOutput().half_close);  // once

    const StreamEvents late = stream->OnBytes(RunFrame(), 8);
    EXPECT_FALSE(late.append.has_value() || late.failed.has_value());
    stream->OnNotify(Notify(Chunk({RunDone(1, "a")}, 1, 2)), 8);
    EXPECT_FALSE(stream->has_output());
    EXPECT_FALSE(stream->TakeReadRequest().has_value());
    const StreamEvents end = stream->OnEnd();
    EXPECT_FALSE(end.failed.has_value());
    EXPECT_TRUE(stream->over());
  }
}

TEST(Stream, ConnectionLossAfterTheLastWordIsNoFailure) {
  auto stream = OpenStream();
  stream->OnBytes(EndFrame(), 0);
  EXPECT_FALSE(stream->OnFailure(HttpFailure::kConnectionLost, "gone").failed.has_value());
  EXPECT_TRUE(stream->over());
}

TEST(Stream, EndWithoutALastWordFails) {
  auto stream = OpenStream();
  stream->OnBytes(FrameOf(MessageType::kOutputCommand, Hex("7200")), 0);
  StreamEvents events = stream->OnEnd();
  ASSERT_TRUE(events.failed.has_value());
  EXPECT_EQ(events.failed->doc_code, "RT0007");
  EXPECT_EQ(events.failed->error.code, 500U);
  EXPECT_TRUE(events.failed->reached_sdk);
  EXPECT_EQ(events.failed->id, Start().id);
  EXPECT_EQ(events.failed->epoch, Start().epoch);
  EXPECT_TRUE(stream->over());
  EXPECT_FALSE(stream->OnEnd().failed.has_value());  // said once

  stream = OpenStream();
  stream->OnBytes(EndFrame().substr(0, 5), 0);
  events = stream->OnEnd();
  ASSERT_TRUE(events.failed.has_value());
  EXPECT_EQ(events.failed->doc_code, "RT0007");
  EXPECT_NE(events.failed->error.message.find("middle"), std::string::npos);
}

TEST(Stream, TransportFailures) {
  static const struct {
    HttpFailure failure;
    bool reached_sdk;
  } kCases[] = {
      {HttpFailure::kConnect, false},
      {HttpFailure::kNotHttp2, false},
      {HttpFailure::kRefused, false},
      {HttpFailure::kStreamReset, true},
      {HttpFailure::kConnectionLost, true},
      {HttpFailure::kProtocol, true},
  };
  for (const auto& c : kCases) {
    InvocationStream stream(Start(), 1 << 20, 0);
    const StreamEvents events = stream.OnFailure(c.failure, "why");
    ASSERT_TRUE(events.failed.has_value());
    EXPECT_EQ(events.failed->doc_code, "RT0010");
    EXPECT_EQ(events.failed->error.code, 500U);
    EXPECT_EQ(events.failed->reached_sdk, c.reached_sdk);
    EXPECT_NE(events.failed->error.message.find("why"), std::string::npos);
    EXPECT_TRUE(stream.over());
    EXPECT_FALSE(stream.has_output());
  }
}

// --- deadlines ---

TEST(Stream, InactivityAsksToSuspendAndAbortFails) {
  auto stream = OpenStream();
  ASSERT_TRUE(stream->NextDeadline().has_value());
  EXPECT_EQ(stream->NextDeadline()->kind, DeadlineKind::kInactivity);
  EXPECT_EQ(stream->NextDeadline()->at_ms, 60'000U);
  // Frames in both directions move it; half a frame and lagging notifies do not.
  stream->OnBytes(RunFrame(), 1'000);
  EXPECT_EQ(stream->NextDeadline()->at_ms, 61'000U);
  stream->OnNotify(Notify(Chunk({RunDone(2, "a")}, 1, 3)), 2'000);
  EXPECT_EQ(stream->NextDeadline()->at_ms, 62'000U);
  stream->OnBytes(RunFrame().substr(0, 3), 3'000);
  NotifyAttempt lagging = Notify(Chunk({}, 0, 0));
  lagging.lagging = true;
  stream->OnNotify(lagging, 3'000);
  EXPECT_EQ(stream->NextDeadline()->at_ms, 62'000U);
  stream->TakeOutput();

  EXPECT_FALSE(stream->OnDeadline(61'999).failed.has_value());
  EXPECT_FALSE(stream->has_output());  // too early
  EXPECT_FALSE(stream->OnDeadline(62'000).failed.has_value());
  EXPECT_TRUE(stream->TakeOutput().half_close);
  EXPECT_EQ(stream->NextDeadline()->kind, DeadlineKind::kAbort);
  EXPECT_EQ(stream->NextDeadline()->at_ms, 662'000U);
  // After the half-close nothing more is sent; frames of the SDK move the abort.
  stream->OnNotify(Notify(Chunk({RunDone(3, "b")}, 3, 4)), 70'000);
  EXPECT_FALSE(stream->has_output());
  const StreamEvents events = stream->OnBytes(RunFrame().substr(3), 100'000);
  EXPECT_TRUE(events.append.has_value());
  EXPECT_EQ(stream->NextDeadline()->at_ms, 700'000U);

  const StreamEvents aborted = stream->OnDeadline(700'000);
  ASSERT_TRUE(aborted.failed.has_value());
  EXPECT_EQ(aborted.failed->doc_code, "RT0001");
  EXPECT_EQ(aborted.failed->error.code, 500U);
  EXPECT_TRUE(stream->over());
  EXPECT_FALSE(stream->NextDeadline().has_value());
}

TEST(Stream, ReplayThatIsNotReadFails) {
  StartAttempt start = Start();
  start.known_entries = 3;
  start.journal = Chunk({Input()}, 0, 1);
  InvocationStream stream(start, 1 << 20, 1'000);
  stream.TakeOutput();
  ASSERT_TRUE(stream.NextDeadline().has_value());
  EXPECT_EQ(stream.NextDeadline()->kind, DeadlineKind::kReplay);
  EXPECT_EQ(stream.NextDeadline()->at_ms, 661'000U) << "inactivity and abort timeout";

  // What moves it: bytes that left, and a stretch of the journal that came.
  stream.OnSent(5'000);
  EXPECT_EQ(stream.NextDeadline()->at_ms, 665'000U);
  ASSERT_TRUE(stream.TakeReadRequest().has_value());
  EXPECT_FALSE(stream.OnDeadline(1'000'000).failed.has_value()) << "nothing was there to read";
  stream.OnNotify(Notify(Chunk({RunEntry(1)}, 1, 2)), 1'000'000);
  EXPECT_EQ(stream.NextDeadline()->at_ms, 1'660'000U);
  NotifyAttempt lagging = Notify(Chunk({}, 0, 0));
  lagging.lagging = true;
  stream.OnNotify(lagging, 1'100'000);
  EXPECT_EQ(stream.NextDeadline()->at_ms, 1'660'000U);

  EXPECT_FALSE(stream.OnDeadline(1'659'999).failed.has_value());
  const StreamEvents events = stream.OnDeadline(1'660'000);
  ASSERT_TRUE(events.failed.has_value());
  EXPECT_EQ(events.failed->doc_code, "RT0001");
  EXPECT_EQ(events.failed->error.code, 500U);
  EXPECT_EQ(
      events.failed->error.message,
      "the service read nothing of its journal for 660000 ms "
      "(inactivity timeout and abort timeout together)");
  EXPECT_TRUE(stream.over());
}

TEST(Stream, BytesThatLeaveAfterTheReplayMoveNoDeadline) {
  auto stream = OpenStream();
  stream->OnSent(30'000);
  EXPECT_EQ(stream->NextDeadline()->at_ms, 60'000U);
  stream->RequestSuspension(40'000);
  stream->OnSent(50'000);
  EXPECT_EQ(stream->NextDeadline()->at_ms, 640'000U);
}

TEST(Stream, SuspensionAfterTheRequestEndsWell) {
  auto stream = OpenStream();
  stream->RequestSuspension(5);
  EXPECT_TRUE(stream->TakeOutput().half_close);
  stream->RequestSuspension(6);
  EXPECT_FALSE(stream->has_output());
  const StreamEvents events = stream->OnBytes(FrameOf(MessageType::kSuspension, Hex("120101")), 7);
  ASSERT_TRUE(events.append.has_value());
  EXPECT_FALSE(stream->TakeOutput().half_close);  // closed already
  EXPECT_FALSE(stream->OnEnd().failed.has_value());
}

TEST(Stream, RequestDuringReplayWaitsForTheCut) {
  StartAttempt start = Start();
  start.known_entries = 2;
  start.journal = Chunk({Input()}, 0, 1);
  InvocationStream stream(start, 1 << 20, 0);
  stream.RequestSuspension(1);
  EXPECT_FALSE(stream.TakeOutput().half_close);
  ASSERT_TRUE(stream.TakeReadRequest().has_value());
  stream.OnNotify(Notify(Chunk({RunEntry(1), RunDone(2, "late")}, 1, 3)), 2);
  const StreamOutput output = stream.TakeOutput();
  EXPECT_TRUE(output.half_close);
  EXPECT_EQ(FramesIn(Bytes(output)), (std::vector<std::string>{"0411:5801", "8011:6c617465"}));
}

TEST(Stream, WithoutTwoDirectionsTheBodyEndsBehindTheJournal) {
  StartAttempt one_way = Start();
  auto deployment = std::make_shared<DeploymentSchema>();
  deployment->bidirectional = false;
  one_way.deployment = deployment;
  StartAttempt no_timeout = Start();
  no_timeout.inactivity_timeout = 0;
  for (const StartAttempt& start : {one_way, no_timeout}) {
    InvocationStream stream(start, 1 << 20, 100);
    const StreamOutput output = stream.TakeOutput();
    EXPECT_EQ(FramesIn(Bytes(output)).size(), 2U);
    EXPECT_TRUE(output.half_close);
    ASSERT_TRUE(stream.NextDeadline().has_value());
    EXPECT_EQ(stream.NextDeadline()->kind, DeadlineKind::kAbort);
    EXPECT_EQ(stream.NextDeadline()->at_ms, 100 + start.abort_timeout);
  }
}

TEST(Stream, DrainIsBounded) {
  auto stream = OpenStream();
  stream->OnBytes(EndFrame(), 1'000);
  ASSERT_TRUE(stream->NextDeadline().has_value());
  EXPECT_EQ(stream->NextDeadline()->kind, DeadlineKind::kDrain);
  EXPECT_EQ(stream->NextDeadline()->at_ms, 1'000 + limits::kDrainAfterEndMs);
  EXPECT_FALSE(stream->OnDeadline(1'000 + limits::kDrainAfterEndMs).failed.has_value());
  EXPECT_TRUE(stream->over());
}

TEST(Stream, EndlessTimeoutsDoNotOverflow) {
  StartAttempt start = Start();
  start.inactivity_timeout = ~uint64_t{0};
  InvocationStream stream(start, 1 << 20, 5);
  EXPECT_EQ(stream.NextDeadline()->at_ms, ~uint64_t{0});
}

}  // namespace
}  // namespace perdure
