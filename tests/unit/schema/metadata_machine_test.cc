// SPDX-License-Identifier: Apache-2.0
//
// Registration as the metadata partition sees it (admin API 5.2): kinds of outcome, revisions, what
// is published, what is stored, and that a restart sees the same.
#include "perdure/schema/metadata_machine.h"

#include "schema/schema_rows.h"
#include "tests/unit/schema/map_state.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <variant>

namespace perdure {
namespace {

using Kind = RegistrationOutcome::Kind;
using testing::MapTxn;

constexpr ReplyTo kReply{3, 4, 5};

DeploymentId Id(uint8_t n) {
  return DeploymentId{{n}};
}

// A deployment as discovery gives it.
class DeploymentBuilder {
 public:
  DeploymentBuilder(uint8_t id, std::string path) {
    out_.id = Id(id);
    out_.uri = "http://h:9" + path;
    out_.endpoint.host = "h";
    out_.endpoint.port = 9;
    out_.path_prefix = path;
    out_.min_protocol_version = 5;
    out_.max_protocol_version = 7;
  }
  DeploymentBuilder& Service(const std::string& name, ServiceType type = ServiceType::kService) {
    ServiceSchema service;
    service.name = name;
    service.type = type;
    HandlerSchema handler;
    handler.name = "run";
    service.handlers["run"] = handler;
    return Service(service);
  }
  DeploymentBuilder& Service(const ServiceSchema& service) {
    out_.services[service.name] = std::make_shared<const ServiceSchema>(service);
    return *this;
  }
  DeploymentSchema& raw() { return out_; }
  std::shared_ptr<const DeploymentSchema> Build() const {
    return std::make_shared<const DeploymentSchema>(out_);
  }

 private:
  DeploymentSchema out_;
};

class MetadataMachineTest : public ::testing::Test {
 protected:
  MetadataMachineTest() { Restart(); }

  void Restart(const SchemaDefaults& defaults = {}) {
    machine_ = MakeMetadataMachine(defaults);
    Effects effects;
    machine_->Open(txn_, Stamp{}, effects);
    ASSERT_EQ(effects.size(), 1U);
    view_ = std::get<PublishSchema>(effects[0]).schema;
  }

  RegistrationOutcome Register(RegisterDeployment command, TimeMs now = 1000) {
    Effects effects;
    machine_->Apply(std::move(command), kReply, Stamp{now, 0, view_.get()}, txn_, effects);
    machine_->EndTurn(txn_);
    published_ = effects.size() == 2;
    if (published_) {
      view_ = std::get<PublishSchema>(effects.at(0)).schema;
    }
    const auto& reply = std::get<SendReply>(effects.back());
    EXPECT_EQ(reply.to, kReply);
    return std::get<RegistrationOutcome>(reply.reply);
  }

  uint32_t ActiveRevision(const std::string& service) const {
    const ServiceSchema* found = view_->FindService(service);
    return found == nullptr ? 0 : found->revision;
  }

