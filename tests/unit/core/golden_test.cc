// SPDX-License-Identifier: Apache-2.0
//
// Bytes on disk, pinned: keys of every table, the head of a journal entry, and rows. A test here
// that fails means that folders written before cannot be read; the expected bytes were made without
// the code under test (the value rows with the protobuf compiler).
#include "core/keys.h"
#include "core/row_codec.h"
#include "tests/unit/core/wait_text.h"

#include <gtest/gtest.h>

#include <string>

namespace perdure {
namespace {

std::string Hex(BytesView bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out.push_back(kDigits[byte >> 4]);
    out.push_back(kDigits[byte & 15]);
  }
  return out;
}

std::string Unhex(std::string_view hex) {
  std::string out;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    out.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return out;
}

constexpr std::string_view kIdHex = "548ae3cba54055b374dd275f31a51bdcda682792704beb6d";
constexpr std::string_view kCallerHex = "69fde4df6e12235cad2da2db4a4a93d5073471fedb2acd65";

std::string Id() {
  return std::string(kIdHex);
}
InvocationId TestId() {
  return *InvocationId::FromBytes(Unhex(kIdHex));
}
InvocationId CallerId() {
  return *InvocationId::FromBytes(Unhex(kCallerHex));
}

const PartitionId kSeven{7};
const PartitionId kThree{3};
const Birth kBirth{0x0102};

TEST(GoldenKeys, OfThePartition) {
  EXPECT_EQ(Hex(keys::Partition(kSeven)), "010007");
  EXPECT_EQ(Hex(keys::Dedup(kSeven, kThree)), "0200070003");
  EXPECT_EQ(Hex(keys::DedupPrefix(kSeven)), "020007");
  EXPECT_EQ(keys::ParseDedup(keys::Dedup(kSeven, kThree)), kThree);
}

TEST(GoldenKeys, OfAnInvocation) {
  const std::string id = Id();
  EXPECT_EQ(Hex(keys::Status(TestId())), "10" + id);
  EXPECT_EQ(
      Hex(keys::JournalEntry(TestId(), kBirth, 3)), "20" + id + "0000000000000102" + "00000003");
  EXPECT_EQ(Hex(keys::Result(TestId(), kBirth)), "21" + id + "0000000000000102");
  EXPECT_EQ(Hex(keys::Event(TestId(), kBirth, 3)), "22" + id + "0000000000000102" + "00000003");
  EXPECT_EQ(
      Hex(keys::Completion(TestId(), kBirth, 1)),
      "50" + id + "0000000000000102" + "01" + "00000001");
  EXPECT_EQ(
      Hex(keys::Signal(TestId(), kBirth, SignalName{17U})),
      "50" + id + "0000000000000102" + "02" + "00000011");
  EXPECT_EQ(
      Hex(keys::Signal(TestId(), kBirth, SignalName{std::string("go")})),
      "50" + id + "0000000000000102" + "03" + "676f");
  EXPECT_EQ(
      Hex(keys::Listener(TestId(), kBirth, CallerId(), 2)),
      "52" + id + "0000000000000102" + std::string(kCallerHex) + "00000002");
}

TEST(GoldenKeys, OfAPromise) {
  const std::string workflow = "548ae3cba54055b34f626a00016b310001";
  const std::string promise = keys::Promise("Obj", "k1", "p");
  EXPECT_EQ(Hex(promise), "31" + workflow + "70");
  const std::string waiting = keys::PromiseListener("Obj", "k1", "p", CallerId(), 2);
  EXPECT_EQ(Hex(waiting), "53" + workflow + "700001" + std::string(kCallerHex) + "00000002");
  EXPECT_EQ(keys::ParsePromiseListener(waiting).id, CallerId());
  EXPECT_EQ(keys::ParsePromiseListener(waiting).completion_id, 2U);
  // Zero bytes in all three texts.
  const std::string zeros("a\0b", 3);
  EXPECT_EQ(
      keys::PromiseListenersOf(keys::Promise(zeros, zeros, zeros)),
      keys::PromiseListenerPrefix(zeros, zeros, zeros));
}

TEST(GoldenKeys, OfAnObject) {
  // XXH3-64 of "k1" and 0xff (service protocol 5.2).
  const std::string hash = "548ae3cba54055b3";
  const std::string object = hash + "4f626a0001" + "6b310001";
  EXPECT_EQ(Hex(keys::State("Obj", "k1", "n")), "30" + object + "6e");
  EXPECT_EQ(Hex(keys::State("Obj", "k1", "")), "30" + object);
  EXPECT_EQ(Hex(keys::FreshStatePrefix("Obj", "k1", 8)), "32" + object + "0000000000000008");
  EXPECT_EQ(Hex(keys::Inbox("Obj", "k1", 5)), "41" + object + "0000000000000005");
  EXPECT_EQ(Hex(keys::Lock("Obj", "k1")), "51" + object);
  EXPECT_EQ(keys::ParseInboxSequence(keys::Inbox("Obj", "k1", 5)), 5U);
}

TEST(GoldenKeys, EscapeZeroBytes) {
  const std::string service("a\0b", 3);
  EXPECT_EQ(
      Hex(keys::Lock(service, "k1")),
      "51548ae3cba54055b3"
      "6100ff620001"
      "6b310001");
  // The empty key is a key.
  EXPECT_EQ(
      Hex(keys::Lock("Obj", "")),
      "51d6bcec3c6b29d72e"
      "4f626a0001"
      "0001");
}

TEST(GoldenKeys, KeepObjectsApart) {
  // No object's prefix is the beginning of another's.
  const std::string a = keys::StatePrefix("Obj", "k1");
  EXPECT_NE(keys::StatePrefix("Ob", "jk1").compare(0, a.size(), a), 0);
  EXPECT_LT(keys::State("Obj", "k1", "\xff\xff"), keys::PrefixEnd(a));
  EXPECT_GE(keys::State("Obj", "k1", ""), a);
}

TEST(GoldenKeys, OfQueues) {
  const std::string id = Id();
  EXPECT_EQ(
      Hex(keys::Ready(kSeven, 0x2a, TestId())),
      "400007"
      "000000000000002a" +
          id);
  EXPECT_EQ(
      Hex(keys::Timer(kSeven, {0x0193, TestId(), TimerKind::kRetry, 9})),
      "420007"
      "0000000000000193" +
          id + "03" + "00000009");
  EXPECT_EQ(
      Hex(keys::Expiry(kSeven, {0x0193, TestId(), kBirth, ExpiryKind::kJournal})),
      "430007"
      "0000000000000193" +
          id + "0000000000000102" + "02");
  EXPECT_EQ(
      Hex(keys::Outbox(kSeven, kThree, 6)),
      "440007"
      "0003"
      "0000000000000006");
  EXPECT_EQ(
      Hex(keys::Work(kSeven, 8)),
      "450007"
      "0000000000000008");
  EXPECT_EQ(keys::ParseWorkSequence(keys::Work(kSeven, 8)), 8U);
}

TEST(GoldenKeys, ParseWhatTheyBuilt) {
  EXPECT_EQ(keys::ParseStatus(keys::Status(TestId())), TestId());
  EXPECT_EQ(keys::ParseStatus("x"), std::nullopt);
  const keys::ReadyRef ready = keys::ParseReady(keys::Ready(kSeven, 42, TestId()));
  EXPECT_EQ(ready.order, 42U);
  EXPECT_EQ(ready.id, TestId());
  const keys::TimerRef timer =
      keys::ParseTimer(keys::Timer(kSeven, {99, TestId(), TimerKind::kSleep, 9}));
  EXPECT_EQ(timer.due, 99U);
  EXPECT_EQ(timer.id, TestId());
  EXPECT_EQ(timer.kind, TimerKind::kSleep);
  EXPECT_EQ(timer.completion_id, 9U);
  const keys::ExpiryRef expiry =
      keys::ParseExpiry(keys::Expiry(kSeven, {99, TestId(), kBirth, ExpiryKind::kInvocation}));
  EXPECT_EQ(expiry.due, 99U);
  EXPECT_EQ(expiry.birth, kBirth);
  EXPECT_EQ(expiry.kind, ExpiryKind::kInvocation);
  const keys::OutboxRef outbox = keys::ParseOutbox(keys::Outbox(kSeven, kThree, 6));
  EXPECT_EQ(outbox.to, kThree);
  EXPECT_EQ(outbox.sequence, 6U);
}

TEST(GoldenKeys, EndOfAPrefix) {
  EXPECT_EQ(Hex(keys::PrefixEnd(Unhex("400007"))), "400008");
  EXPECT_EQ(Hex(keys::PrefixEnd(Unhex("40ffff"))), "41");
  EXPECT_EQ(Hex(keys::TableBegin(Table::kStatus)), "10");
  EXPECT_EQ(Hex(keys::TableEnd(Table::kStatus)), "11");
}

TEST(GoldenKeys, FixedWidthValues) {
  EXPECT_EQ(Hex(keys::U64(0x0102)), "0000000000000102");
  EXPECT_EQ(Hex(keys::U32(0x0102)), "00000102");
  EXPECT_EQ(keys::ParseU64(keys::U64(77)), 77U);
  EXPECT_EQ(keys::ParseU64("short"), std::nullopt);
  EXPECT_EQ(keys::ParseU32(keys::U32(77)), 77U);
  EXPECT_EQ(keys::ParseU32("long text"), std::nullopt);
  EXPECT_EQ(Hex(keys::IdAndBirth(TestId(), kBirth)), Id() + "0000000000000102");
  EXPECT_EQ(keys::ParseIdAndBirth(keys::IdAndBirth(TestId(), kBirth)).birth, kBirth);
}

TEST(GoldenKeys, ValueOfALock) {
  const std::string value = Unhex(Id() + "0000000000000102" + "000000000000002a");
  const keys::LockHolder holder = keys::ParseLock(value);
  EXPECT_EQ(holder.id, TestId());
  EXPECT_EQ(holder.birth, kBirth);
  EXPECT_EQ(holder.sequence, 42U);
  EXPECT_DEATH(keys::ParseLock(Unhex(Id())), "too short");
}

TEST(GoldenEnums, AreNotRenumbered) {
  EXPECT_EQ(static_cast<int>(Table::kPartition), 0x01);
  EXPECT_EQ(static_cast<int>(Table::kDedup), 0x02);
  EXPECT_EQ(static_cast<int>(Table::kStatus), 0x10);
  EXPECT_EQ(static_cast<int>(Table::kJournal), 0x20);
  EXPECT_EQ(static_cast<int>(Table::kResult), 0x21);
  EXPECT_EQ(static_cast<int>(Table::kState), 0x30);
  EXPECT_EQ(static_cast<int>(Table::kFreshState), 0x32);
  EXPECT_EQ(static_cast<int>(Table::kReady), 0x40);
  EXPECT_EQ(static_cast<int>(Table::kInbox), 0x41);
  EXPECT_EQ(static_cast<int>(Table::kTimer), 0x42);
  EXPECT_EQ(static_cast<int>(Table::kExpiry), 0x43);
  EXPECT_EQ(static_cast<int>(Table::kOutbox), 0x44);
  EXPECT_EQ(static_cast<int>(Table::kWork), 0x45);
  EXPECT_EQ(static_cast<int>(Table::kNotification), 0x50);
  EXPECT_EQ(static_cast<int>(Table::kLock), 0x51);
  EXPECT_EQ(static_cast<int>(Table::kListener), 0x52);
  EXPECT_EQ(static_cast<int>(Table::kPromise), 0x31);
  EXPECT_EQ(static_cast<int>(Table::kPromiseListener), 0x53);
  EXPECT_EQ(static_cast<int>(CallerWish::kCallResult), 0);
  EXPECT_EQ(static_cast<int>(CallerWish::kAttachResult), 1);
  EXPECT_EQ(static_cast<int>(CallerWish::kOutput), 2);
  EXPECT_EQ(static_cast<int>(WorkRow::Kind::kTellPromise), 5);
  EXPECT_EQ(static_cast<int>(WorkRow::Kind::kForget), 6);
  EXPECT_EQ(static_cast<int>(TimerKind::kSleep), 1);
  EXPECT_EQ(static_cast<int>(TimerKind::kScheduledStart), 2);
  EXPECT_EQ(static_cast<int>(TimerKind::kRetry), 3);
  EXPECT_EQ(static_cast<int>(ExpiryKind::kInvocation), 1);
  EXPECT_EQ(static_cast<int>(ExpiryKind::kJournal), 2);
  EXPECT_EQ(static_cast<int>(InvocationState::kScheduled), 1);
  EXPECT_EQ(static_cast<int>(InvocationState::kInboxed), 2);
  EXPECT_EQ(static_cast<int>(InvocationState::kInvoked), 3);
  EXPECT_EQ(static_cast<int>(InvocationState::kSuspended), 4);
  EXPECT_EQ(static_cast<int>(InvocationState::kPaused), 5);
  EXPECT_EQ(static_cast<int>(InvocationState::kCompleted), 6);
  EXPECT_EQ(static_cast<int>(WorkRow::Kind::kKillChildren), 1);
  EXPECT_EQ(static_cast<int>(WorkRow::Kind::kNotifyListeners), 2);
  EXPECT_EQ(static_cast<int>(WorkRow::Kind::kPurge), 3);
  EXPECT_EQ(static_cast<int>(WorkRow::Kind::kClearState), 4);
  EXPECT_EQ(static_cast<int>(ServiceType::kService), 1);
  EXPECT_EQ(static_cast<int>(ServiceType::kVirtualObject), 2);
  EXPECT_EQ(static_cast<int>(ServiceType::kWorkflow), 3);
  EXPECT_EQ(static_cast<int>(HandlerType::kUnkeyed), 0);
  EXPECT_EQ(static_cast<int>(HandlerType::kExclusive), 1);
  EXPECT_EQ(static_cast<int>(HandlerType::kShared), 2);
  EXPECT_EQ(static_cast<int>(HandlerType::kWorkflow), 3);
  EXPECT_EQ(static_cast<int>(Family::kMeta), 0);
  EXPECT_EQ(static_cast<int>(Family::kStatus), 1);
  EXPECT_EQ(static_cast<int>(Family::kJournal), 2);
  EXPECT_EQ(static_cast<int>(Family::kState), 3);
  EXPECT_EQ(static_cast<int>(Family::kQueue), 4);
  EXPECT_EQ(static_cast<int>(Family::kIndex), 5);
}

TEST(GoldenRows, JournalEntry) {
  const std::string head = EncodeEntryHead(MessageType::kCallCommand, 0x0193'0000'0001);
  EXPECT_EQ(
      Hex(head),
      "01"
      "040d"
      "0000019300000001");
  EXPECT_EQ(head.size(), kEntryHeadBytes);
  const JournalEntry entry = DecodeEntry(4, head + "payload");
  EXPECT_EQ(entry.index, 4U);
  EXPECT_EQ(entry.type, MessageType::kCallCommand);
  EXPECT_EQ(entry.appended_at, 0x0193'0000'0001U);
  EXPECT_EQ(entry.payload.view(), "payload");
}

TEST(GoldenRows, JournalEntryOfAnUnknownVersionIsRefused) {
  EXPECT_DEATH(DecodeEntry(0, std::string("\x02") + std::string(20, 'x')), "no known head");
  EXPECT_DEATH(DecodeEntry(0, "\x01short"), "no known head");
}

InvocationStatus FullStatus() {
  InvocationStatus status;
  status.birth = Birth{258};
  status.state = InvocationState::kCompleted;
  status.target = {"Obj", "k1", "add", ServiceType::kVirtualObject, HandlerType::kExclusive};
  status.idempotency_key = "ik";
  status.caller = CallerRef{
      CallerId(), Birth{5}, {"Svc", "", "run", ServiceType::kService, HandlerType::kUnkeyed}, 2};
  status.retention = {1000, 500};
  status.random_seed = 0x0102030405060708;
  status.created_at = 1001;
  status.modified_at = 1002;
  status.inboxed_at = 1003;
  status.scheduled_start_at = 1004;
  status.running_at = 1005;
  status.completed_at = 1006;
  status.journal_length = 9;
  status.command_count = 4;
  status.last_entry_at = 1007;
  status.ready_order = 11;
  status.inbox_sequence = 12;
  DeploymentId deployment;
  Unhex("01a20b4606bbb449ce0a841d2784ea85")
      .copy(reinterpret_cast<char*>(deployment.ulid.data()), 16);
  status.pinned_deployment = deployment;
  status.pinned_protocol_version = 6;
  status.failed_attempts = 3;
  status.retry_count_since_last_entry = 2;
  status.next_retry_at = 1008;
  status.last_failure =
      LastFailure{{500, "boom", "at", 1U, "step", uint16_t{1041}, {}}, "RT0007", 1009};
  status.attempts_started = 5;
  status.last_start_at = 1010;
  status.wait_set = WaitSet::AnyOf({1, 2}, {1}, {"go"});
  status.output_index = 8;
  status.failure = Failure{409, "killed", {{"a", "b"}}};
  status.stored_result = true;
  status.has_listeners = true;
  status.stacktrace = "trace";
  return status;
}

// A server that does not know trees finds everything in the lists before them.
TEST(GoldenRows, WaitSetWithATree) {
  InvocationStatus status = FullStatus();
  status.wait_set = test::Waits("first(c1 s1 all(c2 \"x\" any(c3)))");
  const std::string bytes = EncodeStatus(status);
  EXPECT_NE(
      Hex(bytes).find("e201260a030102031201011a017822080a010112010120012208"
                      "0a01021a0178200422050a01032801"),
      std::string::npos)
      << Hex(bytes);
  EXPECT_EQ(DecodeStatus(bytes).wait_set, status.wait_set);
}

TEST(GoldenRows, Status) {
  const std::string expected =
      "08820210061a120a034f626a12026b311a03616464200228012202696b2a2c0a1869fde4df6e12235cad2da2db4a"
      "4a93d5073471fedb2acd6510051a0c0a035376631a0372756e2001200230e80738f40341080706050403020148e9"
      "0750ea0758eb0760ec0768ed0770ee0778098001048801ef0790010b98010ca2011001a20b4606bbb449ce0a841d"
      "2784ea85a80106b00103b80102c001f007ca012308f4031204626f6f6d1a02617420012a04737465703091083a06"
      "52543030303740f107d00105d801f207e2010b0a0201021201011a02676fe80108f2011308990312066b696c6c65"
      "641a060a0161120162f801018202057472616365880201";
  EXPECT_EQ(Hex(EncodeStatus(FullStatus())), expected);
  EXPECT_EQ(Hex(EncodeStatus(DecodeStatus(Unhex(expected)))), expected);
}

TEST(GoldenRows, StatusOfAFreshCall) {
  InvocationStatus status;
  status.birth = Birth{1};
  status.target = {"Svc", "", "run", ServiceType::kService, HandlerType::kUnkeyed};
  status.retention = {1000, 1000};
  status.random_seed = 7;
  status.created_at = 5;
  status.modified_at = 5;
  status.journal_length = 1;
  status.command_count = 1;
  status.last_entry_at = 5;
  status.ready_order = 1;
  EXPECT_EQ(
      Hex(EncodeStatus(status)),
      "080110031a0c0a035376631a0372756e200130e80738e8074107000000000000004805500578018001018801059"
      "00101");
}

TEST(GoldenRows, StatusOfANewerVersionIsRead) {
  // An unknown field (number 99, varint 1) is skipped.
  std::string bytes = EncodeStatus(FullStatus());
  bytes += Unhex("980601");
  EXPECT_EQ(DecodeStatus(bytes).stacktrace, "trace");
}

TEST(GoldenRows, Partition) {
  PartitionRow row;
  row.position = 300;
  row.outbox_sent[3] = 9;
  row.work_sequence = 17;
  const std::string expected = "08ac021204080310091811";
  EXPECT_EQ(Hex(EncodePartition(row)), expected);
  EXPECT_EQ(Hex(EncodePartition(DecodePartition(Unhex(expected)))), expected);
}

void ExpectOutbox(const PeerPayload& payload, const std::string& expected) {
  EXPECT_EQ(Hex(EncodeOutbox(payload)), expected);
  EXPECT_EQ(Hex(EncodeOutbox(DecodeOutbox(Unhex(expected)))), expected);
}

TEST(GoldenRows, Outbox) {
  const std::string id = Id();
  InvocationSpec spec;
  spec.id = TestId();
  spec.target = {"Obj", "k1", "add", ServiceType::kVirtualObject, HandlerType::kExclusive};
  spec.idempotency_key = "ik";
  spec.retention = {1000, 500};
  spec.headers = {{"h", "v"}};
  spec.body = SharedBytes(std::string("in"));
  spec.start_at = 77;
  spec.caller = CallerRef{
      TestId(), Birth{5}, {"Svc", "", "run", ServiceType::kService, HandlerType::kUnkeyed}, 2};
  spec.random_seed = 7;
  ExpectOutbox(
      PeerInvoke{spec},
      "0a7d0a18" + id +
          "12120a034f626a12026b311a03616464200228011a02696b20e80728f403"
          "32060a01681201763a02696e404d4a2c0a18" +
          id + "10051a0c0a035376631a0372756e20012002510700000000000000");
  ExpectOutbox(
      PeerCallResult{TestId(), Birth{5}, 2, SharedBytes(std::string("hi"))},
      "12220a18" + id + "1005180222026869");
  ExpectOutbox(
      PeerCallResult{TestId(), Birth{5}, 2, Failure{409, "killed", {}}},
      "122b0a18" + id + "100518022a0b08990312066b696c6c6564");
  ExpectOutbox(
      PeerSignal{TestId(), SignalName{kCancelSignal}, VoidResult{}}, "1a1e0a18" + id + "10012200");
  ExpectOutbox(
      PeerSignal{TestId(), SignalName{std::string("go")}, SharedBytes(std::string("x"))},
      "1a210a18" + id + "1a02676f2a0178");
  ExpectOutbox(PeerKill{TestId()}, "221a0a18" + id);
  ExpectOutbox(
      PeerCallResult{TestId(), Birth{5}, 2, VoidResult{}, CallerWish::kOutput},
      "12220a18" + id + "1005180230023a00");
  ExpectOutbox(
      PeerAttach{
          TestId(),
          CallerRef{
              TestId(),
              Birth{5},
              {"Svc", "", "run", ServiceType::kService, HandlerType::kUnkeyed},
              2,
              CallerWish::kAttachResult}},
      "2a4a0a18" + id + "122e0a18" + id + "10051a0c0a035376631a0372756e200120022801");
}

TEST(GoldenRows, Work) {
  const std::string id = Id();
  EXPECT_EQ(
      Hex(EncodeWork({WorkRow::Kind::kKillChildren, TestId(), Birth{5}, 256, {}})),
      "08011218" + id + "1805208002");
  EXPECT_EQ(
      Hex(EncodeWork(
          {WorkRow::Kind::kNotifyListeners,
           TestId(),
           Birth{5},
           0,
           SharedBytes(std::string("hi"))})),
      "08021218" + id + "18052a026869");
  EXPECT_EQ(
      Hex(EncodeWork({WorkRow::Kind::kPurge, TestId(), Birth{5}, 900, {}})),
      "08031218" + id + "1805208407");
  const WorkRow read = DecodeWork(Unhex("08031218" + id + "1805208407"));
  EXPECT_EQ(read.kind, WorkRow::Kind::kPurge);
  EXPECT_EQ(read.id, TestId());
  EXPECT_EQ(read.birth, Birth{5});
  EXPECT_EQ(read.next_index, 900U);

  const std::string clear = "08043a034f626a42026b314a016e";
  const WorkRow clearing = DecodeWork(Unhex(clear));
  EXPECT_EQ(clearing.kind, WorkRow::Kind::kClearState);
  EXPECT_EQ(clearing.service, "Obj");
  EXPECT_EQ(clearing.object_key, "k1");
  EXPECT_EQ(clearing.cursor, "n");
  EXPECT_EQ(Hex(EncodeWork(clearing)), clear);
}

TEST(GoldenRows, Promise) {
  for (const std::string hex : {"0a026869", "0a00", "120708990312026e6f"}) {
    EXPECT_EQ(Hex(EncodePromise(DecodePromise(Unhex(hex)))), hex);
  }
  WorkRow work;
  work.kind = WorkRow::Kind::kTellPromise;
  work.service = "Obj";
  work.object_key = "k1";
  work.promise = "p";
  EXPECT_EQ(Hex(EncodeWork(work)), "08053a034f626a42026b31520170");
  EXPECT_EQ(DecodeWork(Unhex("08053a034f626a42026b31520170")).promise, "p");
}

TEST(GoldenRows, Caller) {
  const CallerRef caller{
      TestId(), Birth{5}, {"Svc", "", "run", ServiceType::kService, HandlerType::kUnkeyed}, 2};
  const std::string expected = "0a18" + Id() + "10051a0c0a035376631a0372756e20012002";
  EXPECT_EQ(Hex(EncodeCaller(caller)), expected);
  EXPECT_EQ(DecodeCaller(Unhex(expected)).target, caller.target);
}

TEST(GoldenRows, ThatDoNotDecodeEndTheProcess) {
  EXPECT_DEATH(DecodeStatus("\xff\xff"), "does not decode");
  EXPECT_DEATH(DecodeOutbox(""), "no payload");
}

}  // namespace
}  // namespace perdure
