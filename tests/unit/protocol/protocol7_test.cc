// SPDX-License-Identifier: Apache-2.0
//
// Version 7 of the service protocol on the wire: acknowledgements, futures, what an SDK awaits
// (service protocol 2.6, 3.7, 3.12). Frames as they were captured: service protocol 9.
#include "helpers.h"
#include "perdure/base/limits.h"
#include "perdure/protocol/invocation_stream.h"
#include "perdure/protocol/notifications.h"
#include "protocol/control_decode.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace perdure {
namespace {

using test::Bytes;
using test::Chunk;
using test::Entry;
using test::FrameOf;
using test::FramesIn;
using test::Hex;
using test::Notify;
using test::OpenStream;
using test::Start;

using Texts = std::vector<std::string>;

StartAttempt StartOf(int version) {
  StartAttempt start = Start();
  start.protocol_version = version;
  return start;
}

JournalEntry RunDone(JournalIndex index, CompletionId id) {
  const SharedBytes payload = EncodeResultCompletion(id, SharedBytes::Copy("\"r:z\""));
  return Entry(index, MessageType::kRunCompletion, std::string(payload.view()));
}

Texts SentAfter(InvocationStream& stream, const NotifyAttempt& notify) {
  stream.OnNotify(notify, 1);
  return FramesIn(Bytes(stream.TakeOutput()));
}

const std::string kAskingProposal = Hex("0005800000000009 0801 720522723a7a22");

TEST(Version7, AcknowledgesARunInThePlaceOfItsNotification) {
  const auto stream = OpenStream(StartOf(7));
  const StreamEvents events = stream->OnBytes(Hex("0411000000000002 5801") + kAskingProposal, 0);
  ASSERT_TRUE(events.append.has_value());
  EXPECT_TRUE(events.append->frames.at(1).requested_ack);
  const JournalEntry cancel = Entry(1, MessageType::kSignal, Hex("1001 2200"));
  EXPECT_EQ(
      SentAfter(*stream, Notify(Chunk({cancel, RunDone(3, 1)}, 1, 4))),
      (Texts{"fbff:10012200", "0007:0801"}));
}

TEST(Version7, TellsTheResultToWhomDoesNotAsk) {
  const auto stream = OpenStream(StartOf(7));
  stream->OnBytes(Hex("0005000000000009 0801 7205 22723a7a22"), 0);
  stream->OnBytes(Hex("0005800000000009 0802 7205 22723a7a22"), 0);
  EXPECT_EQ(
      SentAfter(*stream, Notify(Chunk({RunDone(1, 1), RunDone(2, 2)}, 1, 3))),
      (Texts{"8011:08012a070a0522723a7a22", "0007:0802"}));
}

TEST(Version7, OlderVersionsGetTheResultEvenIfTheyAsk) {
  for (const int version : {5, 6}) {
    const auto stream = OpenStream(StartOf(version));
    stream->OnBytes(kAskingProposal, 0);
    EXPECT_EQ(
        SentAfter(*stream, Notify(Chunk({RunDone(1, 1)}, 1, 2))),
        (Texts{"8011:08012a070a0522723a7a22"}));
  }
}

TEST(Version7, AReplayHasTheNotificationAndNoAcknowledgement) {
  StartAttempt start = StartOf(7);
  start.known_entries = 2;
  start.journal = Chunk({Entry(0, MessageType::kInputCommand, Hex("7200")), RunDone(1, 1)}, 0, 2);
  InvocationStream stream(start, 1 << 20, 0);
  const Texts frames = FramesIn(Bytes(stream.TakeOutput()));
  ASSERT_EQ(frames.size(), 3U);
  EXPECT_EQ(frames[2], "8011:08012a070a0522723a7a22");
}

TEST(Version7, AcknowledgesCommandsInEveryVersion) {
  for (const int version : {5, 6, 7}) {
    const auto stream = OpenStream(StartOf(version));
    NotifyAttempt notify = Notify(Chunk({RunDone(3, 1)}, 1, 4));
    notify.command_acks = {1, 2, 300};
    EXPECT_EQ(
        SentAfter(*stream, notify),
        (Texts{"0004:0801", "0004:0802", "0004:08ac02", "8011:08012a070a0522723a7a22"}));
  }
}

TEST(Version7, AcknowledgesCommandsBehindTheReplay) {
  StartAttempt start = StartOf(7);
  start.known_entries = 2;
  start.journal.journal_length = 2;
  const auto stream = OpenStream(start);
  NotifyAttempt early = Notify(Chunk({}, 1, 1));
  early.chunk.journal_length = 2;
  early.lagging = true;
  early.command_acks = {1};
  EXPECT_EQ(SentAfter(*stream, early), Texts{});
  EXPECT_EQ(
      SentAfter(*stream, Notify(Chunk({RunDone(1, 1)}, 1, 2))),
      (Texts{"8011:08012a070a0522723a7a22", "0004:0801"}));
}

TEST(Version7, KeepsWhatTheSdkSaysItAwaits) {
  const auto stream = OpenStream(StartOf(7));
  EXPECT_TRUE(stream->awaiting_on().empty());
  const StreamEvents events =
      stream->OnBytes(Hex("000600000000000f 0a0d 120101 2206 0a020102 2804 2801"), 5);
  EXPECT_FALSE(events.append.has_value());
  EXPECT_FALSE(events.failed.has_value());
  const WaitNode cancel{{}, {1}, {}, Combinator::kFirstCompleted};
  const WaitNode all{{1, 2}, {}, {}, Combinator::kAllSucceededOrFirstFailed, 0};
  EXPECT_EQ(stream->awaiting_on(), (WaitSet{{cancel, all}}));
  EXPECT_EQ(stream->NextDeadline()->at_ms, 60'005U);  // a frame like any
  stream->OnBytes(Hex("000600000000000a 0a08 0a0101 120101 2801"), 6);
  const WaitNode any{{1}, {1}, {}, Combinator::kFirstCompleted};
  EXPECT_EQ(stream->awaiting_on(), (WaitSet{{any}}));
}

// What stands before `size` bytes in a field.
std::string HeadOf(char tag, size_t size) {
  std::string out(1, tag);
  for (; size >= 0x80; size >>= 7) {
    out += static_cast<char>(static_cast<uint8_t>(size | 0x80));
  }
  return out + static_cast<char>(size);
}

std::string WithLength(char tag, const std::string& bytes) {
  return HeadOf(tag, bytes.size()) + bytes;
}

// `depth` nodes below the root, in a suspension or in the hint.
std::string NestedFuture(uint32_t depth, char tag) {
  std::string bytes = Hex("0801");
  for (uint32_t i = 0; i < depth; ++i) {
    bytes = WithLength('\x22', bytes) + Hex("2801");
  }
  return WithLength(tag, bytes);
}

TEST(Version7, FuturesMayBeAsDeepAsTheLimit) {
  const SharedBytes payload(NestedFuture(limits::kFutureDepthMax, '\x22'));
  const Result<SdkMessage> message = DecodeControl(MessageType::kSuspension, payload, 7);
  ASSERT_TRUE(message.ok());
  const std::vector<WaitNode>& nodes = std::get<Suspension>(*message).wait_set.nodes;
  ASSERT_EQ(nodes.size(), limits::kFutureDepthMax + 1);
  EXPECT_EQ(nodes.back().parent, limits::kFutureDepthMax - 1);
  EXPECT_EQ(nodes.back().completions, (std::vector<CompletionId>{1}));
}

TEST(Version7, ADeeperFuturePausesAndSaysSo) {
  const auto stream = OpenStream(StartOf(7));
  const std::string payload = NestedFuture(limits::kFutureDepthMax + 1, '\x22');
  const StreamEvents events = stream->OnBytes(FrameOf(MessageType::kSuspension, payload), 0);
  ASSERT_TRUE(events.failed.has_value());
  EXPECT_EQ(events.failed->doc_code, "RT0025");
  EXPECT_EQ(events.failed->error.behavior, ErrorBehavior::kPause);
  EXPECT_NE(events.failed->error.message.find("nested deeper than 1000"), std::string::npos);
  EXPECT_TRUE(stream->over());
}

TEST(Version7, ADepthThatNoStackWouldHoldIsRefusedToo) {
  // Each level costs a few bytes, so a frame of the default size holds millions.
  size_t inside = 2;
  std::vector<std::string> heads;
  for (int i = 0; i < 200'000; ++i) {
    heads.push_back(HeadOf('\x22', inside));
    inside += heads.back().size();
  }
  std::string payload;
  for (auto head = heads.rbegin(); head != heads.rend(); ++head) {
    payload += *head;
  }
  payload += Hex("0801");
  const Result<SdkMessage> message =
      DecodeControl(MessageType::kSuspension, SharedBytes(std::move(payload)), 7);
  ASSERT_FALSE(message.ok());
  EXPECT_EQ(message.error().code, ErrorCode::kLimit);
}

TEST(Version7, WhatIsAwaitedIsBoundedInEveryVersion) {
  const std::string packed = WithLength('\x0a', std::string(limits::kAwaitedMax, '\1'));
  const std::string one_less = WithLength('\x0a', std::string(limits::kAwaitedMax - 1, '\1'));
  const auto code = [](const std::string& payload, int version) {
    const Result<SdkMessage> message =
        DecodeControl(MessageType::kSuspension, SharedBytes(payload), version);
    return message.ok()                                ? std::string("ok")
           : message.error().code == ErrorCode::kLimit ? "limit"
                                                       : "other";
  };
  EXPECT_EQ(code(packed, 6), "ok");
  EXPECT_EQ(code(packed + Hex("0801"), 6), "limit");
  EXPECT_EQ(code(WithLength('\x22', one_less), 7), "ok");  // the root counts too
  EXPECT_EQ(code(WithLength('\x22', packed), 7), "limit");
  std::string nodes;
  for (size_t i = 0; i < limits::kAwaitedMax / 2; ++i) {
    nodes += Hex("2202 0801");
  }
  EXPECT_EQ(code(WithLength('\x22', nodes), 7), "limit");
}

TEST(Version7, AHintThatIsTooMuchIsNotKept) {
  const auto stream = OpenStream(StartOf(7));
  stream->OnBytes(Hex("000600000000000a 0a08 0a0101 120101 2801"), 0);
  ASSERT_FALSE(stream->awaiting_on().empty());
  const std::string deep = NestedFuture(limits::kFutureDepthMax + 1, '\x0a');
  EXPECT_FALSE(stream->OnBytes(FrameOf(MessageType::kAwaitingOn, deep), 0).failed.has_value());
  EXPECT_TRUE(stream->awaiting_on().empty());
  stream->OnBytes(Hex("000600000000000a 0a08 0a0101 120101 2801"), 0);
  const std::string wide =
      WithLength('\x0a', WithLength('\x0a', std::string(limits::kAwaitedShownMax, '\1')));
  EXPECT_FALSE(stream->OnBytes(FrameOf(MessageType::kAwaitingOn, wide), 0).failed.has_value());
  EXPECT_TRUE(stream->awaiting_on().empty());
}

TEST(Version7, MalformedFuturesAreRefused) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "no future"},
      {"0a0101", "the lists of older versions"},
      {"2200", "an empty one"},
      {"2202 2200", "an empty node"},
      {"2205 0a0101 2200", "an empty node beside a leaf"},
      {"2205 0a0101 2805", "an unknown combinator"},
      {"2203 0a0201", "a list that is cut off"},
      {"2203 1a01ff", "a name that is no text"}};
  for (const auto& [hex, what] : cases) {
    const Result<SdkMessage> message =
        DecodeControl(MessageType::kSuspension, SharedBytes(Hex(hex)), 7);
    ASSERT_FALSE(message.ok()) << what;
    EXPECT_EQ(message.error().message, "cannot decode the payload of Suspension") << what;
  }
}

