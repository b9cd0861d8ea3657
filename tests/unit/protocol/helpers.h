// SPDX-License-Identifier: Apache-2.0
//
// Builders and byte helpers of the protocol tests.
#pragma once

#include "perdure/protocol/invocation_stream.h"
#include "protocol/frame.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace perdure::test {

// Hex with spaces and line breaks anywhere.
inline std::string Hex(std::string_view hex) {
  std::string out;
  int high = -1;
  for (const char c : hex) {
    int digit = -1;
    if (c >= '0' && c <= '9') {
      digit = c - '0';
    } else if (c >= 'a' && c <= 'f') {
      digit = c - 'a' + 10;
    } else {
      continue;
    }
    if (high < 0) {
      high = digit;
    } else {
      out += static_cast<char>(high * 16 + digit);
      high = -1;
    }
  }
  return out;
}

inline std::string ToHex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += kDigits[static_cast<uint8_t>(c) >> 4];
    out += kDigits[static_cast<uint8_t>(c) & 0xf];
  }
  return out;
}

inline std::string FrameOf(uint16_t type, std::string_view payload, uint16_t flags = 0) {
  FrameHeader header;
  header.type = static_cast<MessageType>(type);
  header.flags = flags;
  header.length = static_cast<uint32_t>(payload.size());
  std::string out;
  header.AppendTo(out);
  out += payload;
  return out;
}

inline std::string FrameOf(MessageType type, std::string_view payload, uint16_t flags = 0) {
  return FrameOf(static_cast<uint16_t>(type), payload, flags);
}

inline JournalEntry Entry(JournalIndex index, MessageType type, std::string payload) {
  JournalEntry entry;
  entry.index = index;
  entry.type = type;
  entry.payload = SharedBytes(std::move(payload));
  return entry;
}

inline JournalChunk Chunk(std::vector<JournalEntry> entries, JournalIndex from, JournalIndex next) {
  JournalChunk chunk;
  chunk.entries = std::move(entries);
  chunk.from = from;
  chunk.next = next;
  chunk.journal_length = next;
  return chunk;
}

// A first attempt on a plain service with an empty input.
inline StartAttempt Start() {
  StartAttempt start;
  start.id = *InvocationId::Parse("inv_17UrtexkMsT7365ZbfFZXRWIZCFH0nBpQF");
  start.epoch = AttemptEpoch{5};
  start.target = Target{"S", "", "h", ServiceType::kService, HandlerType::kUnkeyed};
  auto deployment = std::make_shared<DeploymentSchema>();
  deployment->bidirectional = true;
  start.deployment = std::move(deployment);
  start.protocol_version = 6;
  start.inactivity_timeout = 60'000;
  start.abort_timeout = 600'000;
  start.known_entries = 1;
  start.journal = Chunk({Entry(0, MessageType::kInputCommand, Hex("7200"))}, 0, 1);
  return start;
}

inline NotifyAttempt Notify(JournalChunk chunk) {
  NotifyAttempt notify;
  notify.id = Start().id;
  notify.epoch = Start().epoch;
  notify.chunk = std::move(chunk);
  return notify;
}

inline std::string Bytes(const StreamOutput& output) {
  std::string out;
  for (const SharedBytes& piece : output.pieces) {
    out += piece.view();
  }
  return out;
}

// The frames in `bytes`, as "type:payload" in hex.
inline std::vector<std::string> FramesIn(std::string_view bytes) {
  FrameDecoder decoder(1 << 30);
  std::vector<Frame> frames;
  decoder.Feed(bytes, frames);
  std::vector<std::string> out;
  for (const Frame& frame : frames) {
    std::string type;
    type += static_cast<char>(static_cast<uint16_t>(frame.header.type) >> 8);
    type += static_cast<char>(static_cast<uint16_t>(frame.header.type) & 0xff);
    out.push_back(ToHex(type) + ":" + ToHex(frame.payload.view()));
  }
  if (decoder.inside_frame()) {
    out.emplace_back("unfinished");
  }
  return out;
}

inline HttpHeaders GoodHead(int version = 6) {
  return HttpHeaders{{"content-type", InvocationContentType(version)}};
}

// A stream whose replay is sent and whose response head has come.
inline std::unique_ptr<InvocationStream> OpenStream(
    const StartAttempt& start = Start(), size_t frame_bytes_max = 32 << 20) {
  auto stream = std::make_unique<InvocationStream>(start, frame_bytes_max, 0);
  stream->TakeOutput();
  stream->OnHead(200, GoodHead(start.protocol_version), 0, 0);
  return stream;
}

}  // namespace perdure::test
