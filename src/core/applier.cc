// SPDX-License-Identifier: Apache-2.0
//
// Rows of the command being applied: loaded once, written once, and what is new told to the attempt
// on the wire.
#include "core/applier.h"

#include "perdure/base/assert.h"
#include "perdure/base/limits.h"

#include <utility>

namespace perdure {

Invocation* Applier::Find(const InvocationId& id) {
  for (const auto& invocation : loaded_) {
    if (invocation->id == id) {
      return invocation->removed ? nullptr : invocation.get();
    }
  }
  auto invocation = std::make_unique<Invocation>();
  invocation->id = id;
  LiveAttempt* live = Live(id);
  if (live != nullptr && live->status.has_value()) {
    invocation->status = std::move(*live->status);
    live->status.reset();
  } else {
    const std::optional<std::string> value = txn_.Get(Family::kStatus, keys::Status(id));
    if (!value) {
      return nullptr;
    }
    invocation->status = DecodeStatus(*value);
  }
  loaded_.push_back(std::move(invocation));
  return loaded_.back().get();
}

Invocation& Applier::Create(const InvocationId& id) {
  for (const auto& invocation : loaded_) {
    if (invocation->id == id) {
      // Removed earlier in this command: the id begins a new life, with a birth of its own.
      PERDURE_ASSERT(invocation->removed);
      ++memory_.row.position;
      *invocation = Invocation{};
      invocation->id = id;
      return *invocation;
    }
  }
  loaded_.push_back(std::make_unique<Invocation>());
  loaded_.back()->id = id;
  return *loaded_.back();
}

LiveAttempt* Applier::Live(const InvocationId& id) {
  const auto it = memory_.live.find(id);
  return it == memory_.live.end() ? nullptr : &it->second;
}

LiveAttempt* Applier::LiveWithEpoch(const InvocationId& id, AttemptEpoch epoch) {
  LiveAttempt* live = Live(id);
  return live != nullptr && live->epoch == epoch ? live : nullptr;
}

void Applier::Touch(Invocation& invocation) const {
  invocation.dirty = true;
  invocation.status.modified_at = stamp_.now;
}

void Applier::WriteStatus(Invocation& invocation) {
  txn_.Put(Family::kStatus, keys::Status(invocation.id), EncodeStatus(invocation.status));
  invocation.dirty = false;
}

void Applier::TellAttempt(Invocation& invocation) {
  LiveAttempt* live = Live(invocation.id);
  if (live == nullptr) {
    return;
  }
  live->command_acks.insert(
      live->command_acks.end(), invocation.command_acks.begin(), invocation.command_acks.end());
  // While it lags, acknowledgements go with what it asks for.
  if (live->lagging || (invocation.fresh.empty() && live->command_acks.empty())) {
    return;
  }
  const JournalIndex length = invocation.status.journal_length;
  NotifyAttempt notify{invocation.id, live->epoch, {}, false};
  notify.command_acks = std::exchange(live->command_acks, {});
  size_t bytes = notify.command_acks.size() * kEntryHeadBytes;
  for (const JournalEntry& entry : invocation.fresh) {
    bytes += entry.payload.size() + kEntryHeadBytes;
  }
  notify.chunk.from = live->handed_to;
  // Entries before the cut reach the stream by its own reading; what is handed out has no gap.
  const bool caught_up = live->handed_to >= live->cut;
  if (!caught_up || live->unread_bytes + bytes > limits::kPushBytesMax) {
    live->lagging = true;
    notify.lagging = true;
    notify.chunk.next = live->handed_to;
  } else {
    for (JournalEntry& entry : invocation.fresh) {
      if (entry.index >= live->handed_to) {
        notify.chunk.entries.push_back(std::move(entry));
      }
    }
    live->unread_bytes += bytes;
    notify.chunk.from = live->handed_to;
    live->handed_to = length;
    notify.chunk.next = length;
  }
  notify.chunk.journal_length = length;
  effects_.push_back(std::move(notify));
}

void Applier::Finish() {
  for (const auto& invocation : loaded_) {
    if (invocation->removed) {
      continue;
    }
    if (invocation->dirty) {
      WriteStatus(*invocation);
    }
    TellAttempt(*invocation);
    LiveAttempt* live = Live(invocation->id);
    if (live != nullptr) {
      live->status = std::move(invocation->status);
    }
  }
  loaded_.clear();
}

uint64_t Applier::Entropy() {
  // SplitMix64 over the command's own chance.
  uint64_t z = stamp_.entropy + 0x9e3779b97f4a7c15ULL * ++entropy_uses_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

// NOLINTNEXTLINE(readability-make-member-function-const): it writes what `memory_` only points to.
void Applier::NoteSubject(const InvocationId& id) {
  if (memory_.note != nullptr) {
    memory_.note->Subject(id);
  }
}

void Applier::Answer(Reply reply) {
  Answer(reply_to_, std::move(reply));
}

void Applier::Answer(const ReplyTo& to, Reply reply) {
  if (to.wanted()) {
    effects_.push_back(SendReply{to, std::move(reply)});
  }
}

}  // namespace perdure
