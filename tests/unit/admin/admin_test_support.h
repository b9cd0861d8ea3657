// SPDX-License-Identifier: Apache-2.0
//
// The admin door with everything behind it faked: partitions, discovery and introspection record
// what they were asked and answer when the test says so.
#pragma once

#include "perdure/admin/admin.h"
#include "perdure/schema/publisher.h"
#include "tests/unit/schema/manual_executor.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace perdure::testing {

class FakeExchange final : public HttpExchange {
 public:
  using Slot = std::shared_ptr<std::optional<HttpResponse>>;
  FakeExchange(Executor& executor, Slot response)
      : executor_(executor), response_(std::move(response)) {}
  void Respond(HttpResponse response) override {
    ASSERT_FALSE(response_->has_value()) << "answered twice";
    *response_ = std::move(response);
  }
  bool closed() const override { return false; }
  void OnClose(MoveFunction<void()>) override {}
  Executor& executor() override { return executor_; }
  uint16_t io_thread() const override { return 0; }

 private:
  Executor& executor_;
  Slot response_;
};

class FakeGateway final : public PartitionGateway {
 public:
  struct Submission {
    PartitionId partition;
    Source source;
    Command command;
    ReplyTo reply_to;
  };
  Submitted Submit(
      PartitionId partition,
      Source source,
      Command command,
      ReplyTo reply_to,
      std::shared_ptr<StreamWindow>) override {
    if (overloaded) {
      return Submitted::kOverloaded;
    }
    submissions.push_back({partition, source, std::move(command), reply_to});
    return Submitted::kAccepted;
  }
  std::optional<InvocationResult> FindResult(const InvocationId&) const override { return {}; }
  uint16_t partition_count() const override { return 8; }

  bool overloaded = false;
  std::vector<Submission> submissions;
};

class NoClient final : public HttpClient {
 public:
  std::unique_ptr<HttpStream> Open(HttpStreamRequest, HttpStreamListener&) override {
    ADD_FAILURE() << "the admin door opens no streams";
    return nullptr;
  }
};

class FakeDiscovery final : public Discovery {
 public:
  std::variant<DeploymentAddress, DiscoveryError> ParseUri(
      std::string_view uri, bool http11) const override {
    if (uri == "bad") {
      return DiscoveryError{400, "", "bad uri"};
    }
    DeploymentAddress out;
    out.uri = uri;
    out.endpoint.host = "h";
    out.endpoint.http11 = http11;
    out.path_prefix = uri;
    return out;
  }
  void Discover(DiscoveryRequest r, DeploymentId i, Executor&, HttpClient&, Done d) override {
    ++asked;
    request = std::move(r);
    id = i;
    done = std::move(d);
  }

  int asked = 0;
  DiscoveryRequest request;
  DeploymentId id;
  Done done;
};

class FakeIntrospection final : public Introspection {
 public:
  void List(InvocationFilter f, Executor&, Done d) override {
    filter = std::move(f);
    done = std::move(d);
  }
  void Get(InvocationId i, Executor&, Done d) override {
    id = i;
    done = std::move(d);
  }

  std::optional<InvocationFilter> filter;
  std::optional<InvocationId> id;
  Done done;
};

class AdminTest : public ::testing::Test {
 protected:
  AdminTest() {
    contexts_.emplace_back(static_cast<uint16_t>(0), executor_, client_, publisher_);
    admin_ = MakeAdmin(
        {"http://ingress:8080/", "localcluster", "0.1.0"},
        gateway_,
        contexts_,
        discovery_,
        introspection_,
        SystemClock());
  }

  // Sends a request; the answer appears in `response_`, now or later.
  void Send(
      const std::string& method,
      const std::string& target,
      const std::string& body = "",
      const std::string& content_type = "") {
    HttpRequest request;
    request.method = method;
    request.target = target;
    request.body = SharedBytes(body);
    if (!content_type.empty()) {
      request.headers.Add("content-type", content_type);
    }
    response_ = std::make_shared<std::optional<HttpResponse>>();
    admin_->OnRequest(std::move(request), std::make_unique<FakeExchange>(executor_, response_));
  }
  void Post(const std::string& body, const std::string& target = "/deployments") {
    Send("POST", target, body, "application/json");
  }
  bool answered() const { return response_->has_value(); }
  int status() const { return answered() ? (*response_)->status : 0; }
  std::string body() const {
    return answered() ? std::string((*response_)->body.view()) : "(no answer)";
  }
  std::string header(std::string_view name) const {
    return answered() ? std::string((*response_)->headers.Get(name).value_or("")) : "";
  }
  void Reply(perdure::Reply reply) {
    contexts_[0].replies.Deliver(gateway_.submissions.back().reply_to, std::move(reply));
  }

  ManualExecutor executor_;
  NoClient client_;
  SchemaPublisher publisher_;
  FakeGateway gateway_;
  FakeDiscovery discovery_;
  FakeIntrospection introspection_;
  IoContexts contexts_;
  std::unique_ptr<HttpHandler> admin_;
  FakeExchange::Slot response_;
};

inline std::string JsonError(const std::string& message, const std::string& code = "null") {
  return R"({"message":")" + message + R"(","restate_code":)" + code + "}";
}

}  // namespace perdure::testing
