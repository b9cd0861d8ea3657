// SPDX-License-Identifier: Apache-2.0
//
// See server.h. Read top to bottom: each member may use those above it.
#include "server/server.h"

#include "perdure/admin/admin.h"
#include "perdure/base/assert.h"
#include "perdure/base/clock.h"
#include "perdure/base/limits.h"
#include "perdure/base/log.h"
#include "perdure/base/work_note.h"
#include "perdure/core/partition.h"
#include "perdure/ingress/ingress.h"
#include "perdure/invoker/invoker.h"
#include "perdure/log/embedded.h"
#include "perdure/net/server.h"
#include "perdure/partition/partitions.h"
#include "perdure/protocol/request_identity.h"
#include "perdure/query/introspection.h"
#include "perdure/schema/discovery.h"
#include "perdure/schema/metadata_machine.h"
#include "perdure/store/crash_notes.h"
#include "perdure/store/database.h"
#include "perdure/store/housekeeping.h"
#include "server/delivery.h"
#include "server/derived_options.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace perdure {
namespace {

constexpr DurationMs kStopMax = 4000;

// Requests that come before the doors are built wait in the listener's backlog; this only breaks
// the circle between listener and handler.
class LateHandler final : public HttpHandler {
 public:
  void Set(std::unique_ptr<HttpHandler> handler) { handler_ = std::move(handler); }
  void OnRequest(HttpRequest request, std::unique_ptr<HttpExchange> exchange) override {
    PERDURE_ASSERT(handler_ != nullptr);
    handler_->OnRequest(std::move(request), std::move(exchange));
  }

 private:
  std::unique_ptr<HttpHandler> handler_;
};

bool TestSwitch(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): before threads start
  return value != nullptr && std::string_view(value) == "1";
}

uint64_t RandomSeed() {
  std::random_device device;
  return (static_cast<uint64_t>(device()) << 32) | device();
}

class ServerImpl final : public Server {
 public:
  ServerImpl(const Settings& settings, ServerHooks hooks)
      : settings_(settings), hooks_(std::move(hooks)) {}
  ~ServerImpl() override { Stop(); }

  Status Open() {
    Result<std::shared_ptr<const RequestIdentity>> identity = RequestIdentityOf(settings_);
    if (!identity.ok()) {
      return identity.error();
    }
    identity_ = std::move(identity).value();
    const size_t cores = std::max<size_t>(1, std::thread::hardware_concurrency());
    network_ = MakeNetwork(std::max<size_t>(1, cores / 2), ClientOptionsOf(settings_));
    Result<uint16_t> ingress = network_->Listen(IngressListenerOf(settings_), ingress_door_);
    if (!ingress.ok()) {
      return ingress.error();
    }
    Result<uint16_t> admin = network_->Listen(AdminListenerOf(settings_), admin_door_);
    if (!admin.ok()) {
      return admin.error();
    }
    ingress_port_ = ingress.value();
    admin_port_ = admin.value();

    if (Status opened = OpenDatabase(); !opened.ok()) {
      return opened;
    }
    EmbeddedLogOptions log_options;
    log_options.no_sync = TestSwitch("PERDURE_TEST_NO_SYNC");
    log_ = EmbeddedLog::Start(*database_, log_options);

    for (size_t i = 0; i < network_->thread_count(); ++i) {
      contexts_.emplace_back(
          static_cast<uint16_t>(i), network_->thread(i), network_->client(i), publisher_);
    }
    MakePartitionsAndInvoker(cores);
    MakeDoors();
    partitions_->Start();
    network_->Start();
    running_ = true;
    return OkStatus();
  }

  void Stop() override {
    if (stopped_) {
      return;
    }
    stopped_ = true;
    const DurationMs grace = std::min(settings_.shutdown_timeout, kStopMax) / 4;
    if (network_ != nullptr) {
      network_->Stop(grace);
    }
    if (partitions_ != nullptr) {
      partitions_->Stop();
    }
    if (log_ != nullptr) {
      log_->Stop();
    }
    if (housekeeping_ != nullptr) {
      housekeeping_->Stop();
    }
    if (running_) {
      notes_->StoppedCleanly();
    }
  }

  uint16_t ingress_port() const override { return ingress_port_; }
  uint16_t admin_port() const override { return admin_port_; }
  EmbeddedLog& log() override { return *log_; }

