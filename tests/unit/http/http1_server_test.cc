// SPDX-License-Identifier: Apache-2.0
//
// The HTTP/1 server codec against bytes: every answer it may give, and every way a client may be
// slow, wrong or gone.
#include "http/protocol_sniffer.h"
#include "perdure/base/limits.h"
#include "tests/unit/http/http_test_support.h"

#include <gtest/gtest.h>

#include <string>

namespace perdure {
namespace {

using http_test::Echo;
using http_test::Server;

constexpr std::string_view kDate = "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";

std::string Ok(const std::string& body, const std::string& extra = "") {
  return "HTTP/1.1 200 OK\r\ncontent-length: " + std::to_string(body.size()) + "\r\n" + extra +
         std::string(kDate) + "\r\n" + body;
}

TEST(Http1Server, AnswersWithLengthAndDate) {
  Server server;
  server.codec->Feed("GET /a/b?x=1 HTTP/1.1\r\nHost: h:1\r\nX-One: 1\r\nX-One: 2\r\n\r\n");
  ASSERT_EQ(server.requests.size(), 1U);
  EXPECT_EQ(server.codec->activity(), ServerActivity::kAnswering);
  HttpResponse response = Server::Response(201, "hello");
  response.headers.Add("x-restate-id", "inv_1");
  server.codec->Respond(server.streams[0], std::move(response));

  EXPECT_EQ(
      server.Output(),
      "HTTP/1.1 201 Created\r\nx-restate-id: inv_1\r\ncontent-length: 5\r\n" + std::string(kDate) +
          "\r\nhello");
  const HttpRequest& request = server.requests[0];
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.target, "/a/b?x=1");
  EXPECT_EQ(request.authority, "h:1");
  EXPECT_EQ(request.version, HttpVersion::kHttp11);
  const HttpHeaders expected{{"host", "h:1"}, {"x-one", "1"}, {"x-one", "2"}};
  EXPECT_EQ(request.headers.items(), expected.items());
  EXPECT_FALSE(server.codec->wants_close());
  EXPECT_EQ(server.codec->activity(), ServerActivity::kIdle);
}

TEST(Http1Server, SplitsAnywhereMakeNoDifference) {
  const std::string input =
      "POST /p HTTP/1.1\r\nhost: h\r\ncontent-length: 4\r\n\r\nbody"
      "GET /g HTTP/1.1\r\n\r\n"
      "POST /c HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nt: "
      "1\r\n\r\n"
      "PUT /last HTTP/1.1\r\nconnection: close\r\ncontent-length: 1\r\n\r\nz";
  const std::string expected = Ok("POST /p body") + Ok("GET /g ") + Ok("POST /c abcde") +
                               Ok("PUT /last z", "connection: close\r\n");
  for (size_t cut = 0; cut <= input.size(); ++cut) {
    Server server;
    server.handler = Echo;
    server.codec->Feed(BytesView(input).substr(0, cut));
    std::string output = server.Output();
    server.codec->Feed(BytesView(input).substr(cut));
    output += server.Output();
    ASSERT_EQ(output, expected) << "cut at " << cut;
    ASSERT_TRUE(server.codec->wants_close());
  }
  Server server;
  server.handler = Echo;
  std::string output;
  for (const char c : input) {
    server.codec->Feed(BytesView(&c, 1));
    output += server.Output(/*step=*/7);
  }
  EXPECT_EQ(output, expected);
}

TEST(Http1Server, PipelinedRequestWaitsForTheAnswerBeforeIt) {
  Server server;
  server.codec->Feed("GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n");
  ASSERT_EQ(server.requests.size(), 1U);
  server.Answer(0, 200, "one");
  EXPECT_EQ(server.Output(), Ok("one"));
  ASSERT_EQ(server.requests.size(), 2U);
  EXPECT_EQ(server.requests[1].target, "/2");
  server.Answer(1, 200, "two");
  EXPECT_EQ(server.Output(), Ok("two"));
}

TEST(Http1Server, StopsReadingWhenAClientPipelinesTooMuch) {
  Server server;
  server.codec->Feed("GET /1 HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(server.codec->wants_read());
  std::string more;
  for (int i = 0; i < 4000; ++i) {
    more += "GET /2 HTTP/1.1\r\n\r\n";
  }
  server.codec->Feed(more);
  EXPECT_FALSE(server.codec->wants_read());
  server.handler = Echo;
  server.Answer(0, 200, "");
  const std::string output = server.Output();
  EXPECT_EQ(server.requests.size(), 4001U);
  EXPECT_TRUE(server.codec->wants_read());
}

TEST(Http1Server, Http10IsAnsweredAndClosed) {
  Server server;
  server.handler = Echo;
  server.codec->Feed("GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n");
  EXPECT_EQ(
      server.Output(),
      "HTTP/1.0 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n" + std::string(kDate) +
          "\r\nGET / ");
  EXPECT_TRUE(server.codec->wants_close());
}

TEST(Http1Server, HeadGetsTheLengthButNoBody) {
  Server server;
  server.handler = Echo;
  server.codec->Feed("HEAD / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(
      server.Output(),
      "HTTP/1.1 200 OK\r\ncontent-length: 7\r\n" + std::string(kDate) + "\r\n" + Ok("GET / "));
}

TEST(Http1Server, StatusesWithoutBody) {
  for (const int status : {204, 304}) {
    Server server;
    server.codec->Feed("GET / HTTP/1.1\r\n\r\n");
    server.Answer(0, status, "dropped");
    const std::string output = server.Output();
    EXPECT_EQ(output.find("content-length"), std::string::npos) << output;
    EXPECT_EQ(output.substr(output.size() - 4), "\r\n\r\n");
  }
}

TEST(Http1Server, UncommonStatuses) {
  for (const int status : {470, 599, 999}) {
    Server server;
    server.codec->Feed("GET / HTTP/1.1\r\n\r\n");
    server.Answer(0, status, "x");
    const std::string expected = "HTTP/1.1 " + std::to_string(status) + " <none>\r\n";
    EXPECT_EQ(server.Output().substr(0, expected.size()), expected);
  }
}

TEST(Http1Server, ExpectContinue) {
  Server server;
  server.handler = Echo;
  server.codec->Feed("POST / HTTP/1.1\r\nExpect: 100-Continue\r\ncontent-length: 2\r\n\r\n");
  EXPECT_EQ(server.Output(), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(server.codec->activity(), ServerActivity::kReceiving);
  EXPECT_TRUE(server.codec->receiving_body());
  server.codec->Feed("hi");
  EXPECT_EQ(server.Output(), Ok("POST / hi"));
}

TEST(Http1Server, ExpectContinueIsNotSentForABodyThatIsTooLarge) {
  Server server(/*body_size_max=*/10);
  server.codec->Feed("POST / HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 11\r\n\r\n");
  ASSERT_EQ(server.requests.size(), 1U);
  EXPECT_EQ(server.Output(), "");
}

TEST(Http1Server, UpgradeIsIgnored) {
  Server server;
  server.handler = Echo;
  server.codec->Feed(
      "POST / HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
      "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\ncontent-length: 2\r\n\r\nhi");
  EXPECT_EQ(server.Output(), Ok("POST / hi"));
}

TEST(Http1Server, AbsoluteTarget) {
  Server server;
  server.codec->Feed("GET http://other:81/p?q HTTP/1.1\r\nhost: ignored\r\n\r\n");
  ASSERT_EQ(server.requests.size(), 1U);
  EXPECT_EQ(server.requests[0].target, "/p?q");
  EXPECT_EQ(server.requests[0].authority, "other:81");
}

TEST(Http1Server, DeclaredTooLarge) {
  Server server(/*body_size_max=*/10);
  server.codec->Feed("POST / HTTP/1.1\r\ncontent-length: 11\r\n\r\nhello world");
  ASSERT_EQ(server.requests.size(), 1U);
  EXPECT_EQ(server.requests[0].body_state, BodyState::kDeclaredTooLarge);
  EXPECT_TRUE(server.requests[0].body.empty());
  server.Answer(0, 413, "no");
  EXPECT_NE(server.Output().find("connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(server.codec->wants_close());
  server.codec->Feed("GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(server.requests.size(), 1U);
}

TEST(Http1Server, BodyOfExactlyTheLimitIsTaken) {
  Server server(/*body_size_max=*/10);
  server.codec->Feed("POST / HTTP/1.1\r\ncontent-length: 10\r\n\r\n0123456789");
  ASSERT_EQ(server.requests.size(), 1U);
  EXPECT_EQ(server.requests[0].body_state, BodyState::kComplete);
  EXPECT_EQ(server.requests[0].body.view(), "0123456789");
}

TEST(Http1Server, StreamedTooLarge) {
  Server server(/*body_size_max=*/10);
  server.codec->Feed("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n6\r\nabcdef\r\n");
  EXPECT_TRUE(server.requests.empty());
  server.codec->Feed("6\r\nabcdef\r\n");
  ASSERT_EQ(server.requests.size(), 1U);
  EXPECT_EQ(server.requests[0].body_state, BodyState::kStreamedTooLarge);
  EXPECT_TRUE(server.requests[0].body.empty());
  server.Answer(0, 413, "no");
  EXPECT_NE(server.Output().find("connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(server.codec->wants_close());
}

TEST(Http1Server, LargeBodyIsSentInPieces) {
  Server server;
  server.codec->Feed("GET / HTTP/1.1\r\n\r\n");
  const std::string body(300'000, 'b');
  server.Answer(0, 200, body);
  std::string piece;
  server.codec->Produce(piece, 1000);
  EXPECT_LE(piece.size(), 1000U);
  EXPECT_TRUE(server.codec->has_output());
  EXPECT_EQ(piece + server.Output(1000), Ok(body));
}

TEST(Http1Server, HandlerCannotForgeFields) {
  Server server;
  server.codec->Feed("GET / HTTP/1.1\r\n\r\n");
  HttpResponse response = Server::Response(200, "");
  response.headers.Add("x", "a\r\nevil: 1");
  response.headers.Add("content-length", "77");
  response.headers.Add("transfer-encoding", "chunked");
  response.headers.Add("a\r\nb", "c");
  server.codec->Respond(server.streams[0], std::move(response));
  EXPECT_EQ(
      server.Output(),
      "HTTP/1.1 200 OK\r\nx: a  evil: 1\r\ncontent-length: 0\r\n" + std::string(kDate) + "\r\n");
}

TEST(Http1Server, MalformedRequestsAre400AndClose) {
  const std::string_view inputs[] = {
      "G@T / HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.2\r\n\r\n",
      "GET / HTTP/2.0\r\n\r\n",
      "GET / HTTX/1.1\r\n\r\n",
      "GET\r\n\r\n",
      "GET / HTTP/1.1\r\nbad header\r\n\r\n",
      "GET / HTTP/1.1\r\n: empty\r\n\r\n",
      "GET / HTTP/1.1\r\na b: c\r\n\r\n",
      "GET / HTTP/1.1\r\na : c\r\n\r\n",
      "GET / HTTP/1.1\r\nx: \x01\r\n\r\n",
      "POST / HTTP/1.1\r\ncontent-length: x\r\n\r\n",
      "POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
      "POST / HTTP/1.1\r\ncontent-length: 99999999999999999999999\r\n\r\n",
      "POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
      "POST / HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
      "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
      "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1\r\nabc\r\n",
      "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
      "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
  };
  for (const std::string_view input : inputs) {
    Server server;
    server.codec->Feed(input);
    const std::string output = server.Output();
    EXPECT_EQ(output.substr(0, 26), "HTTP/1.1 400 Bad Request\r\n") << input;
    EXPECT_NE(output.find("connection: close\r\n"), std::string::npos) << input;
    EXPECT_TRUE(server.codec->wants_close()) << input;
    EXPECT_TRUE(server.requests.empty()) << input;
  }
}

TEST(Http1Server, HeadLimits) {
  std::string many = "GET / HTTP/1.1\r\n";
  for (size_t i = 0; i <= limits::kHttpHeadersMax; ++i) {
    many += "a: b\r\n";
  }
  const std::string inputs[] = {
      "GET /" + std::string(limits::kHttpHeadMax, 'a'),
      "GET / HTTP/1.1\r\nx: " + std::string(limits::kHttpHeadMax, 'a'),
      many + "\r\n"};
  for (const std::string& input : inputs) {
    for (const size_t step : {size_t{1000}, input.size()}) {
      Server server;
      for (size_t i = 0; i < input.size(); i += step) {
        server.codec->Feed(BytesView(input).substr(i, step));
      }
      const std::string output = server.Output();
      EXPECT_EQ(output.substr(0, 13), "HTTP/1.1 431 ") << output.substr(0, 50);
      EXPECT_TRUE(server.codec->wants_close());
      EXPECT_TRUE(server.requests.empty());
    }
  }
}

TEST(Http1Server, EndlessChunkExtensionIsRefused) {
  Server server;
  server.codec->Feed("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1;");
  for (int i = 0; i < 200 && !server.codec->has_output(); ++i) {
    server.codec->Feed(std::string(1000, 'x'));
  }
  EXPECT_EQ(server.Output().substr(0, 13), "HTTP/1.1 400 ");
}

TEST(Http1Server, EndOfInput) {
  Server idle;
  idle.codec->Feed("GET / HTTP/1.1\r\n");
  idle.codec->FeedEnd();
  EXPECT_TRUE(idle.codec->wants_close());
  EXPECT_EQ(idle.Output(), "");

  Server waiting;
  waiting.codec->Feed("GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\nGET /3 HT");
  waiting.codec->FeedEnd();
  EXPECT_FALSE(waiting.codec->wants_close());
  waiting.Answer(0, 200, "one");
  EXPECT_EQ(waiting.Output(), Ok("one"));
  ASSERT_EQ(waiting.requests.size(), 2U);
  waiting.Answer(1, 200, "two");
  EXPECT_EQ(waiting.Output(), Ok("two"));
  EXPECT_TRUE(waiting.codec->wants_close());
}

TEST(Http1Server, ShutdownEndsAfterTheRequestInFlight) {
  Server idle;
  idle.codec->Feed("GET / HTTP/1.1\r\n\r\n");
  idle.Answer(0, 200, "");
  (void)idle.Output();
  idle.codec->Shutdown();
  EXPECT_TRUE(idle.codec->wants_close());

  Server waiting;
  waiting.codec->Feed("GET / HTTP/1.1\r\n\r\n");
  waiting.codec->Shutdown();
  EXPECT_FALSE(waiting.codec->wants_close());
  waiting.Answer(0, 200, "x");
  EXPECT_EQ(waiting.Output(), Ok("x", "connection: close\r\n"));
  EXPECT_TRUE(waiting.codec->wants_close());
}

TEST(Http1Server, AnswerToAnotherRequestIsIgnored) {
  Server server;
  server.codec->Feed("GET / HTTP/1.1\r\n\r\n");
  server.Answer(0, 200, "");
  (void)server.Output();
  server.codec->Feed("GET / HTTP/1.1\r\n\r\n");
  server.Answer(0, 500, "late");
  EXPECT_EQ(server.Output(), "");
}

TEST(ProtocolSniffer, NeedsTheWholePreface) {
  for (size_t size = 0; size < kHttp2Preface.size(); ++size) {
    EXPECT_EQ(SniffProtocol(kHttp2Preface.substr(0, size)), WireProtocol::kUndecided) << size;
    EXPECT_EQ(SniffProtocol(std::string(kHttp2Preface.substr(0, size)) + "?"), WireProtocol::kHttp1)
        << size;
  }
  EXPECT_EQ(SniffProtocol(kHttp2Preface), WireProtocol::kHttp2);
  EXPECT_EQ(SniffProtocol(std::string(kHttp2Preface) + "more"), WireProtocol::kHttp2);
  EXPECT_EQ(SniffProtocol("POST"), WireProtocol::kHttp1);
  EXPECT_EQ(SniffProtocol("P"), WireProtocol::kUndecided);
}

}  // namespace
}  // namespace perdure
