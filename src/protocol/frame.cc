// SPDX-License-Identifier: Apache-2.0
//
// Cutting a byte stream into frames. The frames of one network read share one copy of their bytes;
// only a frame that is spread over reads is put together piece by piece.
#include "protocol/frame.h"

#include "perdure/base/assert.h"
#include "perdure/base/limits.h"

#include <algorithm>

namespace perdure {
namespace {

// Protobuf counts in int.
constexpr size_t kPayloadHardMax = 1024 * limits::kMiB;

uint32_t BigEndian(BytesView bytes, size_t offset, size_t count) {
  uint32_t value = 0;
  for (size_t i = 0; i < count; ++i) {
    value = (value << 8) | static_cast<uint8_t>(bytes[offset + i]);
  }
  return value;
}

}  // namespace

FrameHeader FrameHeader::Parse(BytesView bytes) {
  PERDURE_ASSERT(bytes.size() >= kBytes);
  FrameHeader header;
  header.type = static_cast<MessageType>(BigEndian(bytes, 0, 2));
  header.flags = static_cast<uint16_t>(BigEndian(bytes, 2, 2));
  header.length = BigEndian(bytes, 4, 4);
  return header;
}

void FrameHeader::AppendTo(std::string& out) const {
  const uint64_t word =
      (uint64_t{static_cast<uint16_t>(type)} << 48) | (uint64_t{flags} << 32) | length;
  for (int shift = 56; shift >= 0; shift -= 8) {
    out += static_cast<char>(static_cast<uint8_t>(word >> shift));
  }
}

FrameDecoder::FrameDecoder(size_t payload_bytes_max)
    : payload_bytes_max_(std::min(payload_bytes_max, kPayloadHardMax)) {}

// Whether the frame that begins with the header `bytes` is small enough.
bool FrameDecoder::TakesHeader(BytesView bytes) {
  const FrameHeader header = FrameHeader::Parse(bytes);
  if (header.length < payload_bytes_max_) {
    return true;
  }
  too_large_ = header;
  return false;
}

// Moves bytes from `data` into the unfinished frame, and the frame to `out` if that completes it.
bool FrameDecoder::FinishPartial(BytesView& data, std::vector<Frame>& out) {
  const auto take = [this, &data](size_t wanted) {
    const size_t missing = wanted > partial_.size() ? wanted - partial_.size() : 0;
    const size_t count = std::min(missing, data.size());
    partial_.append(data.substr(0, count));
    data.remove_prefix(count);
    return partial_.size() >= wanted;
  };
  const bool had_header = partial_.size() >= FrameHeader::kBytes;
  if (!take(FrameHeader::kBytes)) {
    return true;
  }
  if (!had_header && !TakesHeader(partial_)) {
    return false;
  }
  const FrameHeader header = FrameHeader::Parse(partial_);
  if (!take(FrameHeader::kBytes + header.length)) {
    return true;
  }
  const SharedBytes whole(std::move(partial_));
  partial_.clear();
  out.push_back({header, whole.Slice(whole.view().substr(FrameHeader::kBytes))});
  return true;
}

bool FrameDecoder::Feed(BytesView data, std::vector<Frame>& out) {
  if (!partial_.empty() && !FinishPartial(data, out)) {
    return false;
  }
  // How far whole frames reach.
  size_t whole_bytes = 0;
  bool fits = true;
  while (data.size() - whole_bytes >= FrameHeader::kBytes) {
    const BytesView rest = data.substr(whole_bytes);
    fits = TakesHeader(rest);
    const size_t frame_bytes = FrameHeader::kBytes + FrameHeader::Parse(rest).length;
    if (!fits || rest.size() < frame_bytes) {
      break;
    }
    whole_bytes += frame_bytes;
  }
  if (whole_bytes > 0) {
    const SharedBytes block = SharedBytes::Copy(data.substr(0, whole_bytes));
    BytesView rest = block.view();
    while (!rest.empty()) {
      const FrameHeader header = FrameHeader::Parse(rest);
      out.push_back({header, block.Slice(rest.substr(FrameHeader::kBytes, header.length))});
      rest.remove_prefix(FrameHeader::kBytes + header.length);
    }
  }
  if (!fits) {
    return false;
  }
  partial_.append(data.substr(whole_bytes));
  return true;
}

size_t FrameDecoder::pending_frame_bytes() const {
  if (partial_.size() < FrameHeader::kBytes) {
    return 0;
  }
  return FrameHeader::kBytes + FrameHeader::Parse(partial_).length;
}

}  // namespace perdure
