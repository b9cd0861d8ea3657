// SPDX-License-Identifier: Apache-2.0
//
// The order that promise 1 asks for (snapshot, then a sync, then the answer), admission, and what
// happens to questions at shutdown. The worker is a real thread; the tests wait for events, never
// for time.
#include "perdure/query/introspection.h"

#include "query/worker_thread.h"
#include "tests/unit/query/query_test_support.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>

namespace perdure {
namespace {

using testing::MakeId;
using testing::MakeStatus;
using testing::MapTxn;

// Work that the test runs when it wants.
class WaitingExecutor final : public Executor {
 public:
  void Post(MoveFunction<void()> work) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    queue_.push_back(std::move(work));
    changed_.notify_all();
  }
  TimerId StartTimer(DurationMs, MoveFunction<void()>) override { return 0; }
  void CancelTimer(TimerId) override {}

  // Waits for the next piece of work and runs it.
  void RunOne() {
    MoveFunction<void()> work;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      ASSERT_TRUE(
          changed_.wait_for(lock, std::chrono::seconds(30), [this] { return !queue_.empty(); }));
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    work();
  }
  size_t size() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return queue_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<MoveFunction<void()>> queue_;
};

class FakeDatabase final : public StateStore, public CommitLog {
 public:
  std::unique_ptr<StateTxn> Begin() override { return std::make_unique<MapTxn>(rows_); }
  std::unique_ptr<StateReader> Snapshot() override {
    const std::lock_guard<std::mutex> lock(mutex_);
    order_ += "snapshot ";
    return std::make_unique<MapTxn>(std::make_shared<testing::Rows>(*rows_));
  }
  std::optional<std::string> FindInMemory(Family, BytesView) const override { return {}; }
  Ticket Append(PartitionId, uint64_t, StateTxn&) override { return {}; }
  Ticket newest() const override { return {}; }
  Ticket durable() const override { return {}; }
  void Hold(Ticket, Executor&, MoveFunction<void()>) override { FAIL(); }
  void SyncFromNow(Executor& destination, MoveFunction<void()> work) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    order_ += "sync ";
    waiting_.push_back({&destination, std::move(work)});
    changed_.notify_all();
  }
  bool congested() const override { return false; }
  void WaitWhileCongested() override {}
  bool hop_before_durable() const override { return false; }

  // Waits until somebody waits for a sync, and finishes it.
  void FinishSync() {
    std::unique_lock<std::mutex> lock(mutex_);
    ASSERT_TRUE(
        changed_.wait_for(lock, std::chrono::seconds(30), [this] { return !waiting_.empty(); }));
    waiting_.front().destination->Post(std::move(waiting_.front().work));
    waiting_.pop_front();
  }
  void AwaitReader() {
    std::unique_lock<std::mutex> lock(mutex_);
    ASSERT_TRUE(
        changed_.wait_for(lock, std::chrono::seconds(30), [this] { return !waiting_.empty(); }));
  }
  std::string order() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return order_;
  }
  MapTxn rows() { return MapTxn(rows_); }

 private:
  struct Waiting {
    Executor* destination;
    MoveFunction<void()> work;
  };
  std::shared_ptr<testing::Rows> rows_ = std::make_shared<testing::Rows>();
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string order_;
  std::deque<Waiting> waiting_;
};

class IntrospectionTest : public ::testing::Test {
 protected:
  IntrospectionTest() {
    MapTxn rows = database_.rows();
    testing::PutStatus(rows, MakeId(1), MakeStatus(InvocationState::kInvoked));
    introspection_ = MakeIntrospection(
        database_, database_, [](MoveFunction<void(std::vector<AttemptHost::LiveAttempt>)> done) {
          AttemptHost::LiveAttempt live;
          live.id = MakeId(1);
          done({live});
        });
  }

  Introspection::Done Keep(std::optional<Result<std::string>>* out) {
    return [out](Result<std::string> result) { out->emplace(std::move(result)); };
  }

  FakeDatabase database_;
  WaitingExecutor io_;
  std::unique_ptr<Introspection> introspection_;
};

