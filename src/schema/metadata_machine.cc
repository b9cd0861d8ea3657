// SPDX-License-Identifier: Apache-2.0
//
// Registration as a pure machine (admin API 5.2 steps 3 to 8). The active revision of a service is
// the highest one that any deployment serves: it is derived and not stored, so a row can never
// contradict it. Discovery, and asking whether a deployment is known before it, happen at the door;
// the check is repeated here, because two registrations may race.
#include "perdure/schema/metadata_machine.h"

#include "perdure/base/assert.h"
#include "perdure/protocol/manifest.h"
#include "perdure/schema/discovery.h"
#include "schema/schema_rows.h"

#include <string>
#include <utility>
#include <variant>

namespace perdure {
namespace {

using Kind = RegistrationOutcome::Kind;
using DeploymentMap = std::map<DeploymentId, std::shared_ptr<const DeploymentSchema>>;

std::shared_ptr<const SchemaView> MakeView(DeploymentMap deployments) {
  auto view = std::make_shared<SchemaView>();
  for (const auto& deployment : deployments) {
    for (const auto& service : deployment.second->services) {
      std::shared_ptr<const ServiceSchema>& active = view->services[service.first];
      if (active == nullptr || active->revision < service.second->revision) {
        active = service.second;
      } else {
        PERDURE_INVARIANT(
            active->revision != service.second->revision,
            "two deployments serve the same revision of a service");
      }
    }
  }
  view->deployments = std::move(deployments);
  return view;
}

class MetadataMachine final : public Machine {
 public:
  explicit MetadataMachine(const SchemaDefaults& defaults)
      : defaults_(defaults), view_(std::make_shared<const SchemaView>()) {}

  void Open(StateTxn& txn, const Stamp&, Effects& effects) override {
    DeploymentMap deployments;
    for (const DeploymentSchema& row : ReadDeployments(txn)) {
      deployments[row.id] =
          std::make_shared<const DeploymentSchema>(ResolveOptions(row, defaults_));
    }
    view_ = MakeView(std::move(deployments));
    effects.push_back(PublishSchema{view_});
  }

  void Apply(Command command, ReplyTo reply_to, const Stamp& stamp, StateTxn& txn, Effects& effects)
      override {
    PERDURE_INVARIANT(
        std::holds_alternative<RegisterDeployment>(command),
        "a command about an invocation reached the metadata partition");
    RegistrationOutcome outcome =
        Register(std::get<RegisterDeployment>(command), stamp, txn, effects);
    if (reply_to.wanted()) {
      effects.push_back(SendReply{reply_to, std::move(outcome)});
    }
  }

  size_t PullStarts(size_t, const Stamp&, StateTxn&, Effects&) override { return 0; }
  size_t ready_count() const override { return 0; }
  void EndTurn(StateTxn&) override {}
  std::optional<TimeMs> next_timer() const override { return std::nullopt; }
  std::optional<TimeMs> next_retention() const override { return std::nullopt; }

 private:
  // Publishes before the reply: who saw the answer can call at once.
  RegistrationOutcome Register(
      const RegisterDeployment& command, const Stamp& stamp, StateTxn& txn, Effects& effects) {
    PERDURE_ASSERT(command.deployment != nullptr);
    const std::shared_ptr<const DeploymentSchema> known = FindKnown(*command.deployment);
    if (known != nullptr && !command.force) {
      return RegistrationOutcome{Kind::kUnchanged, known, ""};
    }
    if (!command.force && !command.breaking) {
      for (const auto& service : command.deployment->services) {
        const ServiceSchema* active = view_->FindService(service.first);
        if (active != nullptr && active->type != service.second->type) {
          return RegistrationOutcome{Kind::kTypeChanged, nullptr, TypeChanged(service.first)};
        }
      }
    }
    DeploymentSchema stored = NextRevision(*command.deployment, stamp.now);
    if (known != nullptr) {
      stored.id = known->id;
      for (auto& service : stored.services) {
        auto owned = std::make_shared<ServiceSchema>(*service.second);
        owned->deployment_id = known->id;
        service.second = std::move(owned);
      }
    }
    PERDURE_ASSERT(known != nullptr || view_->FindDeployment(stored.id) == nullptr);
    auto resolved = std::make_shared<const DeploymentSchema>(ResolveOptions(stored, defaults_));
    if (!command.dry_run) {
      txn.Put(Family::kMeta, DeploymentKey(stored.id), EncodeDeployment(stored));
      DeploymentMap deployments = view_->deployments;
      deployments[stored.id] = resolved;
      view_ = MakeView(std::move(deployments));
      effects.push_back(PublishSchema{view_});
    }
    return RegistrationOutcome{
        known != nullptr ? Kind::kOverwritten : Kind::kCreated, std::move(resolved), ""};
  }

  std::shared_ptr<const DeploymentSchema> FindKnown(const DeploymentSchema& asked) const {
    for (const auto& deployment : view_->deployments) {
      if (SameDeployment(*deployment.second, asked.endpoint, asked.path_prefix)) {
        return deployment.second;
      }
    }
    return nullptr;
  }

  // The deployment as it will be stored: active revisions plus one.
  DeploymentSchema NextRevision(const DeploymentSchema& discovered, TimeMs now) const {
    DeploymentSchema out = discovered;
    out.created_at = now;
    for (auto& service : out.services) {
      const ServiceSchema* active = view_->FindService(service.first);
      auto next = std::make_shared<ServiceSchema>(*service.second);
      next->revision = active == nullptr ? 1 : active->revision + 1;
      next->deployment_id = out.id;
      service.second = std::move(next);
    }
    return out;
  }

  static std::string TypeChanged(const std::string& service) {
    return "[META0006] detected a new service revision for '" + service +
           "' changing the service type from previous revision. Service type cannot be changed "
           "across revisions.";
  }

  const SchemaDefaults defaults_;
  // What is stored, with this turn's writes: equal to the rows, resolved.
  std::shared_ptr<const SchemaView> view_;
};

}  // namespace

std::unique_ptr<Machine> MakeMetadataMachine(const SchemaDefaults& defaults) {
  return std::make_unique<MetadataMachine>(defaults);
}

}  // namespace perdure
