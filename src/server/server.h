// SPDX-License-Identifier: Apache-2.0
//
// The whole process on one screen: Server::Start builds every part in construction order, the
// members are destroyed in reverse. No logic of its own.
#pragma once

#include "perdure/base/result.h"
#include "perdure/base/settings.h"

#include <cstdint>
#include <memory>
#include <string>

namespace perdure {

inline constexpr const char* kPerdureVersion = "0.1.0";

class EmbeddedLog;

// Thread: main.
class Server {
 public:
  // Opens the data folder, recovers, listens. The error is for the operator.
  static Result<std::unique_ptr<Server>> Start(const Settings& settings);
  virtual ~Server() = default;

  // Stops accepting, lets requests finish for a moment, syncs, ends all threads. Takes at most five
  // seconds, or the setting if it is shorter.
  virtual void Stop() = 0;

  virtual uint16_t ingress_port() const = 0;
  virtual uint16_t admin_port() const = 0;
  // For tests: pausing the syncer shows that nothing leaves before it is durable.
  virtual EmbeddedLog& log() = 0;
};

}  // namespace perdure
