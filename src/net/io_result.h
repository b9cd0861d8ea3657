// SPDX-License-Identifier: Apache-2.0
//
// What a read or a write that does not block comes back with.
#pragma once

#include "perdure/base/bytes.h"

#include <boost/asio/error.hpp>

#include <cstdint>

namespace perdure {

// kEnd: the peer has said that nothing more comes.
enum class IoStatus : uint8_t { kOk, kWouldBlock, kEnd, kFailed };

struct ReadResult {
  IoStatus status = IoStatus::kOk;
  BytesView bytes;
};

inline bool WouldBlock(const boost::system::error_code& ec) {
  return ec == boost::asio::error::would_block || ec == boost::asio::error::try_again;
}

}  // namespace perdure
