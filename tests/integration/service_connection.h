// SPDX-License-Identifier: Apache-2.0
//
// A connection of the service, as a machine over bytes, and what it needs of the service. Over
// HTTP/2 on nghttp2, so that streams can be answered piece by piece or broken at will; over
// HTTP/1.1 on the server's own codec, because there an answer is complete.
#pragma once

#include "tests/integration/attempt.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace perdure::integration {

class ServiceHub {
 public:
  virtual ~ServiceHub() = default;
  virtual const std::string& manifest() const = 0;
  virtual std::shared_ptr<ServiceAttempt> Begin(
      ServiceConnection& connection,
      uint32_t stream,
      std::string_view path,
      RequestHeaders headers) = 0;
  // The attempt has got something; its script has to look.
  virtual void Touch(ServiceAttempt& attempt) = 0;
  // A frame of HTTP that says something about an invocation has come.
  virtual void Heard() = 0;
};

// Everything here: REQUIRES: the lock of the service is held.
class ServiceConnection {
 public:
  virtual ~ServiceConnection() = default;
  // False: it is beyond repair, close it.
  virtual bool OnBytes(std::string_view bytes) = 0;
  virtual std::string TakeOutput() = 0;
  virtual void OnOutput(ServiceAttempt& attempt) = 0;
  virtual void Reset(ServiceAttempt& attempt) = 0;

  // Bytes that go out behind what the codec has to say, and past it.
  void Inject(std::string_view bytes) { injected_.append(bytes); }
  std::string TakeInjected() { return std::exchange(injected_, {}); }
  void set_doomed() { doomed_ = true; }
  bool doomed() const { return doomed_; }

 private:
  std::string injected_;
  bool doomed_ = false;  // is closed once its output is written
};

inline constexpr const char* kManifestType = "application/vnd.restate.endpointmanifest.v1+json";

std::unique_ptr<ServiceConnection> MakeHttp1ServiceConnection(ServiceHub& hub);
std::unique_ptr<ServiceConnection> MakeHttp2ServiceConnection(ServiceHub& hub);

}  // namespace perdure::integration
