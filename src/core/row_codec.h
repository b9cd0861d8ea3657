// SPDX-License-Identifier: Apache-2.0
//
// Values of the machine's tables <-> structs. Protobuf stays behind this header; bytes that do not
// decode are corrupt state and end the process.
#pragma once

#include "perdure/base/bytes.h"
#include "perdure/core/command.h"
#include "perdure/core/rows.h"

#include <cstdint>
#include <map>
#include <string>

namespace perdure {

// What a partition remembers about itself, written once per turn.
struct PartitionRow {
  uint64_t position = 0;
  std::map<uint16_t, uint64_t> outbox_sent;  // newest sequence, by receiving partition
  uint64_t work_sequence = 0;
};

// A new invocation whose journal begins as a copy of another one's (admin API 8.5). It has no
// status row before the copy is whole.
struct JournalCopy {
  InvocationId source;
  Birth source_birth;
  JournalIndex source_length = 0;
  JournalIndex prefix_length = 0;  // entries that are copied whatever they are
  uint32_t completions_left = 0;   // of commands in the prefix, that lie behind it
  InvocationStatus status;         // as it will be
};

// Work that is larger than one turn (promise 3): what is left of it.
struct WorkRow {
  // ON DISK.
  enum class Kind : uint8_t {
    kKillChildren = 1,
    kNotifyListeners = 2,
    kPurge = 3,
    kClearState = 4,
    kTellPromise = 5,
    kForget = 6,
    kRestart = 7
  };
  Kind kind = Kind::kPurge;
  InvocationId id;
  Birth birth;
  // kForget: a workflow with more promises than a turn deletes. kKillChildren: next journal index
  // to look at. kPurge: journal entries below this one are left.
  JournalIndex next_index = 0;
  ValueOrFailure result;  // kNotifyListeners
  // kClearState has these instead of id and birth. Rows of the object before the cursor (a state
  // key) are its state; from there on they are from before the clear.
  std::string service = {};
  std::string object_key = {};
  std::string cursor = {};
  // kTellPromise: service and object key of the workflow, and this; its listeners are told the
  // result that is in the promise's row.
  std::string promise = {};
  // kRestart: id and birth are the new invocation's, next_index is the next entry of the source.
  JournalCopy copy = {};
};

std::string EncodeStatus(const InvocationStatus& status);
InvocationStatus DecodeStatus(BytesView bytes);

std::string EncodePartition(const PartitionRow& partition);
PartitionRow DecodePartition(BytesView bytes);

std::string EncodeOutbox(const PeerPayload& payload);
PeerPayload DecodeOutbox(BytesView bytes);

std::string EncodeWork(const WorkRow& work);
WorkRow DecodeWork(BytesView bytes);

std::string EncodeEvent(const JournalEvent& event);
JournalEvent DecodeEvent(BytesView bytes);

std::string EncodePromise(const ValueOrFailure& result);
ValueOrFailure DecodePromise(BytesView bytes);

std::string EncodeCaller(const CallerRef& caller);
CallerRef DecodeCaller(BytesView bytes);

// Head of a journal entry's value; the SDK's bytes follow verbatim.
inline constexpr size_t kEntryHeadBytes = 11;
std::string EncodeEntryHead(MessageType type, TimeMs appended_at);
// `value` is head and payload.
JournalEntry DecodeEntry(JournalIndex index, std::string value);

// The callee named by a stored CallInvocationIdCompletion.
InvocationId DecodeCallee(BytesView payload);

}  // namespace perdure