TEST_F(IntrospectionTest, AnswersOnlyAfterASyncThatFollowsTheSnapshot) {
  std::optional<Result<std::string>> result;
  introspection_->List({}, io_, Keep(&result));
  database_.AwaitReader();
  EXPECT_EQ(database_.order(), "snapshot sync ");
  EXPECT_EQ(io_.size(), 0U);
  MapTxn rows = database_.rows();
  testing::PutStatus(rows, MakeId(2), MakeStatus(InvocationState::kInvoked));  // too late to show

  database_.FinishSync();
  io_.RunOne();  // the sync is reported
  io_.RunOne();  // the answer
  ASSERT_TRUE(result.has_value());
  const auto json = nlohmann::json::parse(result->value());
  ASSERT_EQ(json["invocations"].size(), 1U);
  EXPECT_EQ(json["invocations"][0]["status"], "running");
}

TEST_F(IntrospectionTest, GetsOneInvocation) {
  std::optional<Result<std::string>> found;
  introspection_->Get(MakeId(1), io_, Keep(&found));
  database_.FinishSync();
  io_.RunOne();
  io_.RunOne();
  EXPECT_EQ(nlohmann::json::parse(found->value())["id"], MakeId(1).ToString());

  std::optional<Result<std::string>> missing;
  introspection_->Get(MakeId(5), io_, Keep(&missing));
  database_.FinishSync();
  io_.RunOne();
  io_.RunOne();
  EXPECT_EQ(missing->error().code, ErrorCode::kNotFound);
}

TEST_F(IntrospectionTest, RefusesBadFiltersAtOnce) {
  std::optional<Result<std::string>> result;
  InvocationFilter filter;
  filter.limit = 0;
  introspection_->List(filter, io_, Keep(&result));
  EXPECT_FALSE(result.has_value());
  io_.RunOne();

  EXPECT_EQ(result->error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(database_.order(), "");
}

TEST_F(IntrospectionTest, RefusesMoreThanSixteenQuestions) {
  std::vector<std::optional<Result<std::string>>> results(17);
  for (auto& result : results) {
    introspection_->List({}, io_, Keep(&result));
  }
  io_.RunOne();
  ASSERT_TRUE(results[16].has_value());
  EXPECT_EQ(results[16]->error().code, ErrorCode::kOverloaded);

  for (int i = 0; i < 16; ++i) {
    database_.FinishSync();
    io_.RunOne();
    io_.RunOne();
  }
  for (const auto& result : results) {
    EXPECT_TRUE(result.has_value());
  }
  std::optional<Result<std::string>> again;
  introspection_->List({}, io_, Keep(&again));
  database_.FinishSync();
  io_.RunOne();
  io_.RunOne();
  EXPECT_TRUE(again->ok());
}

TEST_F(IntrospectionTest, ASyncThatEndsAfterTheEndIsHarmless) {
  std::optional<Result<std::string>> result;
  introspection_->List({}, io_, Keep(&result));
  database_.AwaitReader();
  introspection_.reset();
  database_.FinishSync();
  io_.RunOne();

  EXPECT_FALSE(result.has_value());
}

TEST(WorkerThreadTest, RunsTimersInOrderAndForgetsCancelledOnes) {
  query::WorkerThread worker;
  WaitingExecutor done;
  std::string order;
  worker.Post([&] {
    worker.StartTimer(20, [&] {
      order += "b";
      done.Post([] {});
    });
    worker.StartTimer(1, [&] { order += "a"; });
    const Executor::TimerId cancelled = worker.StartTimer(2, [&] { order += "x"; });
    worker.CancelTimer(cancelled);
    order += "0";
  });
  done.RunOne();
  worker.Stop();

  EXPECT_EQ(order, "0ab");
}

TEST(WorkerThreadTest, DropsWorkAfterStop) {
  query::WorkerThread worker;
  worker.Stop();
  bool ran = false;
  worker.Post([&ran] { ran = true; });
  worker.Stop();

  EXPECT_FALSE(ran);
}

}  // namespace
}  // namespace perdure
