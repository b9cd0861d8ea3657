// SPDX-License-Identifier: Apache-2.0
//
// The event loop of one I/O thread: see io_thread.h. Posting wakes the loop once per burst: only
// the first piece of work behind an empty queue pays for it.
#include "net/io_thread.h"

#include "perdure/base/assert.h"
#include "perdure/base/clock.h"
#include "perdure/base/limits.h"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace perdure {
namespace {

constexpr size_t kReadBufferSize = 64 * limits::kKiB;
constexpr uint64_t kNsPerMs = 1'000'000;
// Far enough to be "never" and near enough not to overflow.
constexpr DurationMs kDelayMax = 1000ULL * 60 * 60 * 24 * 365;

}  // namespace

IoThread::IoThread(uint16_t number)
    : number_(number),
      context_(1),
      guard_(context_.get_executor()),
      timer_(context_),
      read_buffer_(kReadBufferSize, '\0') {}

IoThread::~IoThread() {
  StopAndJoin();
}

void IoThread::Start() {
  PERDURE_ASSERT(!thread_.joinable());
  thread_ = std::thread([this] { context_.run(); });
}

void IoThread::StopAndJoin() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopped_ = true;
  }
  context_.stop();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void IoThread::Post(MoveFunction<void()> work) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (stopped_) {
      return;
    }
    posted_.push_back(std::move(work));
    if (std::exchange(wake_pending_, true)) {
      return;
    }
  }
  boost::asio::post(context_, [this] { Drain(); });
}

void IoThread::Drain() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    running_.swap(posted_);
    wake_pending_ = false;
  }
  flush_posted_ = true;  // the flush below serves
  for (MoveFunction<void()>& work : running_) {
    // Taken out first, so that what it owns dies before the next piece runs.
    MoveFunction<void()> current = std::move(work);
    current();
  }
  running_.clear();
  FlushNow();
}

void IoThread::FlushSoon(std::shared_ptr<Flushable> connection) {
  dirty_.push_back(std::move(connection));
  if (!std::exchange(flush_posted_, true)) {
    boost::asio::post(context_, [this] { FlushNow(); });
  }
}

void IoThread::FlushNow() {
  flush_posted_ = true;
  // A flush may make other connections dirty: they are appended.
  for (size_t i = 0; i < dirty_.size(); ++i) {
    const std::shared_ptr<Flushable> connection = std::move(dirty_[i]);
    connection->Flush();
  }
  dirty_.clear();
  flush_posted_ = false;
}

Executor::TimerId IoThread::StartTimer(DurationMs delay, MoveFunction<void()> work) {
  const uint64_t deadline = SystemClock().MonotonicNs() + std::min(delay, kDelayMax) * kNsPerMs;
  const TimerId id = timers_.Add(deadline, std::move(work));
  if (deadline < armed_ns_) {
    ArmTimer();
  }
  return id;
}

void IoThread::CancelTimer(TimerId timer) {
  // The system timer stays armed: waking once for nothing is cheaper than setting it again.
  timers_.Cancel(timer);
}

void IoThread::ArmTimer() {
  const auto next = timers_.next_deadline_ns();
  if (!next) {
    armed_ns_ = UINT64_MAX;
    return;
  }
  armed_ns_ = *next;
  const uint64_t now = SystemClock().MonotonicNs();
  const uint64_t wait = *next > now ? *next - now : 0;
  timer_.expires_after(std::chrono::nanoseconds(wait));
  timer_.async_wait([this](const boost::system::error_code& ec) {
    if (!ec) {
      OnTimer();
    }
  });
}

void IoThread::OnTimer() {
  armed_ns_ = UINT64_MAX;
  flush_posted_ = true;
  const uint64_t now = SystemClock().MonotonicNs();
  // Timers started by this work are for the next round, so that none can starve the sockets.
  for (size_t due = timers_.size(); due > 0; --due) {
    MoveFunction<void()> work = timers_.TakeDue(now);
    if (!work) {
      break;
    }
    work();
  }
  FlushNow();
  const auto next = timers_.next_deadline_ns();
  if (next && *next < armed_ns_) {
    ArmTimer();
  }
}

}  // namespace perdure
