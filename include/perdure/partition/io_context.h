// SPDX-License-Identifier: Apache-2.0
//
// What belongs to one I/O thread and is used by the doors that live on it. Made by the composition
// root; every member is used on that thread only.
#pragma once

#include "perdure/base/executor.h"
#include "perdure/http/client.h"
#include "perdure/partition/reply_slots.h"
#include "perdure/schema/publisher.h"

#include <cstdint>
#include <deque>

namespace perdure {

struct IoContext {
  IoContext(uint16_t i, Executor& e, HttpClient& c, const SchemaPublisher& schemas)
      : index(i), executor(e), client(c), replies(i), schema(schemas) {}

  uint16_t index;
  Executor& executor;
  HttpClient& client;
  ReplySlots replies;
  SchemaCache schema;
};

// Indexed by HttpExchange::io_thread(). A deque: contexts never move.
using IoContexts = std::deque<IoContext>;

}  // namespace perdure
