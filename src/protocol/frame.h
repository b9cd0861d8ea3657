// SPDX-License-Identifier: Apache-2.0
//
// The frames of the service protocol (service protocol 2.3): an 8-byte header, then the payload.
// The decoder takes any chunking and keeps at most one unfinished frame; it does not look into
// payloads.
#pragma once

#include "perdure/base/bytes.h"
#include "perdure/protocol/message_type.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace perdure {

struct FrameHeader {
  MessageType type = MessageType::kEnd;
  uint16_t flags = 0;
  uint32_t length = 0;  // of the payload

  static constexpr size_t kBytes = 8;
  // REQUIRES: bytes.size() >= kBytes.
  static FrameHeader Parse(BytesView bytes);
  void AppendTo(std::string& out) const;
  bool requested_ack() const { return (flags & kRequestedAckFlag) != 0; }
};

struct Frame {
  FrameHeader header;
  SharedBytes payload;
};

class FrameDecoder {
 public:
  // Payloads of `payload_bytes_max` bytes or more are refused.
  explicit FrameDecoder(size_t payload_bytes_max);

  // Appends the frames that are complete now. Payloads share storage per call, or own it if they
  // came in several pieces. False if a frame is too large: see too_large(); nothing may be fed
  // after it.
  bool Feed(BytesView data, std::vector<Frame>& out);

  // The header that announced too much.
  const FrameHeader& too_large() const { return too_large_; }
  // True between the first byte of a frame and its last.
  bool inside_frame() const { return !partial_.empty(); }
  // Header and payload of the unfinished frame, 0 while its header is not complete.
  size_t pending_frame_bytes() const;

 private:
  bool TakesHeader(BytesView bytes);
  bool FinishPartial(BytesView& data, std::vector<Frame>& out);

  size_t payload_bytes_max_;
  std::string partial_;  // the bytes of the unfinished frame
  FrameHeader too_large_;
};

}  // namespace perdure
