// SPDX-License-Identifier: Apache-2.0
//
// What a commit log needs from the database whose own log it uses: write a write set, and make what
// was written durable. The two are separate operations (promise 4). Whoever implements this reports
// failures and does not try again: after a failed sync nobody knows what the disk holds.
#pragma once

#include "perdure/base/result.h"
#include "perdure/store/state.h"

namespace perdure {

// Thread: one writer and one syncer, which may be different threads and run at the same time.
class WriteSink {
 public:
  virtual ~WriteSink() = default;

  // Writes the write set of `txn` without waiting for the disk. On return it is visible to every
  // later read, and later in the log than all write sets written before. The transaction is spent.
  // REQUIRES: `txn` was begun on this database and is not empty.
  virtual Status Write(StateTxn& txn) = 0;

  // Makes durable whatever was visible when the call began.
  virtual Status Sync() = 0;
};

}  // namespace perdure
