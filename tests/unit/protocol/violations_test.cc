// SPDX-License-Identifier: Apache-2.0
//
// What an SDK may not do, and what its HTTP answers mean (service protocol 4.3 and 4.5), by table.
#include "helpers.h"
#include "protocol/response_head.h"

#include <gtest/gtest.h>

namespace perdure {
namespace {

using test::FrameOf;
using test::Hex;
using test::OpenStream;
using test::Start;

TEST(Violations, FailTheAttemptAndKeepWhatCameBefore) {
  static const struct {
    std::string_view what;
    uint16_t type;
    std::string_view payload;
    std::string_view message;
  } kCases[] = {
      {"Start", 0x0000, "", "unexpected message Start"},
      {"CommandAck", 0x0004, "0801", "unexpected message CommandAck"},
      {"ack of a run", 0x0007, "0801", "unexpected message ProposeRunCompletionAck"},
      {"AwaitingOn before version 7", 0x0006, "0a030a0101", "unexpected message AwaitingOn"},
      {"unknown control", 0x0008, "", "unexpected message 0x0008"},
      {"Input", 0x0400, "7200", "unexpected message InputCommand"},
      {"notification", 0x800c, "08012200", "unexpected message SleepNotification"},
      {"signal", 0xfbff, "10012200", "unexpected message SignalNotification"},
      {"unknown notification", 0x8010, "", "unexpected message 0x8010"},
      {"unknown command", 0x04ff, "", "unknown message type 0x04ff"},
      {"unused command", 0x040f, "", "unknown message type 0x040f"},
      {"broken command", 0x0411, "58", "cannot decode the payload of RunCommand"},
      {"broken proposal", 0x0005, "0801", "cannot decode the payload of ProposeRunCompletion"},
      {"broken error", 0x0002, "12", "cannot decode the payload of Error"},
      {"broken end", 0x0003, "ff", "cannot decode the payload of End"},
      {"empty suspension", 0x0001, "", "cannot decode the payload of Suspension"},
      {"tree before version 7", 0x0001, "22030a0101", "cannot decode the payload of Suspension"},
  };
  const std::string good = FrameOf(MessageType::kRunCommand, Hex("5801"));
  for (const auto& c : kCases) {
    auto stream = OpenStream();
    const StreamEvents events = stream->OnBytes(good + FrameOf(c.type, Hex(c.payload)) + good, 0);
    ASSERT_TRUE(events.append.has_value()) << c.what;
    EXPECT_EQ(events.append->frames.size(), 1U) << c.what;
    ASSERT_TRUE(events.failed.has_value()) << c.what;
    EXPECT_EQ(events.failed->doc_code, "RT0012") << c.what;
    EXPECT_EQ(events.failed->error.code, 571U) << c.what;
    EXPECT_TRUE(events.failed->reached_sdk) << c.what;
    EXPECT_NE(events.failed->error.message.find(c.message), std::string::npos)
        << c.what << ": " << events.failed->error.message;
    EXPECT_TRUE(stream->over()) << c.what;
    EXPECT_FALSE(stream->OnBytes(good, 0).append.has_value()) << c.what;
  }
}

TEST(Violations, CustomEntriesAreNone) {
  auto stream = OpenStream();
  const StreamEvents events = stream->OnBytes(FrameOf(0xfc00, "opaque \xff"), 0);
  EXPECT_FALSE(events.failed.has_value());
  ASSERT_TRUE(events.append.has_value());
  EXPECT_EQ(events.append->frames[0].payload.view(), "opaque \xff");
}

TEST(Violations, FlagsAreIgnoredButTheAck) {
  auto stream = OpenStream();
  const StreamEvents events = stream->OnBytes(
      FrameOf(MessageType::kRunCommand, "", 0x7fff) + FrameOf(MessageType::kRunCommand, "", 0x8001),
      0);
  ASSERT_TRUE(events.append.has_value());
  EXPECT_FALSE(events.append->frames[0].requested_ack);
  EXPECT_TRUE(events.append->frames[1].requested_ack);
}

TEST(Violations, FramesHaveALimit) {
  const std::string small = FrameOf(0xfc00, std::string(99, 'x'));
  const std::string large = FrameOf(0xfc00, std::string(100, 'x'));
  for (size_t split = 0; split <= large.size(); ++split) {
    auto stream = OpenStream(Start(), 100);
    StreamEvents first = stream->OnBytes(small + large.substr(0, split), 0);
    ASSERT_TRUE(first.append.has_value());
    EXPECT_EQ(first.append->frames.size(), 1U);
    if (!first.failed.has_value()) {
      EXPECT_LT(split, FrameHeader::kBytes);  // refused as soon as the header is there
      first = stream->OnBytes(large.substr(split), 0);
    }
    ASSERT_TRUE(first.failed.has_value());
    EXPECT_EQ(first.failed->doc_code, "RT0012");
    EXPECT_NE(first.failed->error.message.find("0xfc00 frame of 100 bytes"), std::string::npos)
        << first.failed->error.message;
  }
}

TEST(Violations, AnAnnouncedGiantIsRefusedByItsHeader) {
  auto stream = OpenStream();
  EXPECT_TRUE(stream->OnBytes(Hex("0411 0000 ffffffff"), 0).failed.has_value());
}

TEST(ResponseHead, Table) {
  static const struct {
    int status;
    std::string_view content_type;
    std::string_view doc_code;
    bool reached_sdk;
  } kCases[] = {
      {200, "", "RT0012", true},
      {200, "application/json", "RT0012", true},
      {200, "application/vnd.restate.invocation.v5", "RT0012", true},
      {200, "application/vnd.restate.invocation.v6; x=y", "RT0012", true},
      {204, "application/vnd.restate.invocation.v6", "RT0012", true},
      {302, "", "RT0012", true},
      {401, "", "RT0012", true},
      {404, "", "RT0012", true},
      {413, "", "RT0019", true},
      {415, "", "RT0015", false},
      {429, "", "RT0023", true},
      {500, "", "RT0012", true},
      {502, "", "RT0010", true},
      {503, "", "RT0023", true},
      {504, "", "RT0010", true},
  };
  for (const auto& c : kCases) {
    InvocationStream stream(Start(), 1 << 20, 0);
    HttpHeaders headers{{"retry-after", "7"}};
    if (!c.content_type.empty()) {
      headers.Add("content-type", std::string(c.content_type));
    }
    const StreamEvents events = stream.OnHead(c.status, headers, 0, 0);
    ASSERT_TRUE(events.failed.has_value()) << c.status;
    EXPECT_EQ(events.failed->doc_code, c.doc_code) << c.status;
    EXPECT_EQ(events.failed->error.code, 500U) << c.status;
    EXPECT_EQ(events.failed->reached_sdk, c.reached_sdk) << c.status;
    const bool limited = c.status == 429 || c.status == 503;
    EXPECT_EQ(events.failed->retry_after.has_value(), limited) << c.status;
    EXPECT_EQ(events.failed->retry_after.value_or(7000), 7000U) << c.status;
    EXPECT_TRUE(stream.over()) << c.status;
  }
}

TEST(ResponseHead, TheContentTypeIsThatOfTheVersion) {
  StartAttempt start = Start();
  start.protocol_version = 5;
  InvocationStream stream(start, 1 << 20, 0);
  EXPECT_FALSE(stream.OnHead(200, test::GoodHead(5), 0, 0).failed.has_value());
  EXPECT_EQ(InvocationContentType(5), "application/vnd.restate.invocation.v5");
}

TEST(RetryAfter, Forms) {
  constexpr TimeMs kNow = 784'111'777'000;  // Sun, 06 Nov 1994 08:49:37 GMT
  static const struct {
    std::string_view value;
    std::optional<DurationMs> expected;
  } kCases[] = {
      {"0", 0},
      {"120", 120'000},
      {" 5\t", 5'000},
      {"99999999999999999999999", 365ULL * 86'400'000},
      {"Sun, 06 Nov 1994 08:50:37 GMT", 60'000},
      {"Sun, 6 Nov 1994 08:50:37 GMT", 60'000},
      {"sun, 06 nov 1994 08:50:37 gmt", 60'000},
      {"06 Nov 1994 08:50:37 GMT", 60'000},
      {"Sun, 06 Nov 1994 08:50 GMT", 23'000},
      {"Sun, 06 Nov 1994 09:50:37 +0100", 60'000},
      {"Sun, 06 Nov 1994 00:50:37 -0800", 60'000},
      {"Sun, 06 Nov 94 08:50:37 UT", 60'000},
      {"Sunday, 06-Nov-94 08:50:37 GMT", 60'000},
      {"Sun Nov  6 08:50:37 1994", 60'000},
      {"Mon, 07 Nov 1994 08:49:37 GMT", 86'400'000},
      {"Thu, 01 Jan 2150 00:00:00 GMT", 365ULL * 86'400'000},
      {"Sun, 06 Nov 1994 08:49:37 GMT", std::nullopt},  // now
      {"Sun, 06 Nov 1994 08:49:36 GMT", std::nullopt},  // past
      {"Sun, 06 Nov 1994 25:50:37 GMT", std::nullopt},
      {"Sun, 06 Nov 1994 08:61:37 GMT", std::nullopt},
      {"Sun, 32 Nov 1994 08:50:37 GMT", std::nullopt},
      {"Sun, 06 Foo 1994 08:50:37 GMT", std::nullopt},
      {"Sun, 06 Nov 1994 08:50:37 CET", std::nullopt},
      {"Sun, 06 Nov 1994 08:50:37 +0199", std::nullopt},
      {"Sun, 06 Nov 1994 08:50:37", std::nullopt},
      {"", std::nullopt},
      {"-5", std::nullopt},
      {"1.5", std::nullopt},
      {"soon", std::nullopt},
      {"a b c d e", std::nullopt},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(ParseRetryAfter(c.value, kNow), c.expected) << c.value;
  }
}

}  // namespace
}  // namespace perdure
