// SPDX-License-Identifier: Apache-2.0
//
// The real binary as a process of its own, with its standard error on a pipe.
#pragma once

#include "tests/integration/wait.h"

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace perdure::integration {

// Thread: the test's.
class ServerProcess {
 public:
  // On free loopback ports, with its data below `base_dir`. `program`: another one of the build
  // that takes the same flags. `variables`: "NAME=value".
  explicit ServerProcess(
      const std::string& base_dir,
      const std::string& program = "perdure",
      const std::vector<std::string>& variables = {});
  // Ends it by force, if it still runs.
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  // False: it ended, or did not say that it listens.
  bool AwaitReady();
  // False: it ended, or did not log this.
  bool AwaitLog(const std::string& text);
  void Signal(int signal);
  // What exit() was called with; -1: it did not end in time, or by a signal.
  int AwaitExit();

  uint16_t ingress_port() const { return ingress_port_; }
  uint16_t admin_port() const { return admin_port_; }
  const std::string& log() const { return log_; }

 private:
  bool ReadLog();
  uint16_t PortOf(const std::string& name) const;

  pid_t pid_ = -1;
  int log_fd_ = -1;
  std::string log_;
  uint16_t ingress_port_ = 0;
  uint16_t admin_port_ = 0;
};

}  // namespace perdure::integration
