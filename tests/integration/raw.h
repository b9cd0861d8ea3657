// SPDX-License-Identifier: Apache-2.0
//
// For tests that look at bytes: a deployment of every kind of service that announces one version of
// the protocol, and frames written by hand. Frames are told in hex, as in service protocol 9.
#pragma once

#include "service_protocol.pb.h"
#include "tests/integration/test_server.h"
#include "tests/unit/protocol/helpers.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

namespace perdure::integration {

using test::FrameOf;
using test::Hex;
using test::ToHex;

// "Test" is a service; "Obj" an object with the handlers run, lazy (of lazy state) and read
// (shared); "Flow" a workflow with run and peek (shared). Test/hasty is asked to suspend after
// kHastyInactivityMs and given up kHastyAbortMs later.
inline constexpr int kHastyInactivityMs = 40;
inline constexpr int kHastyAbortMs = 60;
std::string RawManifest(int version, Service::Mode mode = Service::Mode::kBidirectional);

// A suspension on any one of what these lists hold, as the version says it.
std::string SuspensionOn(int version, std::string_view lists_hex);

// `message` as a frame.
template <typename Message>
std::string FrameWith(MessageType type, const Message& message) {
  return FrameOf(type, message.SerializeAsString());
}

// Waits for as many bytes as are expected behind the Start message, and compares all of them.
testing::AssertionResult SentBehindStart(const ServiceAttempt& attempt, std::string_view expected);

// The server and its one deployment. One partition, so that all share it. The newest version is
// offered.
class RawWorld {
 public:
  explicit RawWorld(
      std::string manifest, const Json& registration = Json::object(), Settings settings = {});

  // The next attempt of an invocation; fails the test and ends its process if none comes.
  std::shared_ptr<ServiceAttempt> Next(const std::string& target = "Test/held");
  // A new invocation of Test/held; its id is in last_id.
  std::shared_ptr<ServiceAttempt> Begin(
      const std::string& target = "Test/held",
      const std::string& path = "Test/held",
      std::string_view input = "in");
  // How many bytes the input takes in the journal, with its header.
  static std::string InputFrame(const ServiceAttempt& attempt);
  // The result the invocation ended with.
  std::string ResultOf(const std::string& id) { return server.AttachTo(id).body; }
  std::string ErrorCodeOf(const std::string& id);

  Service service;
  TestServer server;
  std::string last_id;
};

// The versions there are. gtest names: "V5".
inline constexpr int kVersions[] = {5, 6, 7};
inline std::string VersionName(const testing::TestParamInfo<int>& info) {
  return "V" + std::to_string(info.param);
}

class VersionTest : public testing::TestWithParam<int> {
 protected:
  static std::string Suspension(std::string_view lists_hex) {
    return SuspensionOn(GetParam(), lists_hex);
  }
  RawWorld world_{RawManifest(GetParam())};
};

}  // namespace perdure::integration