TEST(Version7, NodesStandBehindTheirParents) {
  // first(c1 all(c2 any("x")) settled(c4))
  const SharedBytes payload(Hex("2218 0801 220b 0802 2804 2205 1a0178 2800 2205 0a0104 2802 2801"));
  const Result<SdkMessage> message = DecodeControl(MessageType::kSuspension, payload, 7);
  ASSERT_TRUE(message.ok());
  const WaitNode root{{1}, {}, {}, Combinator::kFirstCompleted};
  const WaitNode all{{2}, {}, {}, Combinator::kAllSucceededOrFirstFailed, 0};
  const WaitNode settled{{4}, {}, {}, Combinator::kAllCompleted, 0};
  const WaitNode any{{}, {}, {"x"}, Combinator::kUnknown, 1};
  EXPECT_EQ(std::get<Suspension>(*message).wait_set, (WaitSet{{root, all, settled, any}}));
}

TEST(Version7, ErrorsSayWhatIsToBecomeOfTheInvocation) {
  const auto behavior = [](std::string_view hex) {
    const Result<SdkMessage> message = DecodeControl(MessageType::kError, SharedBytes(Hex(hex)), 6);
    EXPECT_TRUE(message.ok());
    return std::get<AttemptError>(*message).behavior;
  };
  EXPECT_EQ(behavior("08f403"), ErrorBehavior::kRetry);
  EXPECT_EQ(behavior("08f403 4801"), ErrorBehavior::kPause);
  EXPECT_EQ(behavior("08f403 40c801 4802"), ErrorBehavior::kFail);
  EXPECT_EQ(behavior("08f403 4809"), ErrorBehavior::kRetry);
}

}  // namespace
}  // namespace perdure
