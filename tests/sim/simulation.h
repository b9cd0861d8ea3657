// SPDX-License-Identifier: Apache-2.0
//
// One run by seed: a server, its services, clients and an operator live some seconds of virtual
// time among faults, then the faults stop and everything must come to a good end.
#pragma once

#include "perdure/log/memory.h"
#include "tests/sim/clients.h"
#include "tests/sim/core.h"
#include "tests/sim/mail.h"
#include "tests/sim/network.h"
#include "tests/sim/oracle.h"
#include "tests/sim/process.h"
#include "tests/sim/services.h"

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace perdure::sim {

struct Outcome {
  uint64_t hash = 0;
  std::vector<std::string> violations;
  std::deque<std::string> story;
  Coverage coverage;
};

class Simulation {
 public:
  Simulation(uint64_t seed, Bug bug, size_t keep_lines);
  ~Simulation();

  Outcome Run();
  const Story& story() const { return core_.story(); }

 private:
  // --- the life of the process ---
  void Boot();
  void Crash(bool again);
  void Register(uint8_t number);

  // --- the loop ---
  void Step();
  void Sync();
  // Until that moment, or the first violation.
  void RunUntil(uint64_t at_ns);
  bool ok() const { return core_.violations().empty(); }

  // --- who acts on the server ---
  void PlanFaults(uint64_t span_ns);
  void Operate();
  void Drain();
  std::optional<std::string> Unfinished();

  // --- after the end (final_checks.cc) ---
  void CheckResults();
  void CheckCounters();
  void CheckCallees();
  void CheckForgotten();
  // (message_checks.cc)
  void CheckMessages();
  void HashRows();

  SimCore core_;
  Oracle oracle_;
  Holders holders_;
  std::vector<Command> strays_;
  std::unique_ptr<MemoryDatabase> database_;
  std::unique_ptr<CommitLog> planted_log_;
  Network network_;
  ServerShape shape_;
  ServiceOptions services_;
  std::unique_ptr<Process> process_;
  Mail mail_;
  Clients clients_;
  uint64_t crash_share_ = 0;  // of 1000 events with unsynced write sets
  uint64_t crashes_left_ = 0;
  bool registered_ = false;
  bool operating_ = true;
  std::optional<Scheduler::Event> sync_end_;
  std::optional<Scheduler::Event> lazy_sync_;
};

}  // namespace perdure::sim
