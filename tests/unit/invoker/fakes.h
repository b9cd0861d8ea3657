// SPDX-License-Identifier: Apache-2.0
//
// The world around the invoker, by hand: virtual time, an HTTP client whose streams are played by
// the test, a mailbox that is emptied when the test says so, and frames as an SDK writes them.
#pragma once

#include "perdure/base/clock.h"
#include "perdure/base/executor.h"
#include "perdure/base/limits.h"
#include "perdure/http/client.h"
#include "perdure/invoker/invoker.h"
#include "perdure/partition/gateway.h"
#include "perdure/partition/io_context.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace perdure::invoker_test {

class ManualTime final : public Executor, public Clock {
 public:
  void Post(MoveFunction<void()> work) override { posted_.push_back(std::move(work)); }
  TimerId StartTimer(DurationMs delay, MoveFunction<void()> work) override {
    ++timers_started;
    timers_.emplace(std::pair{now_ms_ + delay, ++last_timer_}, std::move(work));
    return last_timer_;
  }
  void CancelTimer(TimerId timer) override {
    std::erase_if(timers_, [timer](const auto& item) { return item.first.second == timer; });
  }
  TimeMs WallMs() const override { return 1'700'000'000'000 + now_ms_; }
  uint64_t MonotonicNs() const override { return now_ms_ * 1'000'000; }

  void RunPosted() {
    while (!posted_.empty()) {
      MoveFunction<void()> work = std::move(posted_.front());
      posted_.pop_front();
      work();
    }
  }
  void Advance(DurationMs duration) {
    const uint64_t until = now_ms_ + duration;
    RunPosted();
    while (!timers_.empty() && timers_.begin()->first.first <= until) {
      auto node = timers_.extract(timers_.begin());
      now_ms_ = std::max(now_ms_, node.key().first);
      node.mapped()();
      RunPosted();
    }
    now_ms_ = until;
  }
  size_t timer_count() const { return timers_.size(); }
  size_t timers_started = 0;

 private:
  uint64_t now_ms_ = 1000;
  TimerId last_timer_ = 0;
  std::deque<MoveFunction<void()>> posted_;
  std::map<std::pair<uint64_t, TimerId>, MoveFunction<void()>> timers_;
};

// What a stream did, kept after the stream is gone.
struct StreamLog {
  HttpStreamRequest request;
  HttpStreamListener* listener = nullptr;
  std::string written;
  bool finished = false;
  bool destroyed = false;
  size_t credit = 0;
  size_t unsent = 0;  // set by the test

  bool open() const { return !destroyed; }
};

class FakeStream final : public HttpStream {
 public:
  explicit FakeStream(std::shared_ptr<StreamLog> log) : log_(std::move(log)) {}
  ~FakeStream() override { log_->destroyed = true; }
  void Write(std::string bytes) override {
    EXPECT_FALSE(log_->finished);
    log_->written += bytes;
  }
  void Write(SharedBytes bytes) override {
    EXPECT_FALSE(log_->finished);
    log_->written += bytes.view();
  }
  void FinishBody() override {
    EXPECT_FALSE(log_->finished);
    log_->finished = true;
  }
  void ReturnCredit(size_t bytes) override { log_->credit += bytes; }
  size_t unsent_bytes() const override { return log_->unsent; }

 private:
  std::shared_ptr<StreamLog> log_;
};

class FakeClient final : public HttpClient {
 public:
  std::unique_ptr<HttpStream> Open(
      HttpStreamRequest request, HttpStreamListener& listener) override {
    auto log = std::make_shared<StreamLog>();
    log->request = std::move(request);
    log->listener = &listener;
    log->unsent = unsent_at_open;
    streams.push_back(log);
    return std::make_unique<FakeStream>(log);
  }
  size_t open_count() const {
    return static_cast<size_t>(
        std::count_if(streams.begin(), streams.end(), [](const auto& s) { return s->open(); }));
  }
  std::vector<std::shared_ptr<StreamLog>> streams;
  size_t unsent_at_open = 0;
};

// A mailbox for all partitions; a command keeps its place in the window until the test takes it.
class FakeGateway final : public PartitionGateway {
 public:
  struct Item {
    PartitionId partition;
    Source source;
    Command command;
    std::shared_ptr<StreamWindow> window;
  };
  Submitted Submit(
      PartitionId partition,
      Source source,
      Command command,
      ReplyTo reply_to,
      std::shared_ptr<StreamWindow> window) override {
    EXPECT_FALSE(reply_to.wanted());
    items.push_back({partition, source, std::move(command), std::move(window)});
    return Submitted::kAccepted;
  }
  std::optional<InvocationResult> FindResult(const InvocationId&) const override { return {}; }
  uint16_t partition_count() const override { return 4; }

  std::optional<Command> Take() {
    if (items.empty()) {
      return std::nullopt;
    }
    Item item = std::move(items.front());
    items.pop_front();
    if (item.window != nullptr) {
      item.window->Returned();
    }
    return std::move(item.command);
  }
  template <typename T>
  T TakeA() {
    std::optional<Command> command = Take();
    if (!command || !std::holds_alternative<T>(*command)) {
      ADD_FAILURE() << "the next command is "
                    << (command ? std::to_string(command->index()) : "none");
      return T{};
    }
    return std::get<T>(std::move(*command));
  }
  std::deque<Item> items;
};

