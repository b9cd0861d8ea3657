// SPDX-License-Identifier: Apache-2.0
//
// Reading payloads: what is tolerated, what is not, and that nothing is copied or lost.
#include "helpers.h"
#include "perdure/protocol/notifications.h"
#include "protocol/command_decode.h"
#include "protocol/control_decode.h"
#include "service_protocol.pb.h"

#include <gtest/gtest.h>

namespace perdure {
namespace {

using test::Hex;

Result<SdkMessage> Decode(MessageType type, std::string_view hex) {
  return DecodeCommand(type, SharedBytes(Hex(hex)));
}

TEST(Decode, UnknownFieldsAreIgnored) {
  // Fields 30 (varint), 31 (bytes), 29 (fixed64), 28 (fixed32), 27 (group) around a completion id.
  const Result<SdkMessage> message = Decode(
      MessageType::kRunCommand,
      "f00105 fa0102aabb 5803 e9010102030405060708 e50101020304 db01 0807 dc01");
  ASSERT_TRUE(message.ok()) << message.error().message;
  EXPECT_EQ(std::get<RunCommand>(*message).result_completion_id, 3U);
}

TEST(Decode, BodiesShareTheStorageOfThePayload) {
  const SharedBytes payload(Hex("0a0153 12016f 1a05 6c6f6e6721"));
  const Result<SdkMessage> message = DecodeCommand(MessageType::kCallCommand, payload);
  ASSERT_TRUE(message.ok());
  const SharedBytes& body = std::get<CallCommand>(*message).parameter;
  EXPECT_EQ(body.view(), "long!");
  EXPECT_GE(body.view().data(), payload.view().data());
  EXPECT_LE(body.view().data() + body.size(), payload.view().data() + payload.size());
}

TEST(Decode, RefusesWhatIsBroken) {
  static const struct {
    MessageType type;
    std::string_view hex;
    std::string_view why;
  } kCases[] = {
      {MessageType::kRunCommand, "58", "no value"},
      {MessageType::kRunCommand, "5a0101", "bytes instead of a number"},
      {MessageType::kRunCommand, "6205 7374", "shorter than announced"},
      {MessageType::kRunCommand, "6201 ff", "the name is not UTF-8"},
      {MessageType::kRunCommand, "0001", "field number 0"},
      {MessageType::kRunCommand, "0c", "the end of no group"},
      {MessageType::kRunCommand, "0b", "a group without an end"},
      {MessageType::kRunCommand, "58ffffffffffffffffffff01", "a number of 11 bytes"},
      {MessageType::kRunCommand, "c0c0daffffff1c00", "a tag of 7 bytes"},
      {MessageType::kClearAllStateCommand, "ff", "half a tag"},
      {MessageType::kGetEagerStateCommand, "0aff", "a length without its bytes"},
      {MessageType::kOutputCommand, "", "no result"},
      {MessageType::kOutputCommand, "7202 0a05", "a broken value"},
      {MessageType::kOutputCommand, "7a03 1201ff", "a failure message that is not UTF-8"},
      {MessageType::kSetStateCommand, "0a0161 1a01 0a", "a broken value"},
      {MessageType::kCallCommand, "2202 0a05", "a broken header"},
      {MessageType::kCallCommand, "0a01ff", "a service name that is not UTF-8"},
      {MessageType::kSendSignalCommand, "0a0161 2200", "no signal"},
      {MessageType::kSendSignalCommand, "0a0161 1001", "no result"},
      {MessageType::kGetPromiseCommand, "0a05", "not performed, and broken"},
  };
  for (const auto& c : kCases) {
    const Result<SdkMessage> message = Decode(c.type, c.hex);
    ASSERT_FALSE(message.ok()) << c.why;
    EXPECT_NE(message.error().message.find("cannot decode the payload of "), std::string::npos);
  }
}

TEST(Decode, UnknownTypes) {
  for (const int type : {0x040f, 0x04ff, 0x7fff}) {
    const Result<SdkMessage> message = DecodeCommand(static_cast<MessageType>(type), SharedBytes());
    ASSERT_FALSE(message.ok());
    EXPECT_NE(message.error().message.find("unknown message type 0x"), std::string::npos);
  }
  // Custom entries are opaque.
  const Result<SdkMessage> custom =
      DecodeCommand(static_cast<MessageType>(0xfc00), SharedBytes(Hex("ff")));
  ASSERT_TRUE(custom.ok());
  EXPECT_TRUE(std::holds_alternative<CustomCommand>(*custom));
}

TEST(Decode, LastMemberOfAOneofWins) {
  const Result<SdkMessage> message = Decode(MessageType::kOutputCommand, "7a02 0801 7203 0a0178");
  ASSERT_TRUE(message.ok());
  EXPECT_EQ(std::get<SharedBytes>(std::get<OutputCommand>(*message).result).view(), "x");
}

TEST(Decode, ScopesAndLimitKeysAreNoticedUnlessTheyAreEmpty) {
  const auto call = [](std::string_view hex) {
    const Result<SdkMessage> message = Decode(MessageType::kCallCommand, hex);
    EXPECT_TRUE(message.ok());
    const auto& command = std::get<CallCommand>(*message);
    return std::pair(command.has_scope, command.has_limit_key);
  };
  EXPECT_EQ(call("3a0161"), std::pair(true, false));
  EXPECT_EQ(call("420161"), std::pair(false, true));
  EXPECT_EQ(call("3a00 4200"), std::pair(false, false));
  const auto send = [](std::string_view hex) {
    const Result<SdkMessage> message = Decode(MessageType::kOneWayCallCommand, hex);
    EXPECT_TRUE(message.ok());
    const CallCommand& command = std::get<OneWayCallCommand>(*message).call;
    return std::pair(command.has_scope, command.has_limit_key);
  };
  EXPECT_EQ(send("420161"), std::pair(true, false));
  EXPECT_EQ(send("4a0161"), std::pair(false, true));
  EXPECT_EQ(send("4200 4a00"), std::pair(false, false));
}

TEST(Decode, AttachKnowsItsScope) {
  const auto scope = [](std::string_view hex) {
    const Result<SdkMessage> message = Decode(MessageType::kAttachInvocationCommand, hex);
    EXPECT_TRUE(message.ok());
    return std::get<AttachCommand>(*message).scope;
  };
  EXPECT_EQ(scope("1a05 0a0161 2a00"), "");
  EXPECT_EQ(scope("2206 0a0161 1a0173"), "s");
  EXPECT_EQ(scope("2203 0a0161"), std::nullopt);
}

TEST(Decode, EmptyIdempotencyKeyIsAKey) {
  const Result<SdkMessage> call = Decode(MessageType::kCallCommand, "3200");
  ASSERT_TRUE(call.ok());
  EXPECT_EQ(std::get<CallCommand>(*call).idempotency_key, "");
}

TEST(Decode, AgreesWithGeneratedClasses) {
  wire::OneWayCallCommandMessage send;
  send.set_service_name("Svc");
  send.set_handler_name("h");
  send.set_parameter(std::string(5000, 'p'));
  send.set_invoke_time(1ULL << 50);
  send.set_key("k\xc3\xa9y");
  send.set_idempotency_key("");
  send.set_invocation_id_notification_idx(4'000'000'000U);
  send.set_name("entry");
  auto* header = send.add_headers();
  header->set_key("a");
  const SharedBytes payload(send.SerializeAsString());
  const Result<NamedCommand> named = DecodeNamedCommand(MessageType::kOneWayCallCommand, payload);
  ASSERT_TRUE(named.ok());
  EXPECT_EQ(named->name, "entry");
  EXPECT_EQ(DecodeCommandName(payload.view()), "entry");
  const auto& call = std::get<OneWayCallCommand>(named->message);
  EXPECT_EQ(call.call.service, "Svc");
  EXPECT_EQ(call.call.handler, "h");
  EXPECT_EQ(call.call.parameter.view(), send.parameter());
  EXPECT_EQ(call.invoke_time, 1ULL << 50);
  EXPECT_EQ(call.call.key, "k\xc3\xa9y");
  EXPECT_EQ(call.call.idempotency_key, "");
  EXPECT_EQ(call.call.invocation_id_completion_id, 4'000'000'000U);
  EXPECT_EQ(call.call.headers, (std::vector<Header>{{"a", ""}}));
}

TEST(Decode, NotificationsAgreeWithGeneratedClass) {
  const Failure failure{418, "teapot", {{"k", "v"}, {"", ""}}};
  wire::NotificationMessage message;
  ASSERT_TRUE(message.ParseFromString(std::string(EncodeResultCompletion(9, failure).view())));
  EXPECT_EQ(message.completion_id(), 9U);
  EXPECT_EQ(message.failure().code(), 418U);
  EXPECT_EQ(message.failure().message(), "teapot");
  ASSERT_EQ(message.failure().metadata_size(), 2);
  EXPECT_EQ(message.failure().metadata(0).value(), "v");
  ASSERT_TRUE(
      message.ParseFromString(std::string(EncodeSignal("name", Failure{0, "", {}}).view())));
  EXPECT_EQ(message.signal_name(), "name");
  EXPECT_EQ(message.result_case(), wire::NotificationMessage::kFailure);
  ASSERT_TRUE(
      message.ParseFromString(std::string(EncodeGetLazyStateKeysCompletion(1, {"a", ""}).view())));
  EXPECT_EQ(message.state_keys().keys_size(), 2);
}

TEST(Decode, NotificationIds) {
  const auto id = [](MessageType type, const SharedBytes& payload) {
    return DecodeNotificationId(type, payload.view());
  };
  EXPECT_EQ(
      *id(MessageType::kSleepCompletion, EncodeVoidCompletion(7)),
      NotificationId(CompletionKey{7}));
  EXPECT_EQ(
      *id(MessageType::kSignal, EncodeSignal(17U, VoidResult{})), NotificationId(SignalName(17U)));
  EXPECT_EQ(
      *id(MessageType::kSignal, EncodeSignal("s", VoidResult{})), NotificationId(SignalName("s")));
  EXPECT_FALSE(id(MessageType::kSignal, EncodeVoidCompletion(7)).ok());
  EXPECT_FALSE(id(MessageType::kSleepCompletion, EncodeSignal(1U, VoidResult{})).ok());
  EXPECT_FALSE(id(MessageType::kSleepCompletion, SharedBytes(Hex("2200"))).ok());
  EXPECT_FALSE(id(MessageType::kSleepCompletion, SharedBytes(Hex("08"))).ok());
}

TEST(Decode, InputKeepsHeadersAndBody) {
  const std::vector<Header> headers = {{"a", "1"}, {"b", ""}};
  const Result<InputContent> input = DecodeInput(EncodeInputCommand(headers, "body"));
  ASSERT_TRUE(input.ok());
  EXPECT_EQ(input->headers, headers);
  EXPECT_EQ(input->body.view(), "body");
  EXPECT_FALSE(DecodeInput(SharedBytes(Hex("0a"))).ok());
}

TEST(Decode, ErrorCodesAbove65535Are500) {
  const auto error = [](std::string_view hex) {
    Result<SdkMessage> message = DecodeControl(MessageType::kError, SharedBytes(Hex(hex)), 6);
    EXPECT_TRUE(message.ok());
    return std::get<AttemptError>(*message).code;
  };
  EXPECT_EQ(error("08ffff03"), 65535U);
  EXPECT_EQ(error("08808004"), 500U);
  EXPECT_EQ(error("08ba04"), 570U);
}

TEST(Decode, EntryNames) {
  EXPECT_EQ(EntryName(MessageType::kRunCommand), "Run");
  EXPECT_EQ(EntryName(MessageType::kRunCompletion), "Run");
  EXPECT_EQ(EntryName(MessageType::kSignal), "Signal");
  EXPECT_EQ(EntryName(MessageType::kGetEagerStateKeysCommand), "GetEagerStateKeys");
  EXPECT_EQ(EntryName(MessageType::kCallInvocationIdCompletion), "CallInvocationId");
  EXPECT_EQ(EntryName(MessageType::kEnd), "");
  EXPECT_EQ(EntryName(static_cast<MessageType>(0xfc01)), "");
}

}  // namespace
}  // namespace perdure
