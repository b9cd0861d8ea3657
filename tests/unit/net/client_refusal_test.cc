// SPDX-License-Identifier: Apache-2.0
//
// Goal: a request that the peer did not look at is sent again at once and whole, on another
// connection, and not for ever; nobody else notices. Method: peers played by hand over loopback.
#include "perdure/base/limits.h"
#include "tests/unit/net/net_test_support.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace perdure {
namespace {

using net_test::Call;
using net_test::PlainServer;
using net_test::PlainSocket;
using net_test::Request;

constexpr std::string_view kSettings("\0\0\0\x04\0\0\0\0\0", 9);
// It leaves out every stream.
constexpr std::string_view kGoAway("\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\0", 17);
// For stream 1: RST_STREAM with REFUSED_STREAM; HEADERS with ":status: 200", open and ending.
constexpr std::string_view kRefused("\0\0\x04\x03\0\0\0\0\x01\0\0\0\x07", 13);
constexpr std::string_view kHead("\0\0\x01\x01\x04\0\0\0\x01\x88", 10);
constexpr std::string_view kAnswer("\0\0\x01\x01\x05\0\0\0\x01\x88", 10);

bool Has(const std::string& text, std::string_view wanted) {
  return text.find(wanted) != std::string::npos;
}

// The next connection, with a request on it that has `body`.
std::unique_ptr<PlainSocket> AcceptRequest(const PlainServer& server, std::string_view body) {
  auto socket = server.Accept();
  socket->Send(kSettings);
  EXPECT_TRUE(Has(socket->ReadUntil(body), body));
  return socket;
}

struct Client {
  Client() { network->Start(); }
  ~Client() { network->Stop(0); }
  std::unique_ptr<Network> network = MakeNetwork(1, {});
};

TEST(Refusal, RequestGoesToAnotherConnection) {
  for (const std::string_view no : {kGoAway, kRefused}) {
    const PlainServer server;
    const Client client;
    Call call;
    call.Start(*client.network, Request(server.port(), "/"), "the whole body");
    const auto first = AcceptRequest(server, "the whole body");
    first->Send(no);
    const auto second = AcceptRequest(server, "the whole body");
    second->Send(kAnswer);
    ASSERT_TRUE(call.done.Wait());
    EXPECT_FALSE(call.failed) << call.message;
    EXPECT_EQ(call.status, 200);
  }
}

TEST(Refusal, OthersGoOnWhereTheOneWasRefused) {
  const PlainServer server;
  const Client client;
  Call refused;
  refused.Start(*client.network, Request(server.port(), "/"), "refused");
  auto first = AcceptRequest(server, "refused");
  first->Send(kRefused);
  const auto second = server.Accept();  // connecting until it gets settings
  Call other;
  other.Start(*client.network, Request(server.port(), "/"), "other");
  EXPECT_TRUE(Has(first->ReadUntil("other"), "other"));

  second->Send(kSettings);
  EXPECT_TRUE(Has(second->ReadUntil("refused"), "refused"));
  second->Send(kAnswer);
  ASSERT_TRUE(refused.done.Wait());
  EXPECT_EQ(refused.status, 200) << refused.message;
  EXPECT_EQ(other.done.count(), 0);
  first.reset();  // ends the other one on its own thread
  ASSERT_TRUE(other.done.Wait());
}

TEST(Refusal, IsBelievedAFewTimes) {
  const PlainServer server;
  const Client client;
  Call call;
  call.Start(*client.network, Request(server.port(), "/"), "body");
  std::vector<std::unique_ptr<PlainSocket>> sockets;  // a close might overtake the GOAWAY
  for (int i = 0; i <= limits::kResendsMax; ++i) {
    EXPECT_EQ(call.done.count(), 0);
    sockets.push_back(AcceptRequest(server, "body"));
    sockets.back()->Send(kGoAway);
  }
  ASSERT_TRUE(call.done.Wait());
  EXPECT_TRUE(call.failed);
  EXPECT_EQ(call.failure, HttpFailure::kRefused);
  EXPECT_EQ(call.message, "the peer is going away");
}

TEST(Refusal, AfterTheHeadOfTheResponseIsAFailure) {
  const PlainServer server;
  const Client client;
  Call call;
  call.Start(*client.network, Request(server.port(), "/"), "body");
  const auto socket = AcceptRequest(server, "body");
  socket->Send(kHead);
  socket->Send(kRefused);
  ASSERT_TRUE(call.done.Wait());
  EXPECT_EQ(call.failure, HttpFailure::kStreamReset);
}

TEST(Refusal, OfMoreThanIsKeptIsAFailure) {
  const PlainServer server;
  const Client client;
  // SETTINGS with an initial window of 1 MiB, WINDOW_UPDATE of the connection by as much.
  const std::string_view generous(
      "\0\0\x06\x04\0\0\0\0\0\0\x04\0\x10\0\0\0\0\x04\x08\0\0\0\0\0\0\x10\0\0", 28);
  const std::string end(8, '~');
  for (const bool much : {false, true}) {
    const std::string filler(much ? limits::kResendBytesMax : 0, 'x');
    Call call;
    call.Start(*client.network, Request(server.port(), "/"), filler + end);
    const auto socket = server.Accept();
    socket->Send(generous);
    EXPECT_TRUE(Has(socket->ReadUntil(end), end));
    socket->Send(kGoAway);
    std::unique_ptr<PlainSocket> second;
    if (!much) {
      second = AcceptRequest(server, end);
      second->Send(std::string(kAnswer) + std::string(kGoAway));
    }
    ASSERT_TRUE(call.done.Wait());
    EXPECT_EQ(call.failed, much) << call.message;
  }
}

TEST(Refusal, WhatWaitsForAConnectionAgainMayBeDropped) {
  const PlainServer server;
  const Client client;
  Call call;
  call.Start(*client.network, Request(server.port(), "/"), "body");
  const auto first = AcceptRequest(server, "body");
  first->Send(kGoAway);
  const auto second = server.Accept();
  net_test::Signal dropped;
  client.network->thread(0).Post([&] {
    EXPECT_EQ(call.stream->unsent_bytes(), 4U);
    call.stream.reset();
    dropped.Set();
  });
  ASSERT_TRUE(dropped.Wait());
  Call next;
  next.Start(*client.network, Request(server.port(), "/"), "next");
  second->Send(kSettings);
  EXPECT_FALSE(Has(second->ReadUntil("next"), "body"));
  second->Send(kAnswer);
  ASSERT_TRUE(next.done.Wait());
  EXPECT_EQ(call.done.count(), 0);
}

}  // namespace
}  // namespace perdure
