// SPDX-License-Identifier: Apache-2.0
//
// The service's side of one attempt: what the server has sent, and what the test or a script
// answers. It checks nothing: a test can make it say anything, also what no SDK would say.
#pragma once

#include "perdure/protocol/message_type.h"
#include "protocol/frame.h"
#include "service_protocol.pb.h"
#include "tests/integration/client.h"

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace perdure::integration {

class ServiceConnection;

// What one service and its attempts share. `wake` makes its thread look at the outputs.
struct ServiceState {
  std::mutex mutex;
  std::condition_variable changed;
  std::function<void()> wake;
};

struct ReceivedFrame {
  MessageType type;
  std::string payload;
};

// What a response begins with; the content type is the request's if none is named.
struct ResponseHead {
  int status = 200;
  RequestHeaders headers;
};

// What goes into a response body.
struct Body {
  std::string bytes;
  bool finished = false;  // the end of the stream follows
};

std::string EncodeFrame(MessageType type, std::string_view payload);

class ServiceAttempt : public std::enable_shared_from_this<ServiceAttempt> {
 public:
  ServiceAttempt(
      ServiceState& service,
      ServiceConnection& connection,
      uint32_t stream,
      std::string target,
      RequestHeaders headers);

  // --- for tests and scripts. Thread: any ---
  const std::string& target() const { return target_; }  // "Test/echo"
  std::string id() const;                                // the printable one
  std::string input() const;
  size_t known_entries() const;
  std::vector<ReceivedFrame> frames() const;  // behind Start
  wire::StartMessage start() const;
  // Of the request; empty if there is none.
  std::string header(std::string_view name) const;
  // What the server has sent, as it came: all of it, and what stands behind the Start message.
  std::string bytes() const;
  std::string tail() const;
  // The code of the server's RST_STREAM.
  std::optional<uint32_t> reset_code() const;
  bool Has(MessageType type) const;
  bool HasSent(MessageType type) const;
  bool input_ended() const;
  bool AwaitFrame(MessageType type) const;
  bool AwaitInputEnd() const;
  // At least `size` bytes stand behind the Start message.
  bool AwaitTail(size_t size) const;
  // The stream or its connection has ended, whoever did it.
  bool AwaitGone() const;

  void Send(MessageType type, const google::protobuf::MessageLite& message);
  void SendBytes(std::string_view bytes);
  void Finish();
  // Output, End, and the end of the stream. Nothing, if the stream has ended already.
  void Complete(std::string_view result);
  void Suspend(uint32_t completion);
  // The head of the response, its body is still to come.
  void SendHead();
  // A response head without a body, instead of everything else.
  void Refuse(int status, RequestHeaders headers = {});
  // The response has this head, when it is sent.
  void SetHead(ResponseHead head);
  // Bytes on the connection, behind what was sent and past its codec.
  void SendOnWire(std::string_view bytes);
  void Reset();
  // Closes the whole connection once what was sent is written.
  void Disconnect();

  // --- for the service and its connections. REQUIRES: the lock of the service is held ---
  void OnBytes(std::string_view bytes);
  void OnInputEnd() { input_ended_ = true; }
  void OnGone() { connection_ = nullptr; }
  void OnReset(uint32_t code) { reset_code_ = code; }
  bool replayed() const { return started_ && frames_.size() >= start_.known_entries(); }
  uint32_t stream() const { return stream_; }
  const ResponseHead& head() const { return head_; }
  Body& body() { return body_; }

  bool touched = false;  // waits for its script
  bool offered = false;  // a test may take it, or has

 private:
  bool Await(const std::function<bool()>& condition) const;
  size_t StartBytes() const;
  void Append(MessageType type, std::string_view payload);
  void Update();

  ServiceState& service_;
  ServiceConnection* connection_;  // null once the stream is gone
  const uint32_t stream_;
  const std::string target_;
  const RequestHeaders headers_;

  FrameDecoder decoder_;
  bool started_ = false;
  bool input_ended_ = false;
  wire::StartMessage start_;
  std::vector<ReceivedFrame> frames_;
  std::string bytes_;
  std::optional<uint32_t> reset_code_;

  ResponseHead head_;
  Body body_;
  std::set<MessageType> sent_;
};

}  // namespace perdure::integration