 private:
  Status OpenDatabase() {
    DatabaseOptions options;
    options.folder = (std::filesystem::path(settings_.base_dir) / settings_.node_name).string();
    options.record_synced = TestSwitch("PERDURE_TEST_RECORD_SYNCED");
    Result<std::unique_ptr<Database>> database = Database::Open(options);
    if (!database.ok()) {
      return database.error();
    }
    database_ = std::move(database).value();
    Result<uint16_t> count = FixedPartitionCount(*database_, settings_.default_num_partitions);
    if (!count.ok()) {
      return count.error();
    }
    partition_count_ = count.value();
    // One more for the metadata partition.
    Result<std::unique_ptr<CrashNotes>> notes =
        CrashNotes::Open(options.folder, size_t{partition_count_} + 1);
    if (!notes.ok()) {
      return notes.error();
    }
    notes_ = std::move(notes).value();
    MarkNotesOnFatalSignals();
    for (const CrashNotes::Suspect& suspect : notes_->suspects()) {
      PERDURE_LOG(
          kError,
          "an invocation brought the server down again; it is paused",
          {{"invocation", suspect.id.ToString()}, {"crashes_in_a_row", suspect.crashes}});
    }
    HousekeepingOptions housekeeping;
    housekeeping.folder = options.folder;
    housekeeping_ = Housekeeping::Start(*database_, SystemClock(), housekeeping);
    return OkStatus();
  }

  void MakePartitionsAndInvoker(size_t cores) {
    PartitionsOptions options;
    options.partition_count = partition_count_;
    options.threads = std::min<size_t>(
        partition_count_,
        settings_.default_thread_pool_size.value_or(
            static_cast<uint32_t>(std::max<size_t>(1, cores / 2))));
    options.term = database_->start_counter();
    options.entropy_seed = RandomSeed();
    options.suspects = notes_->suspects();
    options.watchdog = hooks_.watchdog;
    const PartitionsParts parts{
        *database_, *log_, *housekeeping_, SystemClock(), publisher_, delivery_, notes_.get()};
    partitions_ =
        MakePartitions(options, parts, [this](PartitionId partition) -> std::unique_ptr<Machine> {
          if (partition == kMetadataPartition) {
            return MakeMetadataMachine(SchemaDefaultsOf(settings_));
          }
          PartitionMachineOptions machine;
          machine.partition = partition;
          machine.partition_count = partition_count_;
          machine.start_counter = database_->start_counter();
          machine.eager_state_bytes_max =
              settings_.invoker.disable_eager_state ? 0 : settings_.invoker.eager_state_size_limit;
          machine.message_bytes_max = settings_.invoker.message_size_limit;
          machine.protocol_version_max = ProtocolVersionMaxOf(settings_);
          machine.note = &notes_->note(partition.value);
          std::unique_ptr<Machine> made = MakePartitionMachine(machine);
          return hooks_.wrap_machine ? hooks_.wrap_machine(std::move(made)) : std::move(made);
        });
    slots_ = MakeSlotPool(settings_.invoker.concurrent_invocations_limit, *partitions_);
    partitions_->SetSlots(*slots_);
    for (IoContext& context : contexts_) {
      hosts_.push_back(MakeAttemptHost(
          InvokerOptionsOf(settings_, contexts_.size(), identity_),
          *partitions_,
          context,
          *slots_,
          SystemClock()));
    }
    delivery_.SetHosts(hosts_);
  }

  void MakeDoors() {
    introspection_ = MakeIntrospection(*database_, *log_, delivery_.LiveAttempts());
    discovery_ = MakeDiscovery(
        DiscoveryOptions{settings_.cluster_name, identity_, ProtocolVersionMaxOf(settings_)},
        SystemClock());
    ingress_door_.Set(MakeIngress(IngressOptions{}, *partitions_, contexts_, SystemClock()));
    AdminOptions admin;
    admin.ingress_endpoint = IngressEndpointOf(settings_, ingress_port_);
    admin.cluster_name = settings_.cluster_name;
    admin.perdure_version = kPerdureVersion;
    admin.protocol_v7 = settings_.experimental_enable_protocol_v7;
    admin_door_.Set(
        MakeAdmin(admin, *partitions_, contexts_, *discovery_, *introspection_, SystemClock()));
  }

  const Settings settings_;
  const ServerHooks hooks_;
  uint16_t partition_count_ = 0;
  uint16_t ingress_port_ = 0;
  uint16_t admin_port_ = 0;
  bool running_ = false;
  bool stopped_ = false;
  std::shared_ptr<const RequestIdentity> identity_;

  LateHandler ingress_door_;
  LateHandler admin_door_;
  SchemaPublisher publisher_;
  std::unique_ptr<Network> network_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<CrashNotes> notes_;
  std::unique_ptr<Housekeeping> housekeeping_;
  IoContexts contexts_;
  Delivery delivery_{contexts_};
  std::unique_ptr<EmbeddedLog> log_;
  std::unique_ptr<Partitions> partitions_;
  std::unique_ptr<SlotPool> slots_;
  std::vector<std::unique_ptr<AttemptHost>> hosts_;
  std::unique_ptr<Introspection> introspection_;
  std::unique_ptr<Discovery> discovery_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::Start(const Settings& settings, ServerHooks hooks) {
  auto server = std::make_unique<ServerImpl>(settings, std::move(hooks));
  if (Status opened = server->Open(); !opened.ok()) {
    return opened.error();
  }
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace perdure
