// SPDX-License-Identifier: Apache-2.0
//
// A deployment on a loopback port, served by one thread. A target with a script is served by it;
// the attempts of any other target are handed to the test, which then plays the SDK itself.
#pragma once

#include "tests/integration/attempt.h"
#include "tests/integration/service_connection.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace perdure::integration {

// Serves "Test" with the handlers echo (has a script), held, broken, doze and relay.
class Service final : private ServiceHub {
 public:
  enum class Mode { kBidirectional, kRequestResponse };
  // Called whenever an attempt whose replay is complete has got something. Without a lock.
  using Script = std::function<void(ServiceAttempt&)>;

  explicit Service(Mode mode = Mode::kBidirectional);
  // Serves what the manifest says. `port`: 0, or that of a service that has ended.
  explicit Service(std::string manifest, uint16_t port = 0);
  ~Service() override;
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  uint16_t port() const { return port_; }
  std::string uri() const { return "http://127.0.0.1:" + std::to_string(port_); }

  // REQUIRES: before the first attempt of the target.
  void On(const std::string& target, Script script);
  // The oldest attempt that no test has taken, once it is replayed; null if none comes.
  std::shared_ptr<ServiceAttempt> NextAttempt(const std::string& target);
  size_t attempts(const std::string& target);
  bool AwaitAttempts(const std::string& target, size_t count);
  // How many frames of HTTP said something about invocations: streams, data, resets.
  size_t heard();
  // Stops reading and accepting: the kernel takes connections, nobody answers.
  void Freeze();

 private:
  struct Link {
    int fd = -1;
    std::unique_ptr<ServiceConnection> connection;
    std::string unsent;
  };

  const std::string& manifest() const override { return manifest_; }
  std::shared_ptr<ServiceAttempt> Begin(
      ServiceConnection& connection,
      uint32_t stream,
      std::string_view path,
      RequestHeaders headers) override;
  void Touch(ServiceAttempt& attempt) override;
  void Heard() override { ++heard_; }

  void Run();
  void Wait();
  void ServeLinks();
  void Accept();
  bool Read(Link& link);
  bool Write(Link& link);
  void RunScript(const std::shared_ptr<ServiceAttempt>& attempt);

  const std::string manifest_;
  int listener_ = -1;
  int wake_ = -1;
  uint16_t port_ = 0;
  ServiceState state_;

  // Protected by state_.mutex.
  bool stopping_ = false;
  bool frozen_ = false;
  size_t heard_ = 0;
  std::vector<Link> links_;
  std::map<std::string, Script> scripts_;
  std::map<std::string, size_t> begun_;
  std::map<std::string, std::deque<std::shared_ptr<ServiceAttempt>>> offered_;
  std::vector<std::shared_ptr<ServiceAttempt>> touched_;

  std::thread thread_;  // last: everything it uses exists
};

}  // namespace perdure::integration