  MapTxn txn_;
  std::unique_ptr<Machine> machine_;
  std::shared_ptr<const SchemaView> view_;
  bool published_ = false;
};

TEST_F(MetadataMachineTest, CreatesAndPublishesBeforeTheReply) {
  const RegistrationOutcome outcome =
      Register({DeploymentBuilder(1, "/a").Service("Svc").Build()}, 4711);

  EXPECT_EQ(outcome.kind, Kind::kCreated);
  EXPECT_TRUE(published_);
  EXPECT_EQ(outcome.deployment->created_at, 4711U);
  const ServiceSchema* service = view_->FindService("Svc");
  ASSERT_NE(service, nullptr);
  EXPECT_EQ(service->revision, 1U);
  EXPECT_EQ(service->deployment_id, Id(1));
  EXPECT_EQ(service->inactivity_timeout, SchemaDefaults{}.inactivity_timeout);
  EXPECT_EQ(view_->FindDeployment(Id(1)), outcome.deployment.get());
}

TEST_F(MetadataMachineTest, KnownDeploymentIsUnchanged) {
  Register({DeploymentBuilder(1, "/a").Service("Svc").Build()});
  DeploymentBuilder again(2, "/a");
  again.Service("Other").raw().query = "?other";
  const RegistrationOutcome outcome = Register({again.Build()});

  EXPECT_EQ(outcome.kind, Kind::kUnchanged);
  EXPECT_EQ(outcome.deployment->id, Id(1));
  EXPECT_FALSE(published_);
  EXPECT_EQ(view_->FindService("Other"), nullptr);
  EXPECT_EQ(ReadDeployments(txn_).size(), 1U);
}

TEST_F(MetadataMachineTest, NewDeploymentTakesOverWithTheNextRevision) {
  Register({DeploymentBuilder(1, "/a").Service("Svc").Build()});
  const RegistrationOutcome outcome =
      Register({DeploymentBuilder(2, "/b").Service("Svc").Service("New").Build()});

  EXPECT_EQ(outcome.kind, Kind::kCreated);
  EXPECT_EQ(ActiveRevision("Svc"), 2U);
  EXPECT_EQ(ActiveRevision("New"), 1U);
  EXPECT_EQ(view_->FindService("Svc")->deployment_id, Id(2));
  EXPECT_EQ(view_->FindDeployment(Id(1))->FindService("Svc")->revision, 1U);
}

TEST_F(MetadataMachineTest, ForceOverwritesAndKeepsTheId) {
  Register({DeploymentBuilder(1, "/a").Service("Svc").Service("Gone").Build()}, 1000);
  RegisterDeployment command{DeploymentBuilder(2, "/a").Service("Svc").Build()};
  command.force = true;
  const RegistrationOutcome outcome = Register(command, 2000);

  EXPECT_EQ(outcome.kind, Kind::kOverwritten);
  EXPECT_EQ(outcome.deployment->id, Id(1));
  EXPECT_EQ(outcome.deployment->created_at, 2000U);
  EXPECT_EQ(outcome.deployment->FindService("Svc")->deployment_id, Id(1));
  EXPECT_EQ(ActiveRevision("Svc"), 2U);
  EXPECT_EQ(view_->FindService("Gone"), nullptr);
  EXPECT_EQ(view_->FindDeployment(Id(2)), nullptr);
}

TEST_F(MetadataMachineTest, OlderRevisionBecomesActiveWhenTheNewerVanishes) {
  Register({DeploymentBuilder(1, "/a").Service("Svc").Build()});
  Register({DeploymentBuilder(2, "/b").Service("Svc").Build()});
  RegisterDeployment without{DeploymentBuilder(3, "/b").Service("Other").Build()};
  without.force = true;
  Register(without);

  EXPECT_EQ(ActiveRevision("Svc"), 1U);
  EXPECT_EQ(view_->FindService("Svc")->deployment_id, Id(1));
}

TEST_F(MetadataMachineTest, TypeChangeNeedsBreakingOrForce) {
  Register({DeploymentBuilder(1, "/a").Service("Svc").Build()});
  RegisterDeployment command{
      DeploymentBuilder(2, "/b").Service("Svc", ServiceType::kVirtualObject).Build()};
  const RegistrationOutcome refused = Register(command);

  EXPECT_EQ(refused.kind, Kind::kTypeChanged);
  EXPECT_EQ(
      refused.message,
      "[META0006] detected a new service revision for 'Svc' changing the service type from "
      "previous revision. Service type cannot be changed across revisions.");
  EXPECT_FALSE(published_);
  EXPECT_EQ(ActiveRevision("Svc"), 1U);

  command.breaking = true;
  EXPECT_EQ(Register(command).kind, Kind::kCreated);
  EXPECT_EQ(view_->FindService("Svc")->type, ServiceType::kVirtualObject);

  RegisterDeployment back{DeploymentBuilder(3, "/c").Service("Svc").Build()};
  back.force = true;
  EXPECT_EQ(Register(back).kind, Kind::kCreated);
  EXPECT_EQ(ActiveRevision("Svc"), 3U);
}

TEST_F(MetadataMachineTest, DryRunAnswersAndStoresNothing) {
  Register({DeploymentBuilder(1, "/a").Service("Svc").Build()});
  RegisterDeployment command{DeploymentBuilder(2, "/b").Service("Svc").Build()};
  command.dry_run = true;
  const RegistrationOutcome outcome = Register(command);

  EXPECT_EQ(outcome.kind, Kind::kCreated);
  EXPECT_EQ(outcome.deployment->id, Id(2));
  EXPECT_EQ(outcome.deployment->FindService("Svc")->revision, 2U);
  EXPECT_FALSE(published_);
  EXPECT_EQ(ReadDeployments(txn_).size(), 1U);
}

TEST_F(MetadataMachineTest, SurvivesARestartWithEveryField) {
  ServiceSchema service;
  service.name = "Wf";
  service.type = ServiceType::kWorkflow;
  service.is_public = true;
  service.documentation = "doc";
  service.metadata["team"] = "x";
  service.options.inactivity_timeout = 1;
  service.options.abort_timeout = 2;
  service.options.journal_retention = 3;
  service.options.idempotency_retention = 4;
  service.options.enable_lazy_state = true;
  service.options.ingress_private = false;
  service.options.retry_initial_interval = 5;
  service.options.retry_max_interval = 6;
  service.options.retry_max_attempts = 7;
  service.options.retry_exponentiation_factor = 1.5;
  service.options.retry_on_max_attempts = OnMaxAttempts::kKill;
  HandlerSchema handler;
  handler.name = "run";
  handler.type = HandlerType::kWorkflow;
  handler.is_public = false;
  handler.options.ingress_private = true;
  handler.options.workflow_completion_retention = 8;
  handler.input = {true, true, "application/json", "{\"type\":\"object\"}"};
  handler.output = {true, true, "text/plain", "true"};
  handler.documentation = "hd";
  handler.metadata["k"] = "v";
  service.handlers["run"] = handler;
  DeploymentBuilder builder(9, "/p");
  builder.Service(service);
  builder.raw().query = "?q";
  builder.raw().endpoint.http11 = true;
  builder.raw().additional_headers.Add("x-tok", "1");
  builder.raw().metadata["git"] = "abc";
  builder.raw().bidirectional = false;
  builder.raw().sdk_version = "sdk/1";
  Register({builder.Build()}, 777);
  const std::string before = EncodeDeployment(*view_->FindDeployment(Id(9)));
  const ServiceSchema old = *view_->FindService("Wf");
  Restart();

  EXPECT_EQ(EncodeDeployment(*view_->FindDeployment(Id(9))), before);
  const DeploymentSchema& deployment = *view_->FindDeployment(Id(9));
  EXPECT_EQ(deployment.uri, "http://h:9/p");
  EXPECT_TRUE(deployment.endpoint.http11);
  EXPECT_EQ(deployment.query, "?q");
  EXPECT_EQ(deployment.additional_headers.Get("x-tok"), "1");
  EXPECT_EQ(deployment.created_at, 777U);
  EXPECT_FALSE(deployment.bidirectional);
  EXPECT_EQ(deployment.sdk_version, "sdk/1");
  const ServiceSchema& found = *view_->FindService("Wf");
  EXPECT_EQ(found.deployment_id, Id(9));
  EXPECT_EQ(found.documentation, "doc");
  EXPECT_EQ(found.options.retry_on_max_attempts, OnMaxAttempts::kKill);
  EXPECT_EQ(found.retry_policy, old.retry_policy);
  EXPECT_EQ(found.journal_retention, old.journal_retention);
  EXPECT_TRUE(found.is_public);
  const HandlerSchema& run = *found.FindHandler("run");
  EXPECT_EQ(run.type, HandlerType::kWorkflow);
  EXPECT_FALSE(run.is_public);
  EXPECT_EQ(run.workflow_completion_retention, 8U);
  EXPECT_EQ(run.input.json_schema, "{\"type\":\"object\"}");
  EXPECT_TRUE(run.input.required);
  EXPECT_EQ(run.output.content_type, "text/plain");
  EXPECT_TRUE(run.output.set_content_type_if_empty);
  EXPECT_EQ(run.metadata.at("k"), "v");
}

TEST_F(MetadataMachineTest, NewDefaultsReachOldDeployments) {
  Register({DeploymentBuilder(1, "/a").Service("Svc").Build()});
  SchemaDefaults defaults;
  defaults.abort_timeout = 42;
  Restart(defaults);

  EXPECT_EQ(view_->FindService("Svc")->FindHandler("run")->abort_timeout, 42U);
}

TEST_F(MetadataMachineTest, KeepsToItsOwnKeys) {
  txn_.Put(Family::kMeta, "C-something", "x");
  txn_.Put(Family::kMeta, "E-something", "x");
  Register({DeploymentBuilder(1, "/a").Service("Svc").Build()});

  for (const auto& row : txn_.Map(Family::kMeta)) {
    if (row.second != "x") {
      EXPECT_EQ(row.first, std::string("D\x01\x01") + std::string(15, '\0'));
    }
  }
  EXPECT_EQ(txn_.Map(Family::kMeta).size(), 3U);
  Restart();
  EXPECT_EQ(ActiveRevision("Svc"), 1U);
}

TEST_F(MetadataMachineTest, HasNothingToDoOnItsOwn) {
  EXPECT_EQ(machine_->ready_count(), 0U);
  EXPECT_EQ(machine_->next_timer(), std::nullopt);
  EXPECT_EQ(machine_->next_retention(), std::nullopt);
}

TEST_F(MetadataMachineTest, CommandsOfInvocationsAreABrokenInvariant) {
  EXPECT_DEATH(
      {
        Effects effects;
        machine_->Apply(Cancel{}, kReply, Stamp{}, txn_, effects);
      },
      "metadata partition");
}

}  // namespace
}  // namespace perdure
