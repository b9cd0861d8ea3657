// SPDX-License-Identifier: Apache-2.0
//
// The whole process on one screen: Server::Start builds every part in construction order, the
// members are destroyed in reverse. No logic of its own.
#pragma once

#include "perdure/base/result.h"
#include "perdure/base/settings.h"
#include "perdure/core/machine.h"
#include "perdure/partition/partitions.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace perdure {

inline constexpr const char* kPerdureVersion = "0.1.0";

class EmbeddedLog;

// For tests: what stands between a partition's machine and its runner, and how patient the watchdog
// is. The program gives none.
struct ServerHooks {
  std::function<std::unique_ptr<Machine>(std::unique_ptr<Machine>)> wrap_machine;
  WatchdogOptions watchdog = {};
};

// Thread: main.
class Server {
 public:
  // Opens the data folder, recovers, listens. The error is for the operator.
  static Result<std::unique_ptr<Server>> Start(const Settings& settings, ServerHooks hooks = {});
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
