// SPDX-License-Identifier: Apache-2.0
//
// See clients.h. Which request is repeated how is what a careful client may do: an idempotent call
// is sent again as it was, any other is asked for by its id.
#include "tests/sim/clients.h"

#include "perdure/base/assert.h"
#include "perdure/base/overloaded.h"

#include <algorithm>
#include <array>
#include <utility>

namespace perdure::sim {
namespace {

std::array<uint8_t, 16> Entropy16(Rng& rng) {
  std::array<uint8_t, 16> bytes{};
  for (uint8_t& byte : bytes) {
    byte = static_cast<uint8_t>(rng.Next());
  }
  return bytes;
}

InvocationId MintId(Rng& rng, const Target& target, const std::optional<std::string>& key) {
  IdParts parts{target.service, {}, target.handler, target.workflow_run(), {}};
  if (target.keyed()) {
    parts.key = target.key;
  }
  if (key) {
    parts.idempotency_key = *key;
  }
  return MakeInvocationId(parts, kEpochMs, Entropy16(rng));
}

}  // namespace

Clients::Op Clients::MakeOp(size_t number) {
  Rng& rng = core_.rng;
  Op op;
  op.token = "op" + std::to_string(number);
  op.target = AnyTarget(rng, 0);
  op.task = TaskFor(rng, op.target, op.token, 0, 0);
  op.wait = rng.Percent(60);
  if (!op.target.workflow_run()) {
    if (op.target.service != "Brief" && rng.Percent(40)) {
      op.idempotency_key = op.token + "-key";
      op.repeats = rng.Below(3);
    }
    if (!op.wait && rng.Percent(30)) {
      op.delay = rng.Between(1, 3'000);
    }
  }
  op.id = MintId(rng, op.target, op.idempotency_key);
  return op;
}

void Clients::Plan(size_t count, uint64_t span_ns) {
  for (size_t i = 0; i < count; ++i) {
    ops_.push_back(MakeOp(i));
    const Op& op = ops_.back();
    const uint64_t at = core_.rng.Below(span_ns);
    Again(i, at);
    // Only what no one would submit a second time: its id may be forgotten by this.
    if (!op.idempotency_key && !op.target.workflow_run() && core_.rng.Percent(18)) {
      const Order order = core_.rng.Percent(40) ? Order::kKill : Order::kCancel;
      core_.scheduler.After(
          at + core_.rng.Below(1'500) * kMs, [this, i, order] { Control(i, order); });
    }
    if (core_.rng.Percent(10)) {
      core_.scheduler.After(
          at + core_.rng.Below(1'500) * kMs, [this, i] { Control(i, Order::kResume); });
    }
  }
}

void Clients::SettleFlows() {
  for (uint64_t i = 0; i < 2 * kFlowCount; ++i) {
    const bool runs = i < kFlowCount;
    Op op;
    op.token = "op" + std::to_string(ops_.size());
    op.target = {
        "Wf",
        FlowKey(i % kFlowCount),
        runs ? "run" : "settle",
        ServiceType::kWorkflow,
        runs ? HandlerType::kWorkflow : HandlerType::kShared};
    op.task = TaskFor(core_.rng, op.target, op.token, 0, 0);
    op.id = MintId(core_.rng, op.target, op.idempotency_key);
    ops_.push_back(op);
    Again(ops_.size() - 1, core_.rng.Below(2'000) * kMs);
  }
}

void Clients::Again(size_t index, uint64_t delay_ns) {
  const uint64_t turn = ++ops_[index].turn;
  core_.scheduler.After(delay_ns, [this, index, turn] {
    if (!ops_[index].settled && ops_[index].turn == turn) {
      Try(index);
    }
  });
}

void Clients::OnCrash() {
  for (size_t i = 0; i < ops_.size(); ++i) {
    if (ops_[i].waiting) {
      ops_[i].waiting.reset();
      Again(i, core_.rng.Between(1, 400) * kMs);
    }
  }
}

bool Clients::settled() const {
  return std::all_of(ops_.begin(), ops_.end(), [](const Op& op) { return op.settled; });
}

std::string Clients::Unsettled() const {
  for (const Op& op : ops_) {
    if (!op.settled) {
      return op.token + " (" + Short(op.id) + ", " + op.target.ToString() + ")";
    }
  }
  return "none";
}

void Clients::Try(size_t index) {
  Op& op = ops_[index];
  Process* const process = process_();
  if (process == nullptr) {
    Again(index, core_.rng.Between(20, 300) * kMs);
    return;
  }
  const bool repeatable = op.idempotency_key.has_value();
  Send(index, op.submitted && !repeatable, op.wait || op.acknowledged);
}

InvocationSpec Clients::SpecFor(const Op& op, const HandlerSchema& handler, const Target& target) {
  InvocationSpec spec;
  spec.id = op.id;
  spec.target = target;
  spec.idempotency_key = op.idempotency_key;
  spec.retention = RetentionOf(handler, op.idempotency_key.has_value());
  spec.headers.push_back({"x-sim", op.token});
  spec.body = SharedBytes(op.task.Encode());
  spec.random_seed = core_.rng.Next();
  if (op.delay != 0) {
    spec.start_at = core_.wall_ms() + op.delay;
    oracle_.NotBefore(op.token, spec.start_at);
  }
  return spec;
}

void Clients::Send(size_t index, bool attach, bool wait) {
  Op& op = ops_[index];
  Process& process = *process_();
  const std::shared_ptr<const SchemaView>& schema = process.schema();
  const ServiceSchema* service = schema->FindService(op.target.service);
  const HandlerSchema* handler =
      service == nullptr ? nullptr : service->FindHandler(op.target.handler);
  if (handler == nullptr) {
    core_.Violate("the schema lost " + op.target.ToString());
    return;
  }
  IoContext& context = process.context(core_.rng.Below(2));
  const ReplyTo reply_to = context.replies.Take([this, index](Reply reply) {
    ops_[index].waiting.reset();
    OnReply(index, reply);
  });
  Command command = Attach{op.id, true};
  if (!attach) {
    command = Invoke{SpecFor(op, *handler, op.target), wait};
  }
  core_.Say(
      "client: " + op.token + (attach ? " attaches to " : " invokes ") + op.target.ToString() +
      " as " + Short(op.id) + (wait ? "" : ", one way"));
  if (attach) {
    if (std::optional<InvocationResult> result = process.FindResult(op.id)) {
      ++core_.coverage["results found without a turn"];
      op.submitted = true;
      op.waiting = reply_to;
      ++op.turn;
      context.replies.Deliver(reply_to, std::move(*result));
      return;
    }
  }
  const Submitted submitted = process.Submit(
      process.PartitionFor(op.id),
      attach ? Source::kRead : Source::kNewWork,
      std::move(command),
      reply_to);
  if (submitted == Submitted::kOverloaded) {
    context.replies.Drop(reply_to);
    Again(index, core_.rng.Between(10, 200) * kMs);
    return;
  }
  op.submitted = true;
  op.waiting = reply_to;
  const uint64_t turn = ++op.turn;
  if (core_.Fault(100)) {
    core_.scheduler.After(
        core_.rng.Between(10, 2'000) * kMs, [this, index, turn] { LosePatience(index, turn); });
  }
}

void Clients::LosePatience(size_t index, uint64_t turn) {
  Op& op = ops_[index];
  Process* const process = process_();
  if (op.turn != turn || !op.waiting || process == nullptr) {
    return;
  }
  core_.Say("client: " + op.token + " hangs up");
  ++core_.coverage["clients that hung up"];
  const ReplyTo reply_to = *op.waiting;
  op.waiting.reset();
  process->context(reply_to.io_thread).replies.Drop(reply_to);
  static_cast<void>(
      process->Submit(process->PartitionFor(op.id), Source::kSelf, ForgetReply{op.id, reply_to}));
  Again(index, core_.rng.Between(1, 500) * kMs);
}

void Clients::OnReply(size_t index, const Reply& reply) {
  Op& op = ops_[index];
  std::visit(
      Overloaded{
          [&](const InvocationAccepted& accepted) {
            if (accepted.id != op.id) {
              core_.Violate(op.token + " was accepted under another id");
            }
            op.acknowledged = true;
            oracle_.Acknowledged(op.id, op.token);
            Again(index, core_.rng.Below(1'000) * kMs);
          },
          [&](const InvocationResult& result) { OnResult(index, result); },
          [&](const InvocationUnknown&) {
            core_.Say("client: " + op.token + " is not known");
            if (op.target.workflow_run() && !op.acknowledged) {
              op.submitted = false;  // others may start it meanwhile: the answer proves nothing
              Again(index, core_.rng.Below(300) * kMs);
              return;
            }
            if (!oracle_.MayBeUnknown(op.id)) {
              core_.Violate(op.token + " was acknowledged or ran, and is not known any more");
            }
            Settle(index);
          },
          [&](const auto&) { core_.Violate(op.token + " got an answer to another question"); }},
      reply);
}

void Clients::OnResult(size_t index, const InvocationResult& result) {
  Op& op = ops_[index];
  const auto* failure = std::get_if<Failure>(&result.result);
  if (op.target.workflow_run() && failure != nullptr &&
      failure->message == "the workflow method was already invoked") {
    // By itself before the crash, or by another: its result is there for both.
    ++core_.coverage["workflows that ran already"];
    Again(index, core_.rng.Below(200) * kMs);
    return;
  }
  core_.Say("client: " + op.token + " has its result: " + ResultText(result.result).substr(0, 60));
  ++core_.coverage["results"];
  oracle_.SawResult(op.id, result.result);
  op.acknowledged = true;
  if (result.service != op.target.service || result.handler != op.target.handler) {
    core_.Violate(op.token + " got the result of another handler");
  }
  const bool withdrawn = failure != nullptr && failure->code == 409;
  if (op.repeats > 0 && !withdrawn) {
    --op.repeats;
    ++core_.coverage["idempotent repeats"];
    Again(index, core_.rng.Below(2'000) * kMs);
    return;
  }
  Settle(index);
}

void Clients::Settle(size_t index) {
  ops_[index].settled = true;
}

void Clients::Control(size_t index, Order order) {
  const Op& op = ops_[index];
  Process* const process = process_();
  if (process == nullptr || op.settled || !core_.faults) {
    return;
  }
  Command command = Resume{op.id};
  if (order == Order::kCancel) {
    command = Cancel{op.id};
    ++core_.coverage["cancels"];
    oracle_.WillCancel(op.id);
  } else if (order == Order::kKill) {
    command = Kill{op.id};
    ++core_.coverage["kills"];
    oracle_.WillKill(op.id);
  }
  // A crash loses the answer, and with it what is known.
  const InvocationId id = op.id;
  IoContext& context = process->context(core_.rng.Below(2));
  const ReplyTo reply_to = context.replies.Take(
      [this, id, order](const Reply& reply) { OnControlled(id, order, reply); });
  const Submitted submitted =
      process->Submit(process->PartitionFor(id), Source::kControl, std::move(command), reply_to);
  if (submitted == Submitted::kOverloaded) {
    context.replies.Drop(reply_to);
  }
}

void Clients::OnControlled(const InvocationId& id, Order order, const Reply& reply) {
  const auto* outcome = std::get_if<ControlOutcome>(&reply);
  if (outcome == nullptr || outcome->id != id) {
    core_.Violate("the control of " + Short(id) + " got an answer to another question");
    return;
  }
  const bool done = outcome->result == ControlResult::kDone;
  if (order == Order::kCancel && outcome->result == ControlResult::kRequested) {
    core_.Say("client: the cancellation of " + Short(id) + " is acknowledged");
    ++core_.coverage["cancels acknowledged"];
    oracle_.CancelAcknowledged(id);
  } else if (order == Order::kCancel && done) {
    ++core_.coverage["cancels of what had not started"];
    oracle_.SawResult(id, Failure{409, "canceled", {}});
  } else if (order == Order::kKill && done) {
    ++core_.coverage["kills acknowledged"];
    oracle_.SawResult(id, Failure{409, "killed", {}});
  }
}

}  // namespace perdure::sim
