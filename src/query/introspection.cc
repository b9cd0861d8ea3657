// SPDX-License-Identifier: Apache-2.0
//
// Takes questions to a thread of its own. Each one takes its snapshot first, then asks for a sync
// that begins afterwards (promise 1), and collects the live attempts meanwhile; the answer is made
// when both are there. The sync is awaited on the asker's executor, because what is handed to the
// commit log must outlive it. Questions are few and bounded; more are refused.
#include "perdure/query/introspection.h"

#include "query/question.h"
#include "query/worker_thread.h"

#include <atomic>
#include <cstdint>
#include <map>
#include <utility>
#include <variant>

namespace perdure {
namespace {

using query::WorkerThread;

constexpr size_t kQuestionsMax = 16;
constexpr DurationMs kCollectMax = 5000;  // for the sync and the live attempts

struct Question {
  std::variant<InvocationFilter, InvocationId> what;
  Executor* reply_on = nullptr;
  Introspection::Done done;
};

// A question whose ingredients are being collected.
struct OpenQuestion {
  Question question;
  std::unique_ptr<StateReader> snapshot;
  bool durable = false;
  std::optional<std::vector<AttemptHost::LiveAttempt>> live;
  Executor::TimerId timeout = 0;
};

void Reply(Question question, Result<std::string> result) {
  question.reply_on->Post([done = std::move(question.done), result = std::move(result)]() mutable {
    done(std::move(result));
  });
}

class IntrospectionImpl final : public Introspection {
 public:
  IntrospectionImpl(StateStore& store, CommitLog& log, LiveAttemptsSource live_attempts)
      : store_(store),
        log_(log),
        live_attempts_(std::move(live_attempts)),
        worker_(std::make_shared<WorkerThread>()) {}

  // After this no work of ours runs any more; late answers of the log find a stopped worker.
  ~IntrospectionImpl() override { worker_->Stop(); }

  void List(InvocationFilter filter, Executor& reply_on, Done done) override {
    const Status checked = query::CheckFilter(filter);
    Question question{std::move(filter), &reply_on, std::move(done)};
    if (!checked.ok()) {
      Reply(std::move(question), checked.error());
      return;
    }
    Admit(std::move(question));
  }

  void Get(InvocationId id, Executor& reply_on, Done done) override {
    Admit(Question{id, &reply_on, std::move(done)});
  }

 private:
  void Admit(Question question) {
    if (waiting_.fetch_add(1) >= kQuestionsMax) {
      waiting_.fetch_sub(1);
      Reply(std::move(question), Error{ErrorCode::kOverloaded, "too many questions, retry later"});
      return;
    }
    worker_->Post([this, question = std::move(question)]() mutable { Begin(std::move(question)); });
  }

  // Thread of all below: the worker's.
  void Begin(Question question) {
    const uint64_t number = ++last_number_;
    Executor& reply_on = *question.reply_on;
    OpenQuestion& open = open_[number];
    open.question = std::move(question);
    open.snapshot = store_.Snapshot();
    open.timeout = worker_->StartTimer(kCollectMax, [this, number] { GiveUp(number); });
    // `this` is only touched by work of the worker, which is over before `this` is.
    log_.SyncFromNow(reply_on, [this, worker = worker_, number] {
      worker->Post([this, number] { Durable(number); });
    });
    live_attempts_([this, worker = worker_, number](std::vector<AttemptHost::LiveAttempt> live) {
      worker->Post(
          [this, number, live = std::move(live)]() mutable { Live(number, std::move(live)); });
    });
  }

  void Durable(uint64_t number) {
    const auto it = open_.find(number);
    if (it != open_.end()) {
      it->second.durable = true;
      AnswerIfComplete(it);
    }
  }

  void Live(uint64_t number, std::vector<AttemptHost::LiveAttempt> live) {
    const auto it = open_.find(number);
    if (it != open_.end()) {
      it->second.live = std::move(live);
      AnswerIfComplete(it);
    }
  }

  void GiveUp(uint64_t number) {
    const auto it = open_.find(number);
    if (it != open_.end()) {
      Close(
          it,
          Error{
              ErrorCode::kUnavailable,
              "the server is too busy to answer, or its disk does not respond; retry later"});
    }
  }

  using OpenQuestions = std::map<uint64_t, OpenQuestion>;

  void AnswerIfComplete(OpenQuestions::iterator it) {
    OpenQuestion& open = it->second;
    if (!open.durable || !open.live.has_value()) {
      return;
    }
    const query::LiveMap live = query::IndexLive(*std::move(open.live));
    if (const auto* filter = std::get_if<InvocationFilter>(&open.question.what)) {
      Close(it, query::AnswerList(*open.snapshot, live, *filter));
    } else {
      Close(it, query::AnswerGet(*open.snapshot, live, std::get<InvocationId>(open.question.what)));
    }
  }

  void Close(OpenQuestions::iterator it, Result<std::string> result) {
    worker_->CancelTimer(it->second.timeout);
    Question question = std::move(it->second.question);
    open_.erase(it);
    waiting_.fetch_sub(1);
    Reply(std::move(question), std::move(result));
  }

  StateStore& store_;
  CommitLog& log_;
  const LiveAttemptsSource live_attempts_;
  std::atomic<size_t> waiting_{0};
  OpenQuestions open_;  // worker's thread
  uint64_t last_number_ = 0;
  const std::shared_ptr<WorkerThread> worker_;  // last: stops first
};

}  // namespace

std::unique_ptr<Introspection> MakeIntrospection(
    StateStore& store, CommitLog& log, LiveAttemptsSource live_attempts) {
  return std::make_unique<IntrospectionImpl>(store, log, std::move(live_attempts));
}

}  // namespace perdure
