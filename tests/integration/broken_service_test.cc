// SPDX-License-Identifier: Apache-2.0
//
// A service that breaks the protocol, at any layer: the attempt ends with a reason that an operator
// can read, another one is made, and the invocation finishes when the service behaves.
#include "tests/integration/test_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>

namespace perdure::integration {
namespace {

using testing::HasSubstr;

struct Misdeed {
  const char* name;
  void (*commit)(ServiceAttempt& attempt);
  const char* reason;  // part of last_failure
  friend std::ostream& operator<<(std::ostream& out, const Misdeed& misdeed) {
    return out << misdeed.name;
  }
};

std::string HalfAFrame() {
  return EncodeFrame(MessageType::kRunCommand, std::string(100, 'x')).substr(0, 50);
}

std::string HeaderOfAHugeFrame() {
  std::string header;
  FrameHeader{MessageType::kOutputCommand, 0, 0x7fffffff}.AppendTo(header);
  return header;
}

const Misdeed kMisdeeds[] = {
    {"MalformedFrame",
     [](ServiceAttempt& a) { a.SendBytes(EncodeFrame(MessageType::kRunCommand, "\xff\xff\xff")); },
     "[571 Protocol Violation] the service broke the protocol: cannot decode the payload of "
     "RunCommand"},
    {"FrameTooLarge",
     [](ServiceAttempt& a) { a.SendBytes(HeaderOfAHugeFrame()); },
     "a OutputCommand frame of 2147483647 bytes is over the message size limit"},
    {"UnknownMessageType",
     [](ServiceAttempt& a) { a.SendBytes(EncodeFrame(static_cast<MessageType>(0x0333), "")); },
     "the service broke the protocol: unexpected message 0x0333"},
    {"MessageOfTheServer",
     [](ServiceAttempt& a) { a.SendBytes(EncodeFrame(MessageType::kStart, "")); },
     "the service broke the protocol: unexpected message Start"},
    {"DisconnectMidStream",
     [](ServiceAttempt& a) {
       a.SendBytes(HalfAFrame());
       a.Disconnect();
     },
     "the connection to the service failed: "},
    {"EndOfStreamInTheMiddleOfAMessage",
     [](ServiceAttempt& a) {
       a.SendBytes(HalfAFrame());
       a.Finish();
     },
     "the service ended the stream in the middle of a message"},
    {"EndOfStreamWithoutALastWord",
     [](ServiceAttempt& a) { a.Finish(); },
     "the service ended the stream without a result, a suspension or an error"},
    {"StreamReset", [](ServiceAttempt& a) { a.Reset(); }, "the connection to the service failed: "},
    {"ServerError",
     [](ServiceAttempt& a) { a.Refuse(500); },
     "the service answered with HTTP status 500"},
    {"Overloaded",
     [](ServiceAttempt& a) { a.Refuse(503); },
     "the service is overloaded, it answered with HTTP status 503"},
    {"UnexpectedSuccess",
     [](ServiceAttempt& a) { a.Refuse(201); },
     "the service answered with HTTP status 201, expected 200"},
};

class BrokenServiceTest : public testing::TestWithParam<Misdeed> {};

TEST_P(BrokenServiceTest, AttemptFailsWithAReasonAndIsRepeated) {
  Service service;
  TestServer server;
  ASSERT_NO_FATAL_FAILURE(server.Start());
  server.Register(service);
  const std::string id = server.Send("Test/broken", "input");
  const auto first = service.NextAttempt("Test/broken");
  ASSERT_NE(first, nullptr);

  GetParam().commit(*first);

  const auto second = service.NextAttempt("Test/broken");
  ASSERT_NE(second, nullptr);
  const Json seen = server.Invocation(id);
  EXPECT_THAT(seen.value("last_failure", ""), HasSubstr(GetParam().reason)) << seen;
  EXPECT_EQ(seen.value("status", ""), "running") << seen;
  EXPECT_EQ(second->input(), "input");
  EXPECT_EQ(second->known_entries(), 1U) << "a broken frame came into the journal";

  second->Complete("behaves");

  EXPECT_EQ(server.AttachTo(id).body, "behaves");
  EXPECT_EQ(server.Invocation(id).value("completion_result", ""), "success");
  EXPECT_EQ(server.Call("Test/echo", "others too").body, "others too");
}

INSTANTIATE_TEST_SUITE_P(
    All, BrokenServiceTest, testing::ValuesIn(kMisdeeds), [](const auto& param_info) {
      return std::string(param_info.param.name);
    });

}  // namespace
}  // namespace perdure::integration
