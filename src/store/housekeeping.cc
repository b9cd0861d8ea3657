// SPDX-License-Identifier: Apache-2.0
//
// The thread of housekeeping: a step, then a sleep that a stop ends at once.
#include "perdure/store/housekeeping.h"

#include "store/housekeeper.h"

#include <pthread.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace perdure {
namespace {

class HousekeepingThread final : public Housekeeping {
 public:
  HousekeepingThread(Database& database, const Clock& clock, const HousekeepingOptions& options)
      : every_(options.every_ms), housekeeper_(database, clock, options) {
    housekeeper_.Step();
    thread_ = std::thread([this] {
      pthread_setname_np(pthread_self(), "housekeeping");
      Run();
    });
  }
  ~HousekeepingThread() override { Stop(); }
  HousekeepingThread(const HousekeepingThread&) = delete;
  HousekeepingThread& operator=(const HousekeepingThread&) = delete;

  bool nearly_full() const override { return housekeeper_.nearly_full(); }

  void Stop() override {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_one();
    if (thread_.joinable()) thread_.join();
  }

 private:
  void Run() {
    while (!StopsWithin(every_)) {
      housekeeper_.Step();
    }
  }

  bool StopsWithin(std::chrono::milliseconds time) {
    std::unique_lock<std::mutex> lock(mutex_);
    return changed_.wait_for(lock, time, [this] { return stopping_; });
  }

  const std::chrono::milliseconds every_;
  Housekeeper housekeeper_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;  // protected by mutex_
  std::thread thread_;     // last: starts when all else is there
};

}  // namespace

std::unique_ptr<Housekeeping> Housekeeping::Start(
    Database& database, const Clock& clock, const HousekeepingOptions& options) {
  return std::make_unique<HousekeepingThread>(database, clock, options);
}

}  // namespace perdure
