// SPDX-License-Identifier: Apache-2.0
//
// What the server says on an open stream, byte for byte and in which order: completions, signals,
// the end of its side (service protocol 3.4 to 3.12, 4.1, 4.2).
#include "tests/integration/raw.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace perdure::integration {
namespace {

class ConversationTest : public VersionTest {
 protected:
  // Sends, and expects all that the server has said behind Start and input until then.
  void Say(ServiceAttempt& attempt, std::string_view hex, std::string_view answer_hex) {
    attempt.SendBytes(Hex(hex));
    heard_ += Hex(answer_hex);
    Expect(attempt);
  }
  void Expect(const ServiceAttempt& attempt) {
    EXPECT_TRUE(SentBehindStart(attempt, RawWorld::InputFrame(attempt) + heard_));
  }
  void Hear(const ServiceAttempt& attempt, std::string_view bytes) {
    heard_ += bytes;
    Expect(attempt);
  }
  void Complete(ServiceAttempt& attempt, const std::string& id) {
    attempt.Complete("done");
    EXPECT_EQ(world_.ResultOf(id), "done");
  }
  std::string heard_;
};

TEST_P(ConversationTest, RunsAreAnsweredWithTheirResultInTheOrderOfTheProposals) {
  const auto attempt = world_.Begin();
  Say(*attempt,
      "0411000000000009 5801 62057374657031 0005000000000009 0801 7205 22723a7a22",
      "801100000000000b 0801 2a07 0a0522723a7a22");
  attempt->SendBytes(Hex("0411000000000002 5802 0411000000000002 5803 0411000000000002 5804"));
  // An empty result, a failure, and one whose ack flag means nothing before version 7.
  Say(*attempt, "0005000000000004 0803 7200", "8011000000000004 0803 2a00");
  Say(*attempt,
      "000500000000000d 0804 7a09 089903 12046e6f7065",
      "801100000000000d 0804 3209 089903 12046e6f7065");
  Say(*attempt,
      "0005800000000005 0802 720178",
      GetParam() >= 7 ? "0007000000000002 0802" : "8011000000000007 0802 2a03 0a0178");
  Complete(*attempt, world_.last_id);
}

TEST_P(ConversationTest, ASecondProposalForARunIsNotAnswered) {
  const auto attempt = world_.Begin();
  Say(*attempt,
      "0411000000000002 5801 0005000000000005 0801 720161",
      "8011000000000007 0801 2a03 0a0161");
  Say(*attempt,
      "0005000000000005 0801 720162 0411000000000002 5802 0005000000000005 0802 720163",
      "8011000000000007 0802 2a03 0a0163");
  attempt->SendBytes(Hex("0002000000000003 08f403"));
  const auto again = world_.Next();
  EXPECT_EQ(again->known_entries(), 5U);
  EXPECT_TRUE(again->frames().at(2).payload == Hex("0801 2a03 0a0161")) << "the first one counts";
  again->Complete("");
}

TEST_P(ConversationTest, ACallTellsTheIdOfTheCalleeAndThenItsResult) {
  const auto caller = world_.Begin();
  const std::string caller_id = world_.last_id;
  caller->SendBytes(Hex(
      "040d000000000025 0a0454657374 120468656c64 1a03227122 2208 0a03782d68 120131 3204696b2d71 "
      "5001 5802"));
  const auto callee = world_.Next();
  const std::string callee_id = callee->id();
  Hear(*caller, Hex("800e00000000002b 0801 820126") + callee_id);
  EXPECT_TRUE(
      SentBehindStart(*callee, Hex("0400000000000011 0a08 0a03782d68 120131 7205 0a03227122")));
  callee->Complete("\"q\"");
  Hear(*caller, Hex("800d000000000009 0802 2a05 0a03227122"));
  Complete(*caller, caller_id);
}

TEST_P(ConversationTest, AFailureOfTheCalleeComesWithCodeAndMessage) {
  const auto caller = world_.Begin();
  const std::string caller_id = world_.last_id;
  caller->SendBytes(Hex("040d000000000010 0a0454657374 120468656c64 5001 5802"));
  const auto callee = world_.Next();
  Hear(*caller, Hex("800e00000000002b 0801 820126") + callee->id());
  callee->SendBytes(Hex("040100000000000b 7a09 089903 12046e6f7065 0003000000000000"));
  Hear(*caller, Hex("800d00000000000d 0802 3209 089903 12046e6f7065"));
  Complete(*caller, caller_id);
}

TEST_P(ConversationTest, OneWayCallsAreAnsweredWithAnIdOnly) {
  const auto attempt = world_.Begin();
  const std::string id = world_.last_id;
  attempt->SendBytes(Hex("040e000000000011 0a0454657374 120468656c64 1a0178 5001"));
  const auto callee = world_.Next();
  EXPECT_TRUE(SentBehindStart(*callee, Hex("0400000000000005 7203 0a0178")));
  Hear(*attempt, Hex("800e00000000002b 0801 820126") + callee->id());
  callee->Complete("unheard");
  EXPECT_EQ(world_.ResultOf(callee->id()), "unheard");
  // Nothing but the answer to this comes next.
  Say(*attempt, "040c000000000004 0801 5802", "800c000000000004 0802 2200");
  Complete(*attempt, id);
}

TEST_P(ConversationTest, StateIsReadAndWrittenAtItsPlaceInTheJournal) {
  const auto attempt = world_.Begin("Obj/run", "Obj/k/run");
  const std::string id = world_.last_id;
  Say(*attempt, "0402000000000007 0a03636e74 5801", "8002000000000004 0801 2200");
  Say(*attempt,
      "040300000000000b 0a03636e74 1a040a023131 0402000000000007 0a03636e74 5802",
      "8002000000000008 0802 2a04 0a023131");
  Say(*attempt, "0406000000000002 5803", "800600000000000a 0803 8a0105 0a03636e74");
  Say(*attempt,
      "0404000000000005 0a03636e74 0402000000000007 0a03636e74 5804",
      "8002000000000004 0804 2200");
  Say(*attempt, "0403000000000007 0a0161 1a020a00 0403000000000005 0a0162 1a00", "");
  Complete(*attempt, id);
}

TEST_P(ConversationTest, PromisesAreGotPeekedAndCompleted) {
  const auto run = world_.Begin("Flow/run", "Flow/w1/run");
  const std::string run_id = world_.last_id;
  Say(*run,
      "0409000000000006 0a027031 5801 040a000000000006 0a027031 5802",
      "800a000000000004 0802 2200");
  const auto other = world_.Begin("Flow/peek", "Flow/w1/peek");
  other->SendBytes(Hex("040b00000000000e 0a027031 1206 0a0422565622 5801"));
  EXPECT_TRUE(
      SentBehindStart(*other, RawWorld::InputFrame(*other) + Hex("800b000000000004 0801 2200")));
  Hear(*run, Hex("800900000000000a 0801 2a060a0422565622"));
  other->SendBytes(Hex("040b00000000000e 0a027031 1206 0a0422565622 5802"));
  EXPECT_TRUE(SentBehindStart(
      *other,
      RawWorld::InputFrame(*other) + Hex("800b000000000004 0801 2200") +
          Hex("800b000000000026 0802 3222 089903 121d "
              "70726f6d6973652077617320616c726561647920636f6d706c65746564")));
  Say(*run, "040a000000000006 0a027031 5803", "800a00000000000a 0803 2a060a0422565622");
  other->Complete("");
  Complete(*run, run_id);
}

TEST_P(ConversationTest, SignalsComeAsTheyHappen) {
  const auto attempt = world_.Begin();
  const std::string id = world_.last_id;
  world_.server.Admin("PATCH", "/invocations/" + id + "/cancel");
  Hear(*attempt, Hex("fbff000000000004 1001 2200"));
  const std::string awakeable = AwakeableId{*InvocationId::Parse(id), 17}.ToString();
  const auto complete = [&](const char* how, std::string_view body) {
    const Reply reply = Fetch(
        world_.server.ingress_port(), "POST", "/restate/awakeables/" + awakeable + "/" + how, body);
    EXPECT_EQ(reply.status, 202) << reply;
  };
  complete("resolve", "\"avail\"");
  Hear(*attempt, Hex("fbff00000000000d 1011 2a09 0a0722617661696c22"));
  complete("resolve", "\"avail\"");
  Hear(*attempt, Hex("fbff00000000000d 1011 2a09 0a0722617661696c22"));
  complete("reject", "nope");
  Hear(*attempt, Hex("fbff00000000000d 1011 3209 08f403 12046e6f7065"));

  const auto sender = world_.Begin();
  sender->SendBytes(
      FrameOf(0x0410, Hex("0a26") + id + Hex("1a05 6d79736967 2a09 0a072268656c6c6f22")) +
      FrameOf(0x0410, Hex("0a26") + id + Hex("1013 2200")));
  sender->Complete("");
  Hear(
      *attempt,
      Hex("fbff000000000012 1a056d79736967 2a090a072268656c6c6f22 fbff000000000004 1013 2200"));
  Complete(*attempt, id);
}

TEST_P(ConversationTest, ResultsOfOthersAreAskedFor) {
  const auto other = world_.Begin();
  const std::string other_id = world_.last_id;
  const auto attempt = world_.Begin();
  const std::string id = world_.last_id;
  attempt->SendBytes(FrameOf(0x0412, Hex("0a26") + other_id + Hex("5801")));
  attempt->SendBytes(FrameOf(0x0413, Hex("0a26") + other_id + Hex("5802")));
  Hear(*attempt, Hex("8013000000000004 0802 2200"));
  const std::string unknown = "inv_19xApxCJnLtx2wzttteQar5X4Ys5A4Rb5h";
  attempt->SendBytes(FrameOf(0x0412, Hex("0a26") + unknown + Hex("5803")));
  Hear(*attempt, Hex("8012000000000012 0803 320e 089403 1209 6e6f7420666f756e64"));
  other->Complete("\"slept\"");
  Hear(*attempt, Hex("801200000000000d 0801 2a09 0a0722736c65707422"));
  Complete(*attempt, id);
}

TEST_P(ConversationTest, TheServersSideEndsAfterTheLastWord) {
  for (const std::string& last_word :
       {Hex("0401000000000004 7202 0a00 0003000000000000"),  // Output, End
        Hex("0002000000000003 08f403"),                      // Error
        Suspension("0a0163")}) {                             // on completion 99
    const auto attempt = world_.Begin();
    EXPECT_FALSE(attempt->input_ended());
    attempt->SendBytes(last_word);
    EXPECT_TRUE(attempt->AwaitInputEnd()) << ToHex(last_word);
    EXPECT_FALSE(attempt->reset_code().has_value()) << ToHex(last_word);
    attempt->Finish();
    EXPECT_TRUE(attempt->AwaitGone()) << ToHex(last_word);
    world_.server.Admin("PATCH", "/invocations/" + world_.last_id + "/kill");
  }
}

TEST_P(ConversationTest, OneByteFramesAreFrames) {
  const auto attempt = world_.Begin();
  const std::string bytes =
      Hex("0411000000000009 5801 62057374657031 0005000000000009 0801 7205 22723a7a22");
  for (const char& byte : bytes) {
    attempt->SendBytes({&byte, 1});
  }
  Hear(*attempt, Hex("801100000000000b 0801 2a07 0a0522723a7a22"));
  Complete(*attempt, world_.last_id);
}

// What is sent into a stream that is open and what is replayed join without gap or duplicate.
TEST_P(ConversationTest, ReplayAndStreamJoin) {
  const auto first = world_.Begin();
  const std::string id = world_.last_id;
  const std::string awakeable = AwakeableId{*InvocationId::Parse(id), 17}.ToString();
  const auto resolve = [&](int number) {
    Fetch(
        world_.server.ingress_port(),
        "POST",
        "/restate/awakeables/" + awakeable + "/resolve",
        std::to_string(number));
  };
  std::string expected = RawWorld::InputFrame(*first);
  for (int i = 0; i < 60; ++i) {
    resolve(100 + i);
    if (i == 20) {
      first->Reset();
    }
    expected += Hex("fbff000000000009 1011 2a05 0a03") + std::to_string(100 + i);
  }
  const auto second = world_.Next();
  for (int i = 60; i < 100; ++i) {
    resolve(100 + i);
    expected += Hex("fbff000000000009 1011 2a05 0a03") + std::to_string(100 + i);
  }
  EXPECT_TRUE(SentBehindStart(*second, expected));
  second->Complete("");
}

INSTANTIATE_TEST_SUITE_P(Of, ConversationTest, testing::ValuesIn(kVersions), VersionName);

}  // namespace
}  // namespace perdure::integration
