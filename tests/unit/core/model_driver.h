// SPDX-License-Identifier: Apache-2.0
//
// Random commands to the machine and to a model of what a client can see. After every step both
// must agree about every invocation, its journal, every answer, all state and all promises, and the
// invariants of both partitions must hold. The same seed does the same again.
#pragma once

#include "tests/unit/core/model.h"
#include "tests/unit/core/world.h"

#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace perdure::test {

// How often what a run is meant to reach was reached.
using Reached = std::map<std::string, uint64_t>;

class Driver {
 public:
  explicit Driver(uint64_t seed);

  // Ends with the first failure.
  void RunAll();
  const Reached& reached() const { return reached_; }

 private:
  size_t Pick(size_t count) { return random_() % count; }
  // REQUIRES: there was a new invocation.
  InvocationId AnyId() { return ids_[Pick(ids_.size())]; }

  // --- from outside (model_driver.cc) ---
  InvocationSpec RandomSpec();
  void NewInvocation();
  void ControlSomething();
  void RestartSomething(const InvocationId& id);
  void SignalFromOutside();
  // Longer than any backoff, so that whether a retry is due does not depend on its jitter.
  void PassTime();
  // Nothing a client could see.
  void Disturb();
  void StartAll();
  void CheckStart(const StartAttempt& start);

  // --- one step of one running attempt (model_attempts.cc) ---
  void Progress();
  void Send(Model::Life& life, std::vector<SdkFrame> frames);
  void AddSleep(Model::Life& life);
  void WriteState(Model::Life& life);
  void MakeCall(Model::Life& life);
  void RunStepOf(Model::Life& life);
  void Suspend(Model::Life& life);
  void FailSomehow(Model::Life& life);
  void Finish(Model::Life& life);

  // --- what invocations tell each other (model_messages.cc) ---
  void SendSomeSignal(Model::Life& life);
  void CompleteSomeAwakeable(Model::Life& life);
  void UsePromise(Model::Life& life);
  void AskForResult(Model::Life& life);
  SignalName RandomSignal();
  // For the counters: in which state the target is.
  void NoteControl(const char* what, const InvocationId& target);
  void NoteSignal(const InvocationId& target, const SignalName& signal);

  // --- the comparison (model_compare.cc) ---
  void Compare();
  // A callee that was queued when its tree was killed: withdrawn, or, if who stood before it died
  // first, killed as the holder of its object. Only the second is kept.
  void AgreeOnKilled(const StateReader& reader);
  void CompareOne(const StateReader& reader, const StatusRow& row, const Model::Life& life);
  void CompareAnswers();
  void CompareState(const StateReader& reader);

  std::mt19937_64 random_;
  World world_{2};
  Model model_;
  std::vector<InvocationId> ids_;
  std::set<InvocationId> called_;
  std::map<InvocationId, Attempt> attempts_;
  std::vector<JournalAppend> late_;
  Reached reached_;
};

}  // namespace perdure::test
