// SPDX-License-Identifier: Apache-2.0
//
// Every bound of the server, with the sum behind it, in one place. A bound that an operator may set
// has its default here and its value in Settings. Sizes in bytes, times in milliseconds.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace perdure::limits {

inline constexpr size_t kKiB = 1024;
inline constexpr size_t kMiB = 1024 * kKiB;

// --- messages ---
inline constexpr size_t kMessageSizeDefault = 32 * kMiB;  // ingress body, SDK frame (settings)
inline constexpr size_t kHttpHeadMax = 64 * kKiB;         // request line and headers
inline constexpr size_t kHttpHeadersMax = 256;            // number of header lines

// --- a partition's turn ---
inline constexpr size_t kTurnCommandsMax = 64;
inline constexpr size_t kTurnBytesMax = 1 * kMiB;
inline constexpr uint64_t kTurnNsMax = 1'000'000;
// Listeners, killed children, purged or cleared rows, journal entries read.
inline constexpr size_t kWorkItemsPerTurn = 256;
inline constexpr size_t kNewWorkEvery = 8;  // one command in eight is new work

// --- the windows into a mailbox, by source (design: admission is by source) ---
inline constexpr size_t kMailboxNewWork = 4096;  // ingress, Kafka: refused beyond
inline constexpr size_t kMailboxReads = 4096;    // ingress, attach and output: the same
inline constexpr size_t kMailboxControl = 256;   // admin
inline constexpr size_t kMailboxPerPeer = 64;    // outbox, per pair of partitions
inline constexpr size_t kMailboxPerStream = 4;   // JournalAppend in flight per attempt

// --- held effects and unsynced bytes, per database ---
inline constexpr size_t kUnsyncedBytesMax = 64 * kMiB;
inline constexpr size_t kHeldEffectsMax = 65536;

// --- the disk ---
inline constexpr size_t kWriteBuffersBytes = 64 * kMiB;  // memtables of all families together
// With less free space new work is refused. In units of the memtables: 2 for the log, which is cut
// when it is twice as large as they are; 2 for the flush that recovery makes of it; 4 for a
// compaction, whose results lie beside what it read, and for what is written between two looks.
inline constexpr size_t kDiskReserve = std::max(256 * kMiB, 8 * kWriteBuffersBytes);
// With as much free space new work is let in again: a disk at the edge does not change its mind at
// every look.
inline constexpr size_t kDiskReserveRegained = kDiskReserve + kDiskReserve / 4;
inline constexpr uint64_t kHousekeepingEveryMs = 2000;
// Rows that were deleted leave the disk this much later and the compactions that follow: "within
// minutes" at the price of one small flush in that time.
inline constexpr uint64_t kDeletesFlushedAfterMs = 120'000;

// --- in-memory heads of durable queues ---
inline constexpr size_t kReadyHeadMax = 4096;
inline constexpr size_t kTimerHeadMax = 4096;

// --- attempts ---
inline constexpr size_t kSlotsDefault = 1000;
inline constexpr size_t kEagerStateMax = 1 * kMiB;
// The journal that comes with a start: so much of it, and a first entry (the input) of this size.
inline constexpr size_t kJournalFirstChunk = 64 * kKiB;
inline constexpr size_t kJournalFirstEntry = 1 * kMiB;
inline constexpr size_t kJournalChunk =
    256 * kKiB;  // an answer to ReadJournal; a larger entry alone
// Notifications that are handed to an attempt unasked, and so without a lease, since it last asked.
inline constexpr size_t kPushBytesMax = 32 * kKiB;
inline constexpr size_t kStreamWindow = 256 * kKiB;
inline constexpr size_t kConnectionWindow = 4 * kMiB;
inline constexpr size_t kStreamsPerConnection = 128;
// What a request may have sent and still be sent again if the peer refuses it: the initial window
// of HTTP/2, so a peer that gave no credit has not had more. Kept per stream until the response
// begins.
inline constexpr size_t kResendBytesMax = 64 * kKiB;
inline constexpr int kResendsMax = 3;
// Journal events of an invocation, and the message and the stack trace of one: the oldest go.
inline constexpr uint32_t kEventsKept = 100;
inline constexpr size_t kEventTextMax = 8 * kKiB;
inline constexpr uint64_t kSlotStealAfterMs = 100;
inline constexpr uint64_t kDrainAfterEndMs = 5000;

// How deep what an SDK waits for may be nested below its root (service protocol 3.12), and how much
// it may hold: things waited for and nodes, which together are the size of a status row.
inline constexpr uint32_t kFutureDepthMax = 1000;
inline constexpr size_t kAwaitedMax = 256 * kKiB;
// Of what an attempt says it waits for, a tree with more is not kept for display.
inline constexpr size_t kAwaitedShownMax = 1024;

static_assert(kAwaitedShownMax <= kAwaitedMax);
static_assert(kJournalFirstChunk <= kJournalChunk);
static_assert(kStreamWindow <= kConnectionWindow);

}  // namespace perdure::limits
