// SPDX-License-Identifier: Apache-2.0
//
// The ingress without sockets and without partitions: a fake gateway that keeps what was submitted,
// exchanges that keep what was answered. Answers of partitions are given by the test.
#pragma once

#include "perdure/ingress/ingress.h"

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace perdure::ingress {

constexpr TimeMs kNow = 1'795'485'360'468;  // 2026-11-24T01:56:00.468Z

class FakeClock final : public Clock {
 public:
  TimeMs WallMs() const override { return kNow; }
  uint64_t MonotonicNs() const override { return 0; }
};

class FakeExecutor final : public Executor {
 public:
  void Post(MoveFunction<void()> work) override { queue.push_back(std::move(work)); }
  TimerId StartTimer(DurationMs, MoveFunction<void()>) override { return 0; }
  void CancelTimer(TimerId) override {}
  void RunAll() {
    while (!queue.empty()) {
      MoveFunction<void()> work = std::move(queue.front());
      queue.pop_front();
      work();
    }
  }
  std::deque<MoveFunction<void()>> queue;
};

class NoHttpClient final : public HttpClient {
 public:
  std::unique_ptr<HttpStream> Open(HttpStreamRequest, HttpStreamListener&) override {
    ADD_FAILURE() << "the ingress opens no streams";
    return nullptr;
  }
};

// What outlives an exchange, for the test to look at.
struct ExchangeRecord {
  std::optional<HttpResponse> response;
  MoveFunction<void()> on_close;
  bool closed = false;
  bool destroyed = false;

  void ClientLeaves() {
    closed = true;
    if (on_close) {
      on_close();
    }
  }
};

class FakeExchange final : public HttpExchange {
 public:
  FakeExchange(std::shared_ptr<ExchangeRecord> record, Executor& executor)
      : record_(std::move(record)), executor_(executor) {}
  ~FakeExchange() override {
    record_->destroyed = true;
    record_->on_close = {};
  }
  FakeExchange(const FakeExchange&) = delete;
  FakeExchange& operator=(const FakeExchange&) = delete;

  void Respond(HttpResponse response) override {
    EXPECT_FALSE(record_->response.has_value()) << "answered twice";
    if (!record_->closed) {
      record_->response = std::move(response);
    }
  }
  bool closed() const override { return record_->closed; }
  void OnClose(MoveFunction<void()> on_close) override { record_->on_close = std::move(on_close); }
  Executor& executor() override { return executor_; }
  uint16_t io_thread() const override { return 0; }

 private:
  std::shared_ptr<ExchangeRecord> record_;
  Executor& executor_;
};

struct Submission {
  PartitionId partition;
  Source source = Source::kNewWork;
  Command command;
  ReplyTo reply_to;
};

class FakeGateway final : public PartitionGateway {
 public:
  Submitted Submit(
      PartitionId partition,
      Source source,
      Command command,
      ReplyTo reply_to,
      std::shared_ptr<StreamWindow>) override {
    if (disk_nearly_full && source == Source::kNewWork) {
      return Submitted::kDiskNearlyFull;
    }
    if (full && (source == Source::kNewWork || source == Source::kRead)) {
      return Submitted::kOverloaded;
    }
    submissions.push_back({partition, source, std::move(command), reply_to});
    return Submitted::kAccepted;
  }
  std::optional<InvocationResult> FindResult(const InvocationId&) const override { return stored; }
  uint16_t partition_count() const override { return 8; }

  std::optional<InvocationResult> stored;
  bool full = false;
  bool disk_nearly_full = false;
  std::vector<Submission> submissions;
};

inline HandlerSchema Handler(std::string name, HandlerType type) {
  HandlerSchema out;
  out.name = std::move(name);
  out.type = type;
  out.input.declared = true;
  out.input.content_type = "application/json";
  out.output.declared = true;
  out.output.content_type = "application/json";
  out.journal_retention = 1000;
  out.idempotency_retention = 2000;
  out.workflow_completion_retention = 3000;
  return out;
}

inline std::shared_ptr<ServiceSchema> Service(
    std::string name, ServiceType type, std::vector<HandlerSchema> handlers) {
  auto out = std::make_shared<ServiceSchema>();
  out->name = std::move(name);
  out->type = type;
  for (HandlerSchema& handler : handlers) {
    std::string key = handler.name;
    out->handlers.emplace(std::move(key), std::move(handler));
  }
  return out;
}

// H2Svc (greet, empty, priv), H2Obj (add, key), H2Wf (run, look), H2Priv (greet).
inline std::shared_ptr<SchemaView> SampleSchema() {
  auto view = std::make_shared<SchemaView>();
  HandlerSchema hidden = Handler("priv", HandlerType::kUnkeyed);
  hidden.is_public = false;
  auto secret = Service("H2Priv", ServiceType::kService, {Handler("greet", HandlerType::kUnkeyed)});
  secret->is_public = false;
  const std::vector<std::shared_ptr<ServiceSchema>> services = {
      Service(
          "H2Svc",
          ServiceType::kService,
          {Handler("greet", HandlerType::kUnkeyed),
           Handler("empty", HandlerType::kUnkeyed),
           std::move(hidden)}),
      Service(
          "H2Obj",
          ServiceType::kVirtualObject,
          {Handler("add", HandlerType::kExclusive), Handler("key", HandlerType::kShared)}),
      Service(
          "H2Wf",
          ServiceType::kWorkflow,
          {Handler("run", HandlerType::kWorkflow), Handler("look", HandlerType::kShared)}),
      secret};
  for (const std::shared_ptr<ServiceSchema>& service : services) {
    view->services.emplace(service->name, service);
  }
  return view;
}

inline HttpRequest Request(
    std::string method, std::string target, HttpHeaders headers = {}, std::string body = {}) {
  HttpRequest out;
  out.method = std::move(method);
  out.target = std::move(target);
  out.headers = std::move(headers);
  out.body = SharedBytes(std::move(body));
  return out;
}

inline std::string Text(const HttpResponse& response) {
  return std::string(response.body.view());
}

inline std::string IngressError(int code, const std::string& message) {
  return "{\"code\":" + std::to_string(code) + ",\"message\":\"" + message +
         "\",\"source\":\"ingress\"}";
}

class Door {
 public:
  explicit Door(std::shared_ptr<SchemaView> schema = SampleSchema(), IngressOptions options = {}) {
    publisher.Publish(std::move(schema));
    contexts.emplace_back(static_cast<uint16_t>(0), executor, client, publisher);
    handler = MakeIngress(options, gateway, contexts, clock);
  }

  std::shared_ptr<ExchangeRecord> Send(HttpRequest request) {
    auto record = std::make_shared<ExchangeRecord>();
    handler->OnRequest(std::move(request), std::make_unique<FakeExchange>(record, executor));
    return record;
  }

  // The answer to a request that the ingress answers itself.
  HttpResponse Ask(
      std::string method, std::string target, HttpHeaders headers = {}, std::string body = {}) {
    const std::string what = method + " " + target;
    const auto record =
        Send(Request(std::move(method), std::move(target), std::move(headers), std::move(body)));
    EXPECT_TRUE(record->response.has_value()) << what << " was submitted";
    EXPECT_TRUE(!record->response.has_value() || gateway.submissions.empty()) << what;
    return record->response.value_or(HttpResponse{});
  }

  // Submits and gives back the command; fails the test if the request was refused.
  Invoke Accepted(
      std::string method, std::string target, HttpHeaders headers = {}, std::string body = {}) {
    const std::string what = method + " " + target;
    const size_t before = gateway.submissions.size();
    const auto record =
        Send(Request(std::move(method), std::move(target), std::move(headers), std::move(body)));
    if (gateway.submissions.size() != before + 1) {
      ADD_FAILURE() << what << ": "
                    << (record->response.has_value() ? Text(*record->response) : "nothing");
      return {};
    }
    waiting.push_back(record);
    return std::get<Invoke>(gateway.submissions.back().command);
  }

  // Answers the last submission.
  void Deliver(Reply reply) {
    contexts[0].replies.Deliver(gateway.submissions.back().reply_to, std::move(reply));
  }

  FakeClock clock;
  FakeExecutor executor;
  NoHttpClient client;
  SchemaPublisher publisher;
  FakeGateway gateway;
  std::vector<std::shared_ptr<ExchangeRecord>> waiting;
  IoContexts contexts;
  std::unique_ptr<HttpHandler> handler;
};

}  // namespace perdure::ingress
