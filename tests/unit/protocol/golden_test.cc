// SPDX-License-Identifier: Apache-2.0
//
// Frames captured on the wire (service protocol 9): what SDKs send is read as it was meant, at
// every split of the bytes; what the server sends is made byte for byte. The generated protobuf
// classes are a second opinion on our hand-written codec.
#include "helpers.h"
#include "perdure/protocol/notifications.h"
#include "service_protocol.pb.h"

#include <gtest/gtest.h>

namespace perdure {
namespace {

using test::FramesIn;
using test::Hex;
using test::OpenStream;
using test::Start;
using test::ToHex;

const char kChild[] = "inv_19xApxCJnLtx2wzttteQar5X4Ys5A4Rb5h";

// Feeds `bytes` in two parts for every split, and byte by byte; all must give the same frames,
// which are returned.
std::vector<SdkFrame> FramesFromSdk(std::string_view hex, int version = 6) {
  const std::string bytes = Hex(hex);
  StartAttempt start = Start();
  start.protocol_version = version;
  std::vector<SdkFrame> expected;
  for (size_t split = 0; split <= bytes.size(); ++split) {
    auto stream = OpenStream(start);
    std::vector<SdkFrame> frames;
    const auto feed = [&stream, &frames](std::string_view part) {
      StreamEvents events = stream->OnBytes(part, 0);
      EXPECT_FALSE(events.failed.has_value()) << events.failed->error.message;
      if (events.append.has_value()) {
        EXPECT_EQ(events.append->first_frame, frames.size());
        for (SdkFrame& frame : events.append->frames) {
          frames.push_back(std::move(frame));
        }
      }
    };
    if (split == 0) {
      for (const char c : bytes) {
        feed(std::string(1, c));
      }
      expected = frames;
    } else {
      feed(std::string_view(bytes).substr(0, split));
      feed(std::string_view(bytes).substr(split));
    }
    EXPECT_EQ(stream->pending_frame_bytes(), 0U);
    EXPECT_EQ(frames.size(), expected.size()) << "split at " << split;
    for (size_t i = 0; i < frames.size() && i < expected.size(); ++i) {
      EXPECT_EQ(frames[i].type, expected[i].type);
      EXPECT_EQ(frames[i].payload, expected[i].payload);
      EXPECT_EQ(frames[i].name, expected[i].name);
      EXPECT_EQ(frames[i].message.index(), expected[i].message.index());
    }
  }
  return expected;
}

template <typename T>
const T& Only(const std::vector<SdkFrame>& frames) {
  static const T kNone{};
  EXPECT_EQ(frames.size(), 1U);
  const T* message = frames.empty() ? nullptr : std::get_if<T>(&frames[0].message);
  EXPECT_NE(message, nullptr);
  return message == nullptr ? kNone : *message;
}

std::string Value(const ValueOrFailure& result) {
  const auto* value = std::get_if<SharedBytes>(&result);
  return value == nullptr ? "not a value" : std::string(value->view());
}

std::string Payload(std::string_view frame_hex) {
  const std::string bytes = Hex(frame_hex);
  const FrameHeader header = FrameHeader::Parse(bytes);
  EXPECT_EQ(header.length, bytes.size() - FrameHeader::kBytes);
  return ToHex(std::string_view(bytes).substr(FrameHeader::kBytes));
}

TEST(Golden, StartAndInput) {
  StartAttempt start = Start();
  start.id = *InvocationId::FromBytes(Hex("2893a0440624177176c807e30f52dea82ec3b18d69fbd343"));
  start.partial_state = true;
  start.duration_since_last_entry = 3;
  start.random_seed = 6049428910504119159U;
  const SharedBytes input = EncodeInputCommand(
      {{"x-restate-ingress-path", "/H1Svc/run"},
       {"user-agent", "curl/7.88.1"},
       {"accept", "*/*"},
       {"content-type", "application/json"},
       {"content-length", "3"}},
      "\"z\"");
  start.journal =
      test::Chunk({test::Entry(0, MessageType::kInputCommand, std::string(input.view()))}, 0, 1);
  InvocationStream stream(start, 1 << 20, 0);
  EXPECT_EQ(ToHex(test::Bytes(stream.TakeOutput())), ToHex(Hex(R"(00000000 00000052
        0a18 2893a0440624177176c807e30f52dea82ec3b18d69fbd343
        1226 696e765f31394859427939686e4b305532335a6d72753962386971693272644f463754596765
        1801 2801 4003 48f796cec4aff1f8f953
        04000000 0000008e
        0a24 0a16 782d726573746174652d696e67726573732d70617468 120a 2f48315376632f72756e
        0a19 0a0a 757365722d6167656e74 120b 6375726c2f372e38382e31
        0a0d 0a06 616363657074 1203 2a2f2a
        0a20 0a0c 636f6e74656e742d74797065 1210 6170706c69636174696f6e2f6a736f6e
        0a13 0a0e 636f6e74656e742d6c656e677468 1201 33
        7205 0a03 227a22)")));
}

TEST(Golden, StartWithStateAndKey) {
  StartAttempt start = Start();
  start.target = Target{"O", "k1", "h", ServiceType::kVirtualObject, HandlerType::kExclusive};
  start.state = {{"cnt", "5"}};
  start.partial_state = false;
  start.duration_since_last_entry = 3;
  start.random_seed = 1;
  InvocationStream stream(start, 1 << 20, 0);
  const std::string hex = ToHex(test::Bytes(stream.TakeOutput()));
  EXPECT_NE(
      hex.find(ToHex(Hex("1801 2208 0a03636e74 120135 32026b31 4003 4801"))), std::string::npos)
      << hex;
}

TEST(Golden, StartAgreesWithGeneratedClass) {
  StartAttempt start = Start();
  start.protocol_version = 7;
  start.target = Target{"O", "key", "h", ServiceType::kVirtualObject, HandlerType::kShared};
  start.state = {{"a", ""}, {"b", "2"}};
  start.retry_count_since_last_entry = 4;
  start.duration_since_last_entry = 1ULL << 40;
  start.random_seed = ~0ULL;
  start.idempotency_key = "";
  InvocationStream stream(start, 1 << 20, 0);
  const std::string bytes = test::Bytes(stream.TakeOutput());
  wire::StartMessage message;
  ASSERT_TRUE(
      message.ParseFromString(bytes.substr(FrameHeader::kBytes, FrameHeader::Parse(bytes).length)));
  EXPECT_EQ(message.id(), start.id.ToBytes());
  EXPECT_EQ(message.debug_id(), start.id.ToString());
  EXPECT_EQ(message.known_entries(), 1U);
  ASSERT_EQ(message.state_map_size(), 2);
  EXPECT_EQ(message.state_map(0).key(), "a");
  EXPECT_EQ(message.state_map(1).value(), "2");
  EXPECT_TRUE(message.partial_state());
  EXPECT_EQ(message.key(), "key");
  EXPECT_EQ(message.retry_count_since_last_stored_entry(), 4U);
  EXPECT_EQ(message.duration_since_last_stored_entry(), 1ULL << 40);
  EXPECT_EQ(message.random_seed(), ~0ULL);
  EXPECT_TRUE(message.has_idempotency_key());
  EXPECT_FALSE(message.has_scope());
}

TEST(Golden, Run) {
  const std::vector<SdkFrame> frames = FramesFromSdk(
      "0411000000000009 5801 62057374657031"
      "0005000000000009 0801 7205 22723a7a22"
      "0401000000000009 7207 0a0522723a7a22 0003000000000000");
  ASSERT_EQ(frames.size(), 4U);
  EXPECT_EQ(std::get<RunCommand>(frames[0].message).result_completion_id, 1U);
  EXPECT_EQ(frames[0].name, "step1");
  EXPECT_EQ(ToHex(frames[0].payload.view()), "580162057374657031");
  const auto& proposal = std::get<ProposeRunCompletion>(frames[1].message);
  EXPECT_EQ(proposal.result_completion_id, 1U);
  EXPECT_EQ(Value(proposal.result), "\"r:z\"");
  EXPECT_FALSE(frames[1].requested_ack);
  EXPECT_EQ(Value(std::get<OutputCommand>(frames[2].message).result), "\"r:z\"");
  EXPECT_TRUE(std::holds_alternative<End>(frames[3].message));
  EXPECT_EQ(
      ToHex(EncodeResultCompletion(1, proposal.result).view()),
      Payload("801100000000000b 0801 2a07 0a0522723a7a22"));
}

TEST(Golden, RunOfVersion7) {
  const std::vector<SdkFrame> frames = FramesFromSdk(
      "0005800000000009 0801 720522723a7a22 000600000000000a 0a08 0a0101 120101 2801"
      "000600000000000f 0a0d 120101 2206 0a020102 2804 2801",
      7);
  ASSERT_EQ(frames.size(), 1U);  // AwaitingOn is a hint only
  EXPECT_TRUE(frames[0].requested_ack);
  EXPECT_EQ(Value(std::get<ProposeRunCompletion>(frames[0].message).result), "\"r:z\"");
}

TEST(Golden, EmptyRunResult) {
  const auto frames = FramesFromSdk("0005000000000004 0801 7200");
  EXPECT_EQ(Value(Only<ProposeRunCompletion>(frames).result), "");
  EXPECT_EQ(
      ToHex(EncodeResultCompletion(1, SharedBytes()).view()),
      Payload("8011000000000004 0801 2a00"));
}

TEST(Golden, Call) {
  const auto frames = FramesFromSdk(
      "040d000000000026 0a054831537663 12046563686f 1a03227122 2208 0a03782d68 120131 "
      "3204696b2d71 5001 5802");
  const CallCommand& call = Only<CallCommand>(frames);
  EXPECT_EQ(call.service, "H1Svc");
  EXPECT_EQ(call.handler, "echo");
  EXPECT_EQ(call.key, "");
  EXPECT_EQ(call.parameter.view(), "\"q\"");
  EXPECT_EQ(call.headers, (std::vector<Header>{{"x-h", "1"}}));
  EXPECT_EQ(call.idempotency_key, "ik-q");
  EXPECT_EQ(call.invocation_id_completion_id, 1U);
  EXPECT_EQ(call.result_completion_id, 2U);
  EXPECT_FALSE(call.has_scope);
  EXPECT_EQ(
      ToHex(EncodeCallInvocationIdCompletion(1, *InvocationId::Parse(kChild)).view()),
      Payload("800e00000000002b 0801 820126 "
              "696e765f313978417078434a6e4c747832777a74747465516172355834597335413452623568"));
  EXPECT_EQ(
      ToHex(EncodeResultCompletion(2, SharedBytes::Copy("\"q\"")).view()),
      Payload("800d000000000009 0802 2a05 0a03227122"));
  EXPECT_EQ(
      ToHex(EncodeInputCommand(call.headers, call.parameter.view()).view()),
      Payload("04000000 00000011 0a08 0a03782d68 120131 7205 0a03227122"));
}

TEST(Golden, OneWayCall) {
  const auto frames =
      FramesFromSdk("040e00000000001b 0a054831537663 12046563686f 1a03227122 20b7d7bfdaa034 5001");
  const OneWayCallCommand& call = Only<OneWayCallCommand>(frames);
  EXPECT_EQ(call.call.service, "H1Svc");
  EXPECT_EQ(call.call.handler, "echo");
  EXPECT_EQ(call.call.parameter.view(), "\"q\"");
  EXPECT_EQ(call.call.idempotency_key, std::nullopt);
  EXPECT_EQ(call.call.invocation_id_completion_id, 1U);
  EXPECT_EQ(call.invoke_time, 1795486116791U);
}

TEST(Golden, SleepAndSuspension) {
  const auto frames = FramesFromSdk(
      "040c00000000000e 088ff3c0daa034 5801 62036e6170 0001000000000006 0a0101 120101");
  ASSERT_EQ(frames.size(), 2U);
  EXPECT_EQ(frames[0].name, "nap");
  const auto& sleep = std::get<SleepCommand>(frames[0].message);
  EXPECT_EQ(sleep.wake_up_time, 1795486136719U);
  EXPECT_EQ(sleep.result_completion_id, 1U);
  EXPECT_EQ(std::get<Suspension>(frames[1].message).wait_set, WaitSet::AnyOf({1}, {1}));
  EXPECT_EQ(ToHex(EncodeVoidCompletion(1).view()), Payload("800c000000000004 0801 2200"));
}

TEST(Golden, ReplayAfterSleep) {
  StartAttempt start = Start();
  start.known_entries = 3;
  start.journal = test::Chunk(
      {test::Entry(0, MessageType::kInputCommand, Hex("7200")),
       test::Entry(1, MessageType::kSleepCommand, Hex("088ff3c0daa034 5801 62036e6170")),
       test::Entry(2, MessageType::kSleepCompletion, Hex("0801 2200"))},
      0,
      3);
  InvocationStream stream(start, 1 << 20, 0);
  const std::string bytes = test::Bytes(stream.TakeOutput());
  EXPECT_NE(ToHex(bytes).find("1803"), std::string::npos);
  const std::vector<std::string> frames = FramesIn(bytes);
  ASSERT_EQ(frames.size(), 4U);
  EXPECT_EQ(frames[2], "040c:088ff3c0daa034580162036e6170");
  EXPECT_EQ(frames[3], "800c:08012200");
}

TEST(Golden, AwakeableSuspensionAndSignal) {
  const auto frames = FramesFromSdk("0001000000000004 1202 1101");
  EXPECT_EQ(Only<Suspension>(frames).wait_set, WaitSet::AnyOf({}, {17, 1}));
  EXPECT_EQ(
      ToHex(EncodeSignal(17U, SharedBytes::Copy("\"val\"")).view()),
      "1011"
      "2a07"
      "0a05"
      "2276616c22");
  EXPECT_EQ(
      ToHex(EncodeSignal(17U, SharedBytes(Hex("226176616c22"))).view()),
      Payload("fbff00000000000c 1011 2a08 0a06226176616c22"));
}

TEST(Golden, SuspensionOfVersion7) {
  const auto sleep = FramesFromSdk("000100000000000a 2208 0a0101 120101 2801", 7);
  const WaitNode any{{1}, {1}, {}, Combinator::kFirstCompleted};
  EXPECT_EQ(Only<Suspension>(sleep).wait_set, (WaitSet{{any}}));
  // all([c1, c2]) or cancel, nested.
  const auto nested = FramesFromSdk("000100000000000f 220d 120101 2206 0a020102 2804 2801", 7);
  const WaitNode cancel{{}, {1}, {}, Combinator::kFirstCompleted};
  const WaitNode all{{1, 2}, {}, {}, Combinator::kAllSucceededOrFirstFailed, 0};
  EXPECT_EQ(Only<Suspension>(nested).wait_set, (WaitSet{{cancel, all}}));
}

TEST(Golden, OutputFailureWithMetadata) {
  const auto frames = FramesFromSdk("0401000000000013 7a11 089903 12046e6f7065 1a06 0a0161 120162");
  const auto& failure = std::get<Failure>(Only<OutputCommand>(frames).result);
  EXPECT_EQ(failure, (Failure{409, "nope", {{"a", "b"}}}));
  const Result<ValueOrFailure> stored = DecodeOutput(frames[0].payload);
  ASSERT_TRUE(stored.ok());
  EXPECT_EQ(std::get<Failure>(*stored), failure);
}

TEST(Golden, State) {
  const auto frames = FramesFromSdk(
      "040700000000000a 0a03636e74 72030a0135"
      "0407000000000007 0a03636e74 6a00"
      "040300000000000b 0a03636e74 1a040a023131"
      "0404000000000006 0a046e6f7065"
      "0405000000000000"
      "0408000000000007 72050a03636e74"
      "0402000000000007 0a03636e74 5801"
      "0406000000000002 5802");
  ASSERT_EQ(frames.size(), 8U);
  EXPECT_TRUE(std::holds_alternative<GetEagerStateCommand>(frames[0].message));
  EXPECT_TRUE(std::holds_alternative<GetEagerStateCommand>(frames[1].message));
  const auto& set = std::get<SetStateCommand>(frames[2].message);
  EXPECT_EQ(set.key.view(), "cnt");
  EXPECT_EQ(set.value.view(), "11");
  EXPECT_EQ(std::get<ClearStateCommand>(frames[3].message).key.view(), "nope");
  EXPECT_TRUE(std::holds_alternative<ClearAllStateCommand>(frames[4].message));
  EXPECT_TRUE(std::holds_alternative<GetEagerStateCommand>(frames[5].message));
  const auto& get = std::get<GetLazyStateCommand>(frames[6].message);
  EXPECT_EQ(get.key.view(), "cnt");
  EXPECT_EQ(get.result_completion_id, 1U);
  EXPECT_EQ(std::get<GetLazyStateKeysCommand>(frames[7].message).result_completion_id, 2U);
  EXPECT_EQ(
      ToHex(EncodeGetLazyStateCompletion(1, std::nullopt).view()),
      Payload("8002000000000004 0801 2200"));
  EXPECT_EQ(ToHex(EncodeGetLazyStateCompletion(1, "").view()), "08012a00");
  EXPECT_EQ(
      ToHex(EncodeGetLazyStateKeysCompletion(2, {"cnt"}).view()),
      Payload("800600000000000a 0802 8a0105 0a03636e74"));
  EXPECT_EQ(ToHex(EncodeGetLazyStateKeysCompletion(2, {}).view()), "08028a0100");
}

TEST(Golden, PromisesAndAttach) {
  const auto get = Only<GetPromiseCommand>(FramesFromSdk("0409000000000006 0a027031 5801"));
  EXPECT_EQ(get.promise, "p1");
  EXPECT_EQ(get.result_completion_id, 1U);
  const auto complete = Only<CompletePromiseCommand>(
      FramesFromSdk("040b00000000000e 0a027031 1206 0a0422565622 5802"));
  EXPECT_EQ(complete.promise, "p1");
  EXPECT_EQ(std::get<SharedBytes>(complete.result).view(), "\"VV\"");
  EXPECT_EQ(complete.result_completion_id, 2U);
  const auto peek = Only<PeekPromiseCommand>(FramesFromSdk("040a000000000006 0a027031 5801"));
  EXPECT_EQ(peek.promise, "p1");
  const std::string id = ToHex(kChild);
  const auto attach = Only<AttachCommand>(FramesFromSdk("041200000000002a 0a26 " + id + " 5801"));
  EXPECT_EQ(std::get<std::string>(attach.target), kChild);
  EXPECT_EQ(attach.result_completion_id, 1U);
  // The answers have the shape of a call's.
  EXPECT_EQ(
      ToHex(EncodeResultCompletion(1, SharedBytes::Copy("\"VV\"")).view()),
      Payload("800900000000000a 0801 2a060a0422565622"));
  EXPECT_EQ(
      ToHex(EncodeResultCompletion(2, Failure{409, "promise was already completed", {}}).view()),
      Payload("800b000000000026 0802 3222 089903 121d "
              "70726f6d6973652077617320616c726561647920636f6d706c65746564"));
  EXPECT_EQ(
      ToHex(EncodeResultCompletion(1, SharedBytes::Copy("\"slept\"")).view()),
      Payload("801200000000000d 0801 2a09 0a0722736c65707422"));
  EXPECT_EQ(
      ToHex(EncodeResultCompletion(1, Failure{404, "not found", {}}).view()),
      Payload("8012000000000012 0801 320e 089403 1209 6e6f7420666f756e64"));
}

TEST(Golden, Signals) {
  EXPECT_EQ(
      ToHex(EncodeSignal(kCancelSignal, VoidResult{}).view()),
      Payload("fbff000000000004 1001 2200"));
  const std::string id = ToHex(kChild);
  const auto cancel = FramesFromSdk("041000000000002c 0a26 " + id + " 1001 2200");
  EXPECT_EQ(Only<SendSignalCommand>(cancel).target_invocation_id, kChild);
  EXPECT_EQ(Only<SendSignalCommand>(cancel).signal, SignalName(1U));
  EXPECT_EQ(Only<SendSignalCommand>(cancel).result, SignalResult(VoidResult{}));
  const auto named =
      FramesFromSdk("041000000000003a 0a26 " + id + " 1a05 6d79736967 2a09 0a072268656c6c6f22");
  EXPECT_EQ(Only<SendSignalCommand>(named).signal, SignalName("mysig"));
  EXPECT_EQ(Only<SendSignalCommand>(named).result, SignalResult(SharedBytes::Copy("\"hello\"")));
  EXPECT_EQ(
      ToHex(EncodeSignal("mysig", SharedBytes::Copy("\"hello\"")).view()),
      Payload("fbff000000000012 1a056d79736967 2a090a072268656c6c6f22"));
}

TEST(Golden, Error) {
  std::string payload = Hex("08f403 1207 736f7272792121 1adf05");
  payload += std::string(0x2df, 's');
  payload += Hex("2001 2a03626164 309108 40c801");
  const auto frames = FramesFromSdk(ToHex(test::FrameOf(MessageType::kError, payload)));
  const AttemptError& error = Only<AttemptError>(frames);
  EXPECT_EQ(error.code, 500U);
  EXPECT_EQ(error.message, "sorry!!");
  EXPECT_EQ(error.stacktrace, std::string(0x2df, 's'));
  EXPECT_EQ(error.related_command_index, 1U);
  EXPECT_EQ(error.related_command_name, "bad");
  EXPECT_EQ(error.related_command_type, 0x0411);
  EXPECT_EQ(error.next_retry_delay, 200U);
}

}  // namespace
}  // namespace perdure
