// SPDX-License-Identifier: Apache-2.0
//
// Cutting bytes into frames: however the bytes come, the frames are the same.
//   input: limit (2 bytes), size of the pieces (1 byte), bytes
#include "protocol/frame.h"
#include "tests/fuzz/target.h"

#include <string>
#include <vector>

namespace perdure::fuzz {
namespace {

struct Cut {
  std::vector<Frame> frames;
  bool fits = true;
  FrameHeader too_large;
  bool inside_frame = false;
  size_t pending = 0;
};

Cut CutUp(BytesView bytes, size_t limit, size_t piece) {
  Cut cut;
  FrameDecoder decoder(limit);
  while (!bytes.empty() && cut.fits) {
    const size_t size = std::min(piece, bytes.size());
    cut.fits = decoder.Feed(bytes.substr(0, size), cut.frames);
    bytes.remove_prefix(size);
  }
  if (cut.fits) {
    cut.inside_frame = decoder.inside_frame();
    cut.pending = decoder.pending_frame_bytes();
  } else {
    cut.too_large = decoder.too_large();
  }
  return cut;
}

bool Same(const FrameHeader& left, const FrameHeader& right) {
  return left.type == right.type && left.flags == right.flags && left.length == right.length;
}

}  // namespace

void FuzzFrames(BytesView input) {
  Cursor in(input);
  const size_t limit = (size_t{in.Byte()} << 8 | in.Byte()) + 1;
  const size_t piece = size_t{in.Byte()} + 1;
  const BytesView bytes = in.Rest();
  const Cut whole = CutUp(bytes, limit, bytes.size());
  const Cut pieces = CutUp(bytes, limit, piece);
  PERDURE_ASSERT(whole.fits == pieces.fits);
  PERDURE_ASSERT(whole.frames.size() == pieces.frames.size());
  std::string again;
  for (size_t i = 0; i < whole.frames.size(); ++i) {
    const Frame& frame = whole.frames[i];
    PERDURE_ASSERT(Same(frame.header, pieces.frames[i].header));
    PERDURE_ASSERT(frame.payload == pieces.frames[i].payload);
    PERDURE_ASSERT(frame.header.length == frame.payload.size());
    PERDURE_ASSERT(frame.payload.size() < limit);
    frame.header.AppendTo(again);
    again += frame.payload.view();
  }
  PERDURE_ASSERT(bytes.substr(0, again.size()) == again);
  if (!whole.fits) {
    PERDURE_ASSERT(Same(whole.too_large, pieces.too_large));
    PERDURE_ASSERT(whole.too_large.length >= limit);
    return;
  }
  PERDURE_ASSERT(whole.inside_frame == (again.size() < bytes.size()));
  PERDURE_ASSERT(whole.inside_frame == pieces.inside_frame);
  PERDURE_ASSERT(whole.pending == pieces.pending);
}

}  // namespace perdure::fuzz
