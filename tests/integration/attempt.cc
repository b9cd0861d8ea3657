// SPDX-License-Identifier: Apache-2.0
//
// See attempt.h.
#include "tests/integration/attempt.h"

#include "perdure/base/limits.h"
#include "tests/integration/service_connection.h"
#include "tests/integration/wait.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace perdure::integration {
namespace {

using Guard = std::lock_guard<std::mutex>;

bool Holds(const std::vector<ReceivedFrame>& frames, MessageType type) {
  return std::any_of(frames.begin(), frames.end(), [type](const ReceivedFrame& frame) {
    return frame.type == type;
  });
}

}  // namespace

std::string EncodeFrame(MessageType type, std::string_view payload) {
  std::string out;
  FrameHeader{type, 0, static_cast<uint32_t>(payload.size())}.AppendTo(out);
  return out.append(payload);
}

ServiceAttempt::ServiceAttempt(
    ServiceState& service,
    ServiceConnection& connection,
    uint32_t stream,
    std::string target,
    RequestHeaders headers)
    : service_(service),
      connection_(&connection),
      stream_(stream),
      target_(std::move(target)),
      headers_(std::move(headers)),
      decoder_(2 * limits::kMessageSizeDefault) {
  head_.headers = {{"content-type", header("content-type")}};
}

std::string ServiceAttempt::id() const {
  const Guard lock(service_.mutex);
  return start_.debug_id();
}

std::string ServiceAttempt::input() const {
  const Guard lock(service_.mutex);
  wire::InputCommandMessage input;
  if (frames_.empty() || !input.ParseFromString(frames_.front().payload)) {
    return {};
  }
  return input.value().content();
}

size_t ServiceAttempt::known_entries() const {
  const Guard lock(service_.mutex);
  return start_.known_entries();
}

std::vector<ReceivedFrame> ServiceAttempt::frames() const {
  const Guard lock(service_.mutex);
  return frames_;
}

wire::StartMessage ServiceAttempt::start() const {
  const Guard lock(service_.mutex);
  return start_;
}

std::string ServiceAttempt::header(std::string_view name) const {
  const auto found = std::find_if(headers_.begin(), headers_.end(), [name](const auto& header) {
    return header.first == name;
  });
  return found == headers_.end() ? "" : found->second;
}

std::string ServiceAttempt::bytes() const {
  const Guard lock(service_.mutex);
  return bytes_;
}

std::string ServiceAttempt::tail() const {
  const Guard lock(service_.mutex);
  return bytes_.substr(StartBytes());
}

// REQUIRES: the lock is held.
size_t ServiceAttempt::StartBytes() const {
  return bytes_.size() < FrameHeader::kBytes
             ? bytes_.size()
             : std::min(bytes_.size(), FrameHeader::kBytes + FrameHeader::Parse(bytes_).length);
}

std::optional<uint32_t> ServiceAttempt::reset_code() const {
  const Guard lock(service_.mutex);
  return reset_code_;
}

bool ServiceAttempt::Has(MessageType type) const {
  const Guard lock(service_.mutex);
  return Holds(frames_, type);
}

bool ServiceAttempt::HasSent(MessageType type) const {
  const Guard lock(service_.mutex);
  return sent_.count(type) != 0;
}

bool ServiceAttempt::input_ended() const {
  const Guard lock(service_.mutex);
  return input_ended_;
}

bool ServiceAttempt::Await(const std::function<bool()>& condition) const {
  std::unique_lock<std::mutex> lock(service_.mutex);
  return service_.changed.wait_for(lock, kPatience, condition);
}

bool ServiceAttempt::AwaitFrame(MessageType type) const {
  return Await([this, type] { return Holds(frames_, type); });
}

bool ServiceAttempt::AwaitInputEnd() const {
  return Await([this] { return input_ended_; });
}

bool ServiceAttempt::AwaitTail(size_t size) const {
  return Await([this, size] { return started_ && bytes_.size() >= StartBytes() + size; });
}

bool ServiceAttempt::AwaitGone() const {
  return Await([this] { return connection_ == nullptr; });
}

void ServiceAttempt::Append(MessageType type, std::string_view payload) {
  sent_.insert(type);
  body_.bytes += EncodeFrame(type, payload);
}

// REQUIRES: the lock is held.
void ServiceAttempt::Update() {
  if (connection_ != nullptr) {
    connection_->OnOutput(*this);
    service_.wake();
  }
}

void ServiceAttempt::Send(MessageType type, const google::protobuf::MessageLite& message) {
  const Guard lock(service_.mutex);
  Append(type, message.SerializeAsString());
  Update();
}

void ServiceAttempt::SendBytes(std::string_view bytes) {
  const Guard lock(service_.mutex);
  body_.bytes.append(bytes);
  Update();
}

void ServiceAttempt::Finish() {
  const Guard lock(service_.mutex);
  body_.finished = true;
  Update();
}

void ServiceAttempt::Complete(std::string_view result) {
  wire::OutputCommandMessage output;
  output.mutable_value()->set_content(std::string(result));
  const Guard lock(service_.mutex);
  if (body_.finished) {
    return;
  }
  Append(MessageType::kOutputCommand, output.SerializeAsString());
  Append(MessageType::kEnd, {});
  body_.finished = true;
  Update();
}

void ServiceAttempt::Suspend(uint32_t completion) {
  wire::SuspensionMessage suspension;
  suspension.add_waiting_completions(completion);
  const Guard lock(service_.mutex);
  Append(MessageType::kSuspension, suspension.SerializeAsString());
  body_.finished = true;
  Update();
}

void ServiceAttempt::SendHead() {
  const Guard lock(service_.mutex);
  Update();
}

void ServiceAttempt::SetHead(ResponseHead head) {
  const Guard lock(service_.mutex);
  head_ = std::move(head);
}

void ServiceAttempt::SendOnWire(std::string_view bytes) {
  const Guard lock(service_.mutex);
  if (connection_ != nullptr) {
    connection_->Inject(bytes);
    service_.wake();
  }
}

void ServiceAttempt::Refuse(int status, RequestHeaders headers) {
  const Guard lock(service_.mutex);
  head_.status = status;
  std::move(headers.begin(), headers.end(), std::back_inserter(head_.headers));
  body_.finished = true;
  Update();
}

void ServiceAttempt::Reset() {
  const Guard lock(service_.mutex);
  if (connection_ != nullptr) {
    connection_->Reset(*this);
    service_.wake();
  }
}

void ServiceAttempt::Disconnect() {
  const Guard lock(service_.mutex);
  if (connection_ != nullptr) {
    connection_->set_doomed();
    service_.wake();
  }
}

void ServiceAttempt::OnBytes(std::string_view bytes) {
  bytes_.append(bytes);
  std::vector<Frame> frames;
  decoder_.Feed(bytes, frames);
  for (const Frame& frame : frames) {
    if (started_) {
      frames_.push_back({frame.header.type, std::string(frame.payload.view())});
    } else {
      started_ = start_.ParseFromString(std::string(frame.payload.view()));
    }
  }
}

}  // namespace perdure::integration
