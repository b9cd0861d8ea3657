// SPDX-License-Identifier: Apache-2.0
//
// A service that breaks HTTP, or answers with something else than frames, over HTTP/2 and HTTP/1.1
// and by bytes written past any codec: each attempt ends with its code (service protocol 4.5), and
// the next one completes. Silence is bounded by the timeouts of the handler.
#include "tests/integration/raw.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace perdure::integration {
namespace {

using testing::HasSubstr;

// A frame of HTTP/2.
std::string Http2Frame(uint8_t type, uint8_t flags, uint32_t stream, std::string_view payload) {
  std::string out;
  const uint64_t head = (uint64_t{payload.size()} << 16) | (uint64_t{type} << 8) | flags;
  for (const int shift : {32, 24, 16, 8, 0}) {
    out += static_cast<char>(static_cast<uint8_t>(head >> shift));
  }
  for (const int shift : {24, 16, 8, 0}) {
    out += static_cast<char>(static_cast<uint8_t>(stream >> shift));
  }
  return out.append(payload);
}

struct Misdeed {
  const char* name;
  void (*commit)(ServiceAttempt& attempt);
  const char* code;
  const char* reason;  // part of last_failure
};

void AnswerWith(ServiceAttempt& attempt, ResponseHead head) {
  attempt.SetHead(std::move(head));
  attempt.SendHead();
  attempt.Finish();
}

const Misdeed kOfAnyHttp[] = {
    {"NoContentType",
     [](ServiceAttempt& a) {
       AnswerWith(a, {200, {}});
     },
     "RT0012",
     "has no content type"},
    {"Json",
     [](ServiceAttempt& a) {
       AnswerWith(a, {200, {{"content-type", "application/json"}}});
     },
     "RT0012",
     "application/json"},
    {"OtherVersion",
     [](ServiceAttempt& a) {
       AnswerWith(a, {200, {{"content-type", "application/vnd.restate.invocation.v9"}}});
     },
     "RT0012",
     "invocation.v9"},
    {"Parameter",
     [](ServiceAttempt& a) {
       AnswerWith(a, {200, {{"content-type", a.header("content-type") + "; charset=utf-8"}}});
     },
     "RT0012",
     "charset"},
    {"NoContent",
     [](ServiceAttempt& a) {
       AnswerWith(a, {204, {}});
     },
     "RT0012",
     "204, expected 200"},
    {"Moved",
     [](ServiceAttempt& a) {
       AnswerWith(a, {301, {{"location", "/elsewhere"}}});
     },
     "RT0012",
     "HTTP status 301"},
    {"BadRequest", [](ServiceAttempt& a) { a.Refuse(400); }, "RT0012", "HTTP status 400"},
    {"Unauthorized", [](ServiceAttempt& a) { a.Refuse(401); }, "RT0012", "HTTP status 401"},
    {"NotFound", [](ServiceAttempt& a) { a.Refuse(404); }, "RT0012", "HTTP status 404"},
    {"TooLarge", [](ServiceAttempt& a) { a.Refuse(413); }, "RT0019", "HTTP status 413"},
    {"Unsupported", [](ServiceAttempt& a) { a.Refuse(415); }, "RT0015", "HTTP status 415"},
    {"TooMany", [](ServiceAttempt& a) { a.Refuse(429); }, "RT0023", "HTTP status 429"},
    {"Failure", [](ServiceAttempt& a) { a.Refuse(500); }, "RT0012", "HTTP status 500"},
    {"BadGateway", [](ServiceAttempt& a) { a.Refuse(502); }, "RT0010", "HTTP status 502"},
    {"Unavailable",
     [](ServiceAttempt& a) {
       a.Refuse(503, {{"retry-after", "0"}});
     },
     "RT0023",
     "HTTP status 503"},
    {"GatewayTimeout", [](ServiceAttempt& a) { a.Refuse(504); }, "RT0010", "HTTP status 504"},
    {"UnknownStatus", [](ServiceAttempt& a) { a.Refuse(799); }, "RT0012", "HTTP status 799"},
    {"Disconnect",
     [](ServiceAttempt& a) { a.Disconnect(); },
     "RT0010",
     "the connection to the service failed: "},
    {"EndWithoutALastWord",
     [](ServiceAttempt& a) { a.Finish(); },
     "RT0007",
     "ended the stream without a result"},
    {"EndInsideAFrame",
     [](ServiceAttempt& a) {
       a.SendBytes(Hex("0411000000000009 5801"));
       a.Finish();
     },
     "RT0007",
     "in the middle of a message"},
};

const Misdeed kOfHttp2[] = {
    {"Reset", [](ServiceAttempt& a) { a.Reset(); }, "RT0010", "stream reset by the peer"},
    {"GoAwayOverTheStream",
     [](ServiceAttempt& a) {
       a.SendHead();
       a.SendOnWire(Http2Frame(7, 0, 0, Hex("00000000 00000000")));
     },
     "RT0010",
     "going away"},
    {"GoAwayAndClose",
     [](ServiceAttempt& a) {
       a.SendHead();
       a.SendOnWire(Http2Frame(7, 0, 0, Hex("7fffffff 00000002")));
       a.Disconnect();
     },
     "RT0010",
     ""},
    {"DataOnStreamZero",
     [](ServiceAttempt& a) { a.SendOnWire(Http2Frame(0, 0, 0, "x")); },
     "RT0010",
     ""},
    {"DataBeforeTheHead",
     [](ServiceAttempt& a) { a.SendOnWire(Http2Frame(0, 0, a.stream(), "x")); },
     "RT0010",
     ""},
    {"HeadThatIsNone",
     [](ServiceAttempt& a) { a.SendOnWire(Http2Frame(1, 4, a.stream(), "\xff\xff\xff\xff\xff")); },
     "RT0010",
     ""},
    {"HeadWithoutAStatus",
     [](ServiceAttempt& a) { a.SendOnWire(Http2Frame(1, 4, a.stream(), Hex("0001610162"))); },
     "RT0010",
     ""},
    {"PushPromise",
     [](ServiceAttempt& a) {
       a.SendOnWire(Http2Frame(5, 4, a.stream(), Hex("00000002 82868441 0161")));
     },
     "RT0010",
     ""},
    {"FrameTooLong",
     [](ServiceAttempt& a) {
       a.SendHead();
       a.SendOnWire(Http2Frame(0, 0, a.stream(), std::string(1 << 20, 'x')));
     },
     "RT0010",
     ""},
    {"NoHttp2AtAll",
     [](ServiceAttempt& a) { a.SendOnWire("HTTP/1.1 200 OK\r\n\r\n"); },
     "RT0010",
     ""},
};

const Misdeed kOfHttp11[] = {
    {"NoHttp", [](ServiceAttempt& a) { a.SendOnWire("go away\r\n\r\n"); }, "RT0010", "malformed"},
    {"ShortBody",
     [](ServiceAttempt& a) {
       a.SendOnWire(
           "HTTP/1.1 200 OK\r\ncontent-length: 100\r\ncontent-type: " + a.header("content-type") +
           "\r\n\r\n" + Hex("0411000000000009 5801"));
       a.Disconnect();
     },
     "RT0010",
     "connection closed by the peer"},
    {"BrokenChunk",
     [](ServiceAttempt& a) {
       a.SendOnWire(
           "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-type: " +
           a.header("content-type") + "\r\n\r\nzz\r\n");
     },
     "RT0010",
     "malformed"},
    {"EndlessHead",
     [](ServiceAttempt& a) {
       a.SendOnWire("HTTP/1.1 200 OK\r\nx: " + std::string(2 * limits::kHttpHeadMax, 'x'));
     },
     "RT0010",
     ""},
    {"SwitchOfProtocols",
     [](ServiceAttempt& a) {
       a.SendOnWire("HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\n\r\n");
       a.Disconnect();
     },
     "RT0010",
     ""},
};

// One server for each.
class MisbehavingHttpTest : public testing::Test {
 protected:
  static void Check(RawWorld& world, const Misdeed& misdeed) {
    SCOPED_TRACE(misdeed.name);
    const auto first = world.Begin();
    misdeed.commit(*first);
    const auto second = world.Next();
    const Json seen = world.server.Invocation(world.last_id);
    EXPECT_EQ(seen.value("last_failure_error_code", ""), misdeed.code) << seen;
    EXPECT_THAT(seen.value("last_failure", ""), HasSubstr(misdeed.reason)) << seen;
    EXPECT_EQ(second->known_entries(), 1U);
    EXPECT_EQ(world.server.Call("Test/echo", "others too").body, "others too");
    second->Complete("\"behaves\"");
    EXPECT_EQ(world.ResultOf(world.last_id), "\"behaves\"");
  }
};

TEST_F(MisbehavingHttpTest, OverHttp2EndsItsAttemptOnly) {
  RawWorld world(RawManifest(6));
  for (const Misdeed& misdeed : kOfAnyHttp) {
    Check(world, misdeed);
  }
  for (const Misdeed& misdeed : kOfHttp2) {
    Check(world, misdeed);
  }
}

TEST_F(MisbehavingHttpTest, OverHttp11EndsItsAttemptOnly) {
  RawWorld world(RawManifest(6, Service::Mode::kRequestResponse), Json{{"use_http_11", true}});
  for (const Misdeed& misdeed : kOfAnyHttp) {
    Check(world, misdeed);
  }
  for (const Misdeed& misdeed : kOfHttp11) {
    Check(world, misdeed);
  }
}

TEST_F(MisbehavingHttpTest, HeadsThatOnlyInformAreNone) {
  RawWorld world(RawManifest(6));
  const auto attempt = world.Begin();
  // HEADERS with ":status: 103", twice.
  attempt->SendOnWire(Http2Frame(1, 4, attempt->stream(), Hex("0803313033")));
  attempt->SendOnWire(Http2Frame(1, 4, attempt->stream(), Hex("0803313030")));
  attempt->Complete("\"end\"");
  EXPECT_EQ(world.ResultOf(world.last_id), "\"end\"");
  EXPECT_EQ(world.service.attempts("Test/held"), 1U);

  RawWorld http11(RawManifest(6, Service::Mode::kRequestResponse), Json{{"use_http_11", true}});
  const auto other = http11.Begin();
  other->SendOnWire(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"
      "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: " +
      other->header("content-type") + "\r\n\r\n" +
      Hex("0401000000000005 7203 0a0178 0003000000000000"));
  other->Disconnect();
  EXPECT_EQ(http11.ResultOf(http11.last_id), "x");
  EXPECT_EQ(http11.service.attempts("Test/held"), 1U);
}

// Reference bug of 1.7.5: a flood of empty DATA frames. It is no progress: the handler's timeouts
// end the attempt, and others are served meanwhile.
TEST_F(MisbehavingHttpTest, EmptyDataFramesAreNoSignOfLife) {
  RawWorld world(RawManifest(6));
  const auto attempt = world.Begin("Test/hasty", "Test/hasty");
  attempt->SendHead();
  std::string flood;
  for (int i = 0; i < 10'000; ++i) {
    flood += Http2Frame(0, 0, attempt->stream(), "");
  }
  attempt->SendOnWire(flood);
  EXPECT_EQ(world.server.Call("Test/echo", "others too").body, "others too");
  const auto second = world.Next("Test/hasty");
  const std::string code = world.ErrorCodeOf(world.last_id);
  EXPECT_TRUE(code == "RT0001" || code == "RT0010") << code;
  second->Complete("\"end\"");
  EXPECT_EQ(world.ResultOf(world.last_id), "\"end\"");
}

class SilenceTest : public testing::TestWithParam<Service::Mode> {};

// What the SDK says before it falls silent does not matter.
TEST_P(SilenceTest, EndsWithTheTimeoutsOfTheHandler) {
  RawWorld world(RawManifest(6, GetParam()));
  std::vector<void (*)(ServiceAttempt&)> silences{
      [](ServiceAttempt&) {},
      [](ServiceAttempt& a) { a.SendHead(); },
      [](ServiceAttempt& a) { a.SendBytes(Hex("0411000000000002 5801")); },
      [](ServiceAttempt& a) { a.SendBytes(Hex("0411000000000009 5801")); },
      [](ServiceAttempt& a) { a.SendBytes("\4"); }};
  for (const auto& silence : silences) {
    const auto begun = SteadyClock::now();
    const auto first = world.Begin("Test/hasty", "Test/hasty");
    silence(*first);
    const auto second = world.Next("Test/hasty");
    const auto waited = SteadyClock::now() - begun;
    const bool bidirectional = GetParam() == Service::Mode::kBidirectional;
    EXPECT_GE(
        waited,
        std::chrono::milliseconds(kHastyAbortMs + (bidirectional ? kHastyInactivityMs : 0)));
    EXPECT_EQ(world.ErrorCodeOf(world.last_id), "RT0001");
    EXPECT_TRUE(first->AwaitGone());
    EXPECT_EQ(first->reset_code(), 8U) << "CANCEL";
    second->Complete("\"end\"");
    EXPECT_EQ(world.ResultOf(world.last_id), "\"end\"");
  }
}

INSTANTIATE_TEST_SUITE_P(
    Of,
    SilenceTest,
    testing::Values(Service::Mode::kBidirectional, Service::Mode::kRequestResponse),
    [](const auto& param_info) {
      return param_info.param == Service::Mode::kBidirectional ? "BidiStream" : "RequestResponse";
    });

}  // namespace
}  // namespace perdure::integration
