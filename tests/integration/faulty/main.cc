// SPDX-License-Identifier: Apache-2.0
//
// The server with a fault built in: the first Sleep command that is written to a journal breaks an
// invariant, never ends, or waits for a disk that does not answer. PERDURE_TEST_FAULT says which:
// "abort", "spin", or "stall", which lasts until the file PERDURE_TEST_GO_ON exists. Flags are
// settings: "--base-dir <value>". Its watchdog is impatient. For tests only, never installed.
#include "perdure/base/assert.h"
#include "perdure/base/log.h"
#include "perdure/base/progress.h"
#include "perdure/net/server.h"
#include "perdure/protocol/message_type.h"
#include "server/server.h"

#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace perdure {
namespace {

std::string Variable(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nothing here sets one
  return value == nullptr ? "" : value;
}

void Fault() {
  static const std::string kFault = Variable("PERDURE_TEST_FAULT");
  static const std::string kGoOn = Variable("PERDURE_TEST_GO_ON");
  PERDURE_INVARIANT(kFault != "abort", "the fault of this test");
  volatile bool spins = kFault == "spin";
  while (spins) {
  }
  const InStorage in_storage;
  while (kFault == "stall" && access(kGoOn.c_str(), F_OK) != 0) {
    usleep(1000);  // Sleeps: it plays a disk that does not answer.
  }
}

bool IsSleep(Family family, BytesView value) {
  constexpr auto kSleep = static_cast<uint16_t>(MessageType::kSleepCommand);
  return family == Family::kJournal && value.size() > 2 &&
         static_cast<unsigned char>(value[1]) == kSleep >> 8 &&
         static_cast<unsigned char>(value[2]) == (kSleep & 0xff);
}

class FaultyTxn final : public StateTxn {
 public:
  explicit FaultyTxn(StateTxn& txn) : txn_(txn) {}

  std::optional<std::string> Get(Family family, BytesView key) const override {
    return txn_.Get(family, key);
  }
  std::unique_ptr<StateIterator> Scan(
      Family family, BytesView lower, BytesView upper) const override {
    return txn_.Scan(family, lower, upper);
  }
  void Put(Family family, BytesView key, BytesView value) override { txn_.Put(family, key, value); }
  void Put(Family family, BytesView key, std::initializer_list<BytesView> parts) override {
    if (parts.size() > 0 && IsSleep(family, *parts.begin())) {
      Fault();
    }
    txn_.Put(family, key, parts);
  }
  void Delete(Family family, BytesView key) override { txn_.Delete(family, key); }
  void DeleteOnce(Family family, BytesView key) override { txn_.DeleteOnce(family, key); }
  size_t byte_size() const override { return txn_.byte_size(); }
  bool empty() const override { return txn_.empty(); }

 private:
  StateTxn& txn_;
};

class FaultyMachine final : public Machine {
 public:
  explicit FaultyMachine(std::unique_ptr<Machine> machine) : machine_(std::move(machine)) {}

  void Open(StateTxn& txn, const Stamp& stamp, Effects& effects) override {
    machine_->Open(txn, stamp, effects);
  }
  void Apply(Command command, ReplyTo reply_to, const Stamp& stamp, StateTxn& txn, Effects& effects)
      override {
    FaultyTxn faulty(txn);
    machine_->Apply(std::move(command), reply_to, stamp, faulty, effects);
  }
  size_t PullStarts(size_t slots, const Stamp& stamp, StateTxn& txn, Effects& effects) override {
    return machine_->PullStarts(slots, stamp, txn, effects);
  }
  size_t ready_count() const override { return machine_->ready_count(); }
  void EndTurn(StateTxn& txn) override { machine_->EndTurn(txn); }
  std::optional<TimeMs> next_timer() const override { return machine_->next_timer(); }
  std::optional<TimeMs> next_retention() const override { return machine_->next_retention(); }

 private:
  std::unique_ptr<Machine> machine_;
};

int Fail(const Error& error) {
  PERDURE_LOG(kError, error.message);
  return 1;
}

int Serve(int argc, char** argv) {
  SettingsLoader loader;
  Status status = loader.LoadEnv(environ);
  for (int i = 1; status.ok() && i + 1 < argc; i += 2) {
    status = loader.Set(std::string_view(argv[i]).substr(2), argv[i + 1]);
  }
  if (!status.ok()) {
    return Fail(status.error());
  }
  const Result<Settings> settings = loader.Finish();
  if (!settings.ok()) {
    return Fail(settings.error());
  }
  LogOptions logging;
  logging.format = settings->log_format;
  InitLogging(logging);
  BlockSignals();
  ServerHooks hooks;
  hooks.watchdog = WatchdogOptions{20, 25, 5};
  hooks.wrap_machine = [](std::unique_ptr<Machine> machine) -> std::unique_ptr<Machine> {
    return std::make_unique<FaultyMachine>(std::move(machine));
  };
  Result<std::unique_ptr<Server>> server = Server::Start(*settings, hooks);
  if (!server.ok()) {
    return Fail(server.error());
  }
  PERDURE_LOG(
      kInfo,
      "ready",
      {{"ingress_port", (*server)->ingress_port()}, {"admin_port", (*server)->admin_port()}});
  static_cast<void>(WaitForStopSignal(nullptr));
  (*server)->Stop();
  return 0;
}

}  // namespace
}  // namespace perdure

int main(int argc, char** argv) {
  return perdure::Serve(argc, argv);
}
