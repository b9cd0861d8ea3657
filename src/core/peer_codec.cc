// SPDX-License-Identifier: Apache-2.0
//
// Rows of the outbox, which are messages between partitions, and of work larger than a turn.
#include "core/row_values.h"
#include "perdure/base/overloaded.h"

namespace perdure {
namespace {

void SpecToRow(const InvocationSpec& spec, rows::InvocationSpecRow& row) {
  row.set_id(spec.id.ToBytes());
  ToRow(spec.target, *row.mutable_target());
  if (spec.idempotency_key) {
    row.set_idempotency_key(*spec.idempotency_key);
  }
  row.set_completion_retention(spec.retention.completion);
  row.set_journal_retention(spec.retention.journal);
  for (const Header& header : spec.headers) {
    rows::HeaderRow* item = row.add_headers();
    item->set_key(header.key);
    item->set_value(header.value);
  }
  row.set_body(std::string(spec.body.view()));
  row.set_start_at(spec.start_at);
  if (spec.caller) {
    ToRow(*spec.caller, *row.mutable_caller());
  }
  row.set_random_seed(spec.random_seed);
}

InvocationSpec SpecFromRow(rows::InvocationSpecRow& row) {
  InvocationSpec spec;
  spec.id = IdFrom(row.id());
  spec.target = FromRow(row.target());
  if (row.has_idempotency_key()) {
    spec.idempotency_key = row.idempotency_key();
  }
  spec.retention = {row.completion_retention(), row.journal_retention()};
  for (const rows::HeaderRow& item : row.headers()) {
    spec.headers.push_back({item.key(), item.value()});
  }
  spec.body = SharedBytes(std::move(*row.mutable_body()));
  spec.start_at = row.start_at();
  if (row.has_caller()) {
    spec.caller = FromRow(row.caller());
  }
  spec.random_seed = row.random_seed();
  return spec;
}

template <typename Row>
void SetSignalResult(const SignalResult& result, Row& row) {
  std::visit(
      Overloaded{
          [&row](const VoidResult&) { row.mutable_void_(); },
          [&row](const SharedBytes& value) { row.set_value(std::string(value.view())); },
          [&row](const Failure& failure) { ToRow(failure, *row.mutable_failure()); }},
      result);
}

template <typename Row>
SignalResult GetSignalResult(Row& row) {
  if (row.has_failure()) {
    return FromRow(row.failure());
  }
  if (row.has_void_()) {
    return VoidResult{};
  }
  return SharedBytes(std::move(*row.mutable_value()));
}

void SignalToRow(const PeerSignal& signal, rows::SignalRow& row) {
  row.set_target(signal.target.ToBytes());
  if (const auto* index = std::get_if<uint32_t>(&signal.signal)) {
    row.set_index(*index);
  } else {
    row.set_name(std::get<std::string>(signal.signal));
  }
  SetSignalResult(signal.result, row);
}

PeerSignal SignalFromRow(rows::SignalRow& row) {
  PeerSignal signal;
  signal.target = IdFrom(row.target());
  if (row.signal_case() == rows::SignalRow::kName) {
    signal.signal = row.name();
  } else {
    signal.signal = row.index();
  }
  signal.result = GetSignalResult(row);
  return signal;
}

}  // namespace

std::string EncodeOutbox(const PeerPayload& payload) {
  rows::OutboxValue row;
  std::visit(
      Overloaded{
          [&row](const PeerInvoke& invoke) { SpecToRow(invoke.spec, *row.mutable_invoke()); },
          [&row](const PeerCallResult& result) {
            rows::CallResultRow& out = *row.mutable_call_result();
            out.set_caller(result.caller.ToBytes());
            out.set_caller_birth(result.caller_birth.value);
            out.set_completion_id(result.completion_id);
            SetSignalResult(result.result, out);
            out.set_wish(static_cast<uint32_t>(result.wish));
          },
          [&row](const PeerSignal& signal) { SignalToRow(signal, *row.mutable_signal()); },
          [&row](const PeerKill& kill) { row.mutable_kill()->set_id(kill.id.ToBytes()); },
          [&row](const PeerAttach& attach) {
            row.mutable_attach()->set_target(attach.target.ToBytes());
            ToRow(attach.caller, *row.mutable_attach()->mutable_caller());
          }},
      payload);
  return Serialize(row);
}

PeerPayload DecodeOutbox(BytesView bytes) {
  auto row = Parse<rows::OutboxValue>(bytes);
  switch (row.payload_case()) {
    case rows::OutboxValue::kInvoke:
      return PeerInvoke{SpecFromRow(*row.mutable_invoke())};
    case rows::OutboxValue::kCallResult: {
      rows::CallResultRow& in = *row.mutable_call_result();
      PeerCallResult result;
      result.caller = IdFrom(in.caller());
      result.caller_birth = Birth{in.caller_birth()};
      result.completion_id = in.completion_id();
      result.result = GetSignalResult(in);
      result.wish = static_cast<CallerWish>(in.wish());
      return result;
    }
    case rows::OutboxValue::kSignal:
      return SignalFromRow(*row.mutable_signal());
    case rows::OutboxValue::kKill:
      return PeerKill{IdFrom(row.kill().id())};
    case rows::OutboxValue::kAttach:
      return PeerAttach{IdFrom(row.attach().target()), FromRow(row.attach().caller())};
    case rows::OutboxValue::PAYLOAD_NOT_SET:
      break;
  }
  PERDURE_INVARIANT(false, "an outbox row has no payload");
  return PeerKill{};
}

std::string EncodeWork(const WorkRow& work) {
  rows::WorkValue row;
  row.set_kind(static_cast<uint32_t>(work.kind));
  if (work.kind == WorkRow::Kind::kClearState || work.kind == WorkRow::Kind::kTellPromise) {
    row.set_service(work.service);
    row.set_object_key(work.object_key);
    row.set_cursor(work.cursor);
    row.set_promise(work.promise);
    return Serialize(row);
  }
  row.set_id(work.id.ToBytes());
  row.set_birth(work.birth.value);
  row.set_next_index(work.next_index);
  if (work.kind == WorkRow::Kind::kNotifyListeners) {
    SetResult(work.result, row);
  } else if (work.kind == WorkRow::Kind::kRestart) {
    row.set_source(work.copy.source.ToBytes());
    row.set_source_birth(work.copy.source_birth.value);
    row.set_source_length(work.copy.source_length);
    row.set_prefix_length(work.copy.prefix_length);
    row.set_completions_left(work.copy.completions_left);
    row.set_status(EncodeStatus(work.copy.status));
  }
  return Serialize(row);
}

WorkRow DecodeWork(BytesView bytes) {
  auto row = Parse<rows::WorkValue>(bytes);
  WorkRow work;
  work.kind = static_cast<WorkRow::Kind>(row.kind());
  if (work.kind == WorkRow::Kind::kClearState || work.kind == WorkRow::Kind::kTellPromise) {
    work.service = row.service();
    work.object_key = row.object_key();
    work.cursor = row.cursor();
    work.promise = row.promise();
    return work;
  }
  work.id = IdFrom(row.id());
  work.birth = Birth{row.birth()};
  work.next_index = row.next_index();
  work.result = GetResult(row);
  if (work.kind == WorkRow::Kind::kRestart) {
    work.copy.source = IdFrom(row.source());
    work.copy.source_birth = Birth{row.source_birth()};
    work.copy.source_length = row.source_length();
    work.copy.prefix_length = row.prefix_length();
    work.copy.completions_left = row.completions_left();
    work.copy.status = DecodeStatus(row.status());
  }
  return work;
}

std::string EncodePromise(const ValueOrFailure& result) {
  rows::PromiseValue row;
  SetResult(result, row);
  return Serialize(row);
}

ValueOrFailure DecodePromise(BytesView bytes) {
  auto row = Parse<rows::PromiseValue>(bytes);
  return GetResult(row);
}

}  // namespace perdure
