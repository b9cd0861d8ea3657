// SPDX-License-Identifier: Apache-2.0
//
// How streams of the HTTP/2 client session end, frame by frame: what the client says when it is
// done with one, and what it makes of a peer that takes none. The peer is played by hand.
#include "tests/unit/http/http_test_support.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

namespace perdure {
namespace {

using http_test::Listener;
using http_test::Request;

std::string Number(uint32_t value) {
  return {
      static_cast<char>(value >> 24U),
      static_cast<char>(value >> 16U),
      static_cast<char>(value >> 8U),
      static_cast<char>(value)};
}

// HEADERS with ":status: 200", and the end of the response.
std::string AnswerAndEnd(ClientStreamId id) {
  return std::string{0, 0, 1, 1, 5} + Number(id.value) + "\x88";
}

// DATA and RST_STREAM frames of this stream.
std::string FramesOf(std::string_view bytes, ClientStreamId id) {
  std::string frames;
  while (bytes.size() >= 9) {
    const auto at = [&bytes](size_t i) { return size_t{static_cast<uint8_t>(bytes[i])}; };
    const size_t length = (at(0) << 16U) | (at(1) << 8U) | at(2);
    if (bytes.substr(5, 4) == Number(id.value) && at(3) == 0) {
      frames += (at(4) & 1U) != 0 ? "DATA+END " : "DATA ";
    } else if (bytes.substr(5, 4) == Number(id.value) && at(3) == 3) {
      frames += "RST ";
    }
    bytes.remove_prefix(std::min(bytes.size(), 9 + length));
  }
  return frames;
}

// The usual end of an attempt: the response is complete before our END_STREAM has left. nghttp2 at
// the peer goes away from whoever resets about a thousand streams.
TEST(Http2Endings, NoResetWhenOnlyTheEndOfTheRequestIsMissing) {
  const auto client = MakeHttp2ClientSession({});
  client->Feed(std::string{0, 0, 0, 4, 0, 0, 0, 0, 0});  // SETTINGS
  for (int i = 0; i < 1500; ++i) {
    Listener listener;
    const ClientStreamId id = client->Open(Request("POST", "/"), listener);
    client->Write(id, std::string("x"));
    std::string out;
    client->Produce(out, 1 << 20);
    client->FinishBody(id);
    client->Feed(AnswerAndEnd(id));
    ASSERT_EQ(listener.log, "head end ");
    client->Reset(id);
    out.clear();
    client->Produce(out, 1 << 20);
    ASSERT_EQ(FramesOf(out, id), "DATA+END ") << "stream " << id.value;
    ASSERT_EQ(client->open_streams(), 0U);
  }
}

TEST(Http2Endings, ResetWhenTheRequestIsNotFinished) {
  const auto client = MakeHttp2ClientSession({});
  client->Feed(std::string{0, 0, 0, 4, 0, 0, 0, 0, 0});  // SETTINGS
  Listener open;
  Listener unsent;
  const ClientStreamId open_id = client->Open(Request("POST", "/"), open);
  const ClientStreamId unsent_id = client->Open(Request("POST", "/"), unsent);
  std::string out;
  client->Produce(out, 1 << 20);
  client->Write(unsent_id, std::string("x"));
  client->FinishBody(unsent_id);
  client->Feed(AnswerAndEnd(open_id) + AnswerAndEnd(unsent_id));
  client->Reset(open_id);
  client->Reset(unsent_id);
  out.clear();
  client->Produce(out, 1 << 20);
  EXPECT_EQ(FramesOf(out, open_id), "RST ");
  EXPECT_EQ(FramesOf(out, unsent_id), "RST ");
  EXPECT_EQ(client->open_streams(), 0U);
}

TEST(Http2Endings, RefusedIsWhatThePeerDidNotLookAt) {
  const auto client = MakeHttp2ClientSession({});
  client->Feed(std::string{0, 0, 0, 4, 0, 0, 0, 0, 0});  // SETTINGS
  Listener answered;
  Listener running;
  Listener refused;
  Listener above;
  Listener unsent;
  const ClientStreamId answered_id = client->Open(Request("POST", "/"), answered);
  const ClientStreamId running_id = client->Open(Request("POST", "/"), running);
  const ClientStreamId refused_id = client->Open(Request("POST", "/"), refused);
  client->Open(Request("POST", "/"), above);
  std::string out;
  client->Produce(out, 1 << 20);
  client->Feed(std::string{0, 0, 1, 1, 4} + Number(answered_id.value) + "\x88");  // HEADERS

  client->Feed(std::string{0, 0, 4, 3, 0} + Number(refused_id.value) + Number(7));
  EXPECT_EQ(refused.log, "failure ");
  EXPECT_EQ(refused.failure, HttpFailure::kRefused);
  EXPECT_EQ(refused.message, "stream refused by the peer");

  client->Open(Request("POST", "/"), unsent);
  client->Feed(std::string{0, 0, 8, 7, 0} + Number(0) + Number(running_id.value) + Number(0));
  client->Produce(out, 1 << 20);
  EXPECT_EQ(above.failure, HttpFailure::kRefused);
  EXPECT_EQ(above.message, "the peer is going away");
  EXPECT_EQ(unsent.failure, HttpFailure::kRefused);
  EXPECT_EQ(client->open_streams(), 2U);

  // Who has answered has looked at it, whatever he says now.
  client->Feed(std::string{0, 0, 4, 3, 0} + Number(answered_id.value) + Number(7));
  EXPECT_EQ(answered.log, "head failure ");
  EXPECT_EQ(answered.failure, HttpFailure::kStreamReset);
  client->Feed(AnswerAndEnd(running_id));
  EXPECT_EQ(running.log, "head end ");
}

// nghttp2 goes away from such a peer, and leaves the streams to us: they would stay open for ever.
TEST(Http2Endings, APeerThatBreaksTheConnectionEndsEveryStream) {
  const auto client = MakeHttp2ClientSession({});
  client->Feed(std::string{0, 0, 0, 4, 0, 0, 0, 0, 0});  // SETTINGS
  Listener first;
  Listener second;
  client->Open(Request("POST", "/"), first);
  client->Open(Request("POST", "/"), second);
  std::string out;
  client->Produce(out, 1 << 20);
  client->Feed(std::string{0, 0, 1, 0, 0} + Number(0) + "x");  // DATA on stream 0
  out.clear();
  client->Produce(out, 1 << 20);
  EXPECT_TRUE(client->wants_close());
  EXPECT_EQ(client->open_streams(), 0U);
  EXPECT_EQ(first.log, "failure ");
  EXPECT_EQ(second.log, "failure ");
}

}  // namespace
}  // namespace perdure
