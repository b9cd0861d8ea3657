// SPDX-License-Identifier: Apache-2.0
//
// One I/O thread: an event loop, the work posted to it, its timers, and the buffers its connections
// share. Knows nothing of HTTP.
#pragma once

#include "net/timer_queue.h"
#include "perdure/base/executor.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace perdure {

// Something with output to write at the end of the current burst of work.
class Flushable {
 public:
  virtual ~Flushable() = default;
  virtual void Flush() = 0;
};

class IoThread final : public Executor {
 public:
  explicit IoThread(uint16_t number);
  ~IoThread() override;
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  void Post(MoveFunction<void()> work) override;
  TimerId StartTimer(DurationMs delay, MoveFunction<void()> work) override;
  void CancelTimer(TimerId timer) override;

  void Start();
  // Thread: not its own. Lets the loop end and joins. Work posted later is dropped.
  void StopAndJoin();

  // Thread: its own. Many writes to one connection in one burst become one write to its socket.
  void FlushSoon(std::shared_ptr<Flushable> connection);
  // Ends a burst: for handlers of socket events, which may have caused answers to be ready.
  void FlushNow();

  boost::asio::io_context& context() { return context_; }
  uint16_t number() const { return number_; }
  // Shared by all connections of the thread, valid until control returns to the loop.
  std::string& read_buffer() { return read_buffer_; }
  std::string& write_buffer() { return write_buffer_; }

 private:
  void Drain();
  void ArmTimer();
  void OnTimer();

  const uint16_t number_;
  boost::asio::io_context context_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_;
  boost::asio::steady_timer timer_;
  std::thread thread_;

  std::mutex mutex_;  // posted_, wake_pending_, stopped_
  std::vector<MoveFunction<void()>> posted_;
  bool wake_pending_ = false;
  bool stopped_ = false;

  // Used by the thread alone.
  std::vector<MoveFunction<void()>> running_;
  std::vector<std::shared_ptr<Flushable>> dirty_;
  bool flush_posted_ = false;
  TimerQueue timers_;
  uint64_t armed_ns_ = UINT64_MAX;
  std::string read_buffer_;
  std::string write_buffer_;
};

}  // namespace perdure
