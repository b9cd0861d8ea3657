// SPDX-License-Identifier: Apache-2.0
//
// See process.h. The end of the pipe is the end of the process.
#include "tests/integration/process.h"

#include "perdure/base/assert.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <utility>
#include <vector>

namespace perdure::integration {
namespace {

constexpr int kPatienceMs =
    static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(kPatience).count());

std::vector<char*> Pointers(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) {
    pointers.push_back(word.data());
  }
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

ServerProcess::ServerProcess(
    const std::string& base_dir,
    const std::string& program,
    const std::vector<std::string>& variables) {
  int pipe_fds[2];
  PERDURE_ASSERT(::pipe2(pipe_fds, O_CLOEXEC) == 0);
  log_fd_ = pipe_fds[0];
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], STDERR_FILENO);
  std::vector<std::string> arguments{
      std::string(PERDURE_BINARY_DIR) + "/" + program,
      "--base-dir",
      base_dir,
      "--node-name",
      "node",
      "--log-format",
      "json"};
  std::vector<std::string> environment{
      "RESTATE_INGRESS__BIND_ADDRESS=127.0.0.1:0", "RESTATE_ADMIN__BIND_ADDRESS=127.0.0.1:0"};
  environment.insert(environment.end(), variables.begin(), variables.end());
  const std::vector<char*> argv = Pointers(arguments);
  const std::vector<char*> envp = Pointers(environment);
  if (::posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), envp.data()) != 0) {
    pid_ = -1;
  }
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(pipe_fds[1]);
}

ServerProcess::~ServerProcess() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  ::close(log_fd_);
}

bool ServerProcess::ReadLog() {
  pollfd poll_fd{log_fd_, POLLIN, 0};
  if (::poll(&poll_fd, 1, kPatienceMs) != 1) {
    return false;
  }
  char buffer[4096];
  const ssize_t size = ::read(log_fd_, buffer, sizeof(buffer));
  if (size <= 0) {
    return false;
  }
  log_.append(buffer, static_cast<size_t>(size));
  return true;
}

// "name":"8080"
uint16_t ServerProcess::PortOf(const std::string& name) const {
  const std::string key = "\"" + name + "\":\"";
  const size_t at = log_.find(key);
  uint16_t port = 0;
  if (at != std::string::npos) {
    std::from_chars(log_.data() + at + key.size(), log_.data() + log_.size(), port);
  }
  return port;
}

bool ServerProcess::AwaitReady() {
  size_t at = 0;
  while ((at = log_.find("\"message\":\"ready\"")) == std::string::npos ||
         log_.find('\n', at) == std::string::npos) {
    if (!ReadLog()) {
      return false;
    }
  }
  ingress_port_ = PortOf("ingress_port");
  admin_port_ = PortOf("admin_port");
  return ingress_port_ != 0 && admin_port_ != 0;
}

bool ServerProcess::AwaitLog(const std::string& text) {
  while (log_.find(text) == std::string::npos) {
    if (!ReadLog()) {
      return false;
    }
  }
  return true;
}

void ServerProcess::Signal(int signal) {
  if (pid_ > 0) {
    ::kill(pid_, signal);
  }
}

int ServerProcess::AwaitExit() {
  const auto deadline = SteadyClock::now() + kPatience;
  while (ReadLog()) {
  }
  if (pid_ <= 0 || SteadyClock::now() >= deadline) {
    return -1;
  }
  int status = 0;
  ::waitpid(std::exchange(pid_, -1), &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace perdure::integration
