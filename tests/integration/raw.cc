// SPDX-License-Identifier: Apache-2.0
//
// See raw.h.
#include "tests/integration/raw.h"

#include "perdure/base/assert.h"

#include <utility>

namespace perdure::integration {

std::string RawManifest(int version, Service::Mode mode) {
  Json hasty{{"name", "hasty"}};
  hasty["inactivityTimeout"] = kHastyInactivityMs;
  hasty["abortTimeout"] = kHastyAbortMs;
  const Json services = Json::array(
      {{{"name", "Test"},
        {"ty", "SERVICE"},
        {"handlers", Json::array({{{"name", "echo"}}, {{"name", "held"}}, std::move(hasty)})}},
       {{"name", "Obj"},
        {"ty", "VIRTUAL_OBJECT"},
        {"handlers",
         Json::array(
             {{{"name", "run"}, {"ty", "EXCLUSIVE"}},
              {{"name", "lazy"}, {"ty", "EXCLUSIVE"}, {"enableLazyState", true}},
              {{"name", "read"}, {"ty", "SHARED"}}})}},
       {{"name", "Flow"},
        {"ty", "WORKFLOW"},
        {"handlers",
         Json::array(
             {{{"name", "run"}, {"ty", "WORKFLOW"}}, {{"name", "peek"}, {"ty", "SHARED"}}})}}});
  Json manifest{{"minProtocolVersion", 5}, {"maxProtocolVersion", version}};
  manifest["protocolMode"] =
      mode == Service::Mode::kBidirectional ? "BIDI_STREAM" : "REQUEST_RESPONSE";
  manifest["services"] = services;
  return manifest.dump();
}

std::string SuspensionOn(int version, std::string_view lists_hex) {
  std::string payload = Hex(lists_hex);
  if (version >= 7) {
    payload += Hex("2801");
    payload.insert(0, 1, static_cast<char>(payload.size()));
    payload.insert(0, 1, '\x22');
  }
  return FrameOf(MessageType::kSuspension, payload);
}

testing::AssertionResult SentBehindStart(const ServiceAttempt& attempt, std::string_view expected) {
  const bool complete = attempt.AwaitTail(expected.size());
  const std::string sent = attempt.tail();
  if (complete && sent == expected) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure()
         << "sent     " << ToHex(sent) << "\nexpected " << ToHex(expected);
}

RawWorld::RawWorld(std::string manifest, const Json& registration, Settings settings)
    : service(std::move(manifest)) {
  server.settings.default_num_partitions = 1;
  server.settings.invoker = settings.invoker;
  server.settings.experimental_enable_protocol_v7 = true;
  server.Start();
  server.Register(service, registration);
}

std::shared_ptr<ServiceAttempt> RawWorld::Next(const std::string& target) {
  std::shared_ptr<ServiceAttempt> attempt = service.NextAttempt(target);
  PERDURE_INVARIANT(
      attempt != nullptr,
      "no attempt of " + target + " comes: " + server.Invocation(last_id).dump());
  return attempt;
}

std::shared_ptr<ServiceAttempt> RawWorld::Begin(
    const std::string& target, const std::string& path, std::string_view input) {
  last_id = server.Send(path, std::string(input));
  return Next(target);
}

std::string RawWorld::InputFrame(const ServiceAttempt& attempt) {
  const std::vector<ReceivedFrame> frames = attempt.frames();
  PERDURE_ASSERT(!frames.empty());
  return FrameOf(frames.front().type, frames.front().payload);
}

std::string RawWorld::ErrorCodeOf(const std::string& id) {
  return server.Invocation(id).value("last_failure_error_code", "");
}

}  // namespace perdure::integration