inline std::string FrameOf(MessageType type, std::string_view payload) {
  std::string out;
  const uint64_t word = (uint64_t{static_cast<uint16_t>(type)} << 48) | payload.size();
  for (int shift = 56; shift >= 0; shift -= 8) {
    out += static_cast<char>(static_cast<uint8_t>(word >> shift));
  }
  return out + std::string(payload);
}

inline std::string EndFrame() {
  return FrameOf(MessageType::kEnd, "");
}
// result_completion_id (field 11) = `id`, below 128.
inline std::string RunFrame(char id) {
  return FrameOf(MessageType::kRunCommand, std::string("\x58") + id);
}
// result_completion_id = `id`, value (field 14) = `value`.
inline std::string ProposalFrame(char id, const std::string& value) {
  std::string payload = std::string("\x08") + id + "\x72";
  size_t size = value.size();
  while (size >= 0x80) {
    payload += static_cast<char>(static_cast<uint8_t>(size | 0x80));
    size >>= 7;
  }
  payload += static_cast<char>(size);
  return FrameOf(MessageType::kProposeRunCompletion, payload + value);
}
// waiting_completions (field 1, packed) = [`id`].
inline std::string SuspensionFrame(char id) {
  return FrameOf(MessageType::kSuspension, std::string("\x0a\x01") + id);
}

// The types of the frames in `bytes`.
inline std::vector<MessageType> TypesOf(std::string_view bytes) {
  std::vector<MessageType> types;
  const auto at = [&bytes](size_t i) {
    return static_cast<size_t>(static_cast<uint8_t>(bytes[i]));
  };
  while (bytes.size() >= 8) {
    types.push_back(static_cast<MessageType>((at(0) << 8) | at(1)));
    const size_t length = (at(4) << 24) | (at(5) << 16) | (at(6) << 8) | at(7);
    bytes.remove_prefix(std::min(bytes.size(), 8 + length));
  }
  return types;
}

inline InvocationId IdOf(uint8_t number) {
  InvocationId id;
  id.partition_key.value = uint64_t{number} << 56;
  id.uuid[15] = number;
  return id;
}

inline JournalEntry EntryOf(JournalIndex index, MessageType type, std::string payload = "") {
  JournalEntry entry;
  entry.index = index;
  entry.type = type;
  entry.payload = SharedBytes(std::move(payload));
  return entry;
}

// One I/O thread with `slots` slots.
class Bench {
 public:
  explicit Bench(size_t slots = 4, size_t message_size_max = 1 * limits::kMiB)
      : Bench(InvokerOptions{
            slots,
            message_size_max,
            2 * limits::kMiB,
            2 * limits::kMiB,
            2 * limits::kMiB,
            "test-cluster",
            nullptr}) {}
  explicit Bench(const InvokerOptions& options)
      : options_(options),
        pool(MakeSlotPool(options.slots, gateway)),
        deployment_(std::make_shared<DeploymentSchema>()),
        slot_count_(options.slots) {
    deployment_->id.ulid[0] = 7;
    deployment_->endpoint = {false, "sdk", 9080, false};
    deployment_->path_prefix = "/prefix";
    deployment_->additional_headers.Add("x-extra", "1");
    contexts_.emplace_back(uint16_t{0}, time, client, publisher_);
    host = MakeAttemptHost(options_, gateway, contexts_.front(), *pool, time);
  }

  StartAttempt StartOf(uint8_t number, uint64_t epoch) {
    StartAttempt start;
    start.id = IdOf(number);
    start.epoch.value = epoch;
    start.target = {"Greeter", "", "greet", ServiceType::kService, HandlerType::kUnkeyed};
    start.deployment = deployment_;
    start.protocol_version = 6;
    start.inactivity_timeout = 60'000;
    start.abort_timeout = 600'000;
    start.known_entries = 1;
    start.journal.entries.push_back(EntryOf(0, MessageType::kInputCommand));
    start.journal.next = 1;
    start.journal.journal_length = 1;
    return start;
  }
  // Takes a slot and starts; the stream that was opened.
  StreamLog& Start(StartAttempt start) {
    EXPECT_EQ(pool->Acquire(gateway.PartitionFor(start.id), 1, 1), 1U);
    host->Start(std::move(start));
    return *client.streams.back();
  }
  StreamLog& Start(uint8_t number = 1, uint64_t epoch = 1) { return Start(StartOf(number, epoch)); }

  void Head(StreamLog& stream, int status = 200, HttpHeaders more = {}) {
    HttpHeaders headers{{"content-type", "application/vnd.restate.invocation.v6"}};
    for (const HttpHeader& header : more.items()) {
      headers.Add(header.name, header.value);
    }
    stream.listener->OnHead(status, headers);
  }

  // All slots are back. Takes none.
  size_t SlotsInUse() {
    const size_t free = pool->Acquire(PartitionId{99}, slot_count_, slot_count_);
    pool->Release(free);
    std::erase_if(gateway.items, [](const auto& item) { return item.partition.value == 99; });
    return slot_count_ - free;
  }

  ManualTime time;
  FakeClient client;
  FakeGateway gateway;

 private:
  InvokerOptions options_;
  SchemaPublisher publisher_;

 public:
  std::unique_ptr<SlotPool> pool;

 private:
  std::shared_ptr<DeploymentSchema> deployment_;
  size_t slot_count_;
  IoContexts contexts_;

 public:
  std::unique_ptr<AttemptHost> host;
};

}  // namespace perdure::invoker_test
