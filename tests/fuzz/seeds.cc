// SPDX-License-Identifier: Apache-2.0
//
// Where the fuzzer begins: the captured frames of service protocol 9 and what once went wrong.
#include "tests/fuzz/target.h"
#include "tests/unit/protocol/helpers.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace perdure::fuzz {
namespace {

using test::Hex;

constexpr std::string_view kGolden[] = {
    "0003000000000000",
    "0411000000000009 5801 62057374657031",
    "0005000000000009 0801 7205 22723a7a22",
    "0005800000000009 0801 720522723a7a22",
    "0005000000000004 0801 7200",
    "000500000000000d 0804 7a09 089903 12046e6f7065",
    "000600000000000a 0a08 0a0101 120101 2801",
    "000600000000000f 0a0d 120101 2206 0a020102 2804 2801",
    "0401000000000009 7207 0a0522723a7a22",
    "0401000000000013 7a11 089903 12046e6f7065 1a06 0a0161 120162",
    ("040d000000000026 0a054831537663 12046563686f 1a03227122 2208 0a03782d68 120131 3204696b2d71 "
     "5001 5802"),
    "040e00000000001b 0a054831537663 12046563686f 1a03227122 20b7d7bfdaa034 5001",
    "040c00000000000e 088ff3c0daa034 5801 62036e6170",
    "0001000000000006 0a0101 120101",
    "0001000000000004 1202 1101",
    "000100000000000a 2208 0a0101 120101 2801",
    "000100000000000f 220d 120101 2206 0a020102 2804 2801",
    "000100000000001e 221c 120101 220d 0a0102 1a0178 2203 0a0103 2802 2206 0a020405 2804 2801",
    "0001000000000004 2202 2200",
    "0004000000000002 0801",
    "0007000000000002 0801",
    "0411800000000002 5801",
    "0002000000000005 08f403 4801",
    "0002000000000008 08dd03 40c801 4802",
    "0001000000000007 1a05 6d79736967",
    "040700000000000a 0a03636e74 72030a0135",
    "0407000000000007 0a03636e74 6a00",
    "040300000000000b 0a03636e74 1a040a023131",
    "0404000000000006 0a046e6f7065",
    "0405000000000000",
    "0408000000000007 72050a03636e74",
    "0402000000000007 0a03636e74 5801",
    "0406000000000002 5802",
    "0409000000000006 0a027031 5801",
    "040a000000000006 0a027031 5801",
    "040b00000000000e 0a027031 1206 0a0422565622 5802",
    "041000000000000e 0a0378797a 1a05 6d79736967 2200",
    "0412000000000007 0a0378797a 5801",
    "0413000000000012 1a0e 0a0153 120161 1a0168 22016b 2a00 5801",
    "0414000000000008 0a0378797a 1a0108",
    "0002000000000016 08f403 12046f6f7073 2001 2a03626164 309108 40c801",
    "fc00000000000003 ff00ff",
    "800c000000000004 0801 2200",
    ("800e00000000002b 0801 820126 "
     "696e765f313978417078434a6e4c747832777a74747465516172355834597335413452623568"),
    "800600000000000a 0802 8a0105 0a03636e74",
    ("800b000000000026 0802 3222 089903 121d "
     "70726f6d6973652077617320616c726561647920636f6d706c65746564"),
    "fbff000000000012 1a056d79736967 2a090a072268656c6c6f22",
    "0411000000001000",  // one byte too long for the attempt of this test
};

constexpr std::string_view kManifests[] = {
    R"({"minProtocolVersion":5,"maxProtocolVersion":7,"services":[{"name":"H1Obj",)"
    R"("ty":"VIRTUAL_OBJECT","handlers":[{"name":"add","ty":"EXCLUSIVE","input":{"required":)"
    R"(false,"contentType":"application/json"},"output":{"setContentTypeIfEmpty":false,)"
    R"("contentType":"application/json"}}]}],"protocolMode":"BIDI_STREAM"})",
    R"({"protocolMode":"REQUEST_RESPONSE","minProtocolVersion":5,"maxProtocolVersion":5,)"
    R"("lambdaCompression":"zstd","services":[{"name":"W","ty":"WORKFLOW","documentation":"d",)"
    R"("metadata":{"a":"b"},"inactivityTimeout":1,"abortTimeout":2,"journalRetention":3,)"
    R"("idempotencyRetention":4,"enableLazyState":true,"ingressPrivate":true,)"
    R"("retryPolicyInitialInterval":1,"retryPolicyMaxInterval":2,"retryPolicyMaxAttempts":0,)"
    R"("retryPolicyExponentiationFactor":1.5,"retryPolicyOnMaxAttempts":"KILL","handlers":[)"
    R"({"name":"run","ty":"WORKFLOW","workflowCompletionRetention":5,"input":{"required":true,)"
    R"("contentType":"*/*","jsonSchema":{"type":"object","properties":{"x":{"$ref":"#/$defs/y"}},)"
    R"("$defs":{"y":{"type":["string","null"],"pattern":"^a+"}}}}},{"name":"s","ty":"SHARED"}]}]})",
    R"({"protocolMode":null,"services":[]})",
    R"([1e999,"\ud800",{}])",
};

std::vector<std::string> FrameSeeds() {
  std::string all;
  std::vector<std::string> seeds;
  for (const std::string& frame : GoldenFrames()) {
    seeds.push_back(std::string("\x10\0\0", 3) + frame);
    all += frame;
  }
  seeds.push_back(std::string("\x00\x10\x02", 3) + all);
  seeds.push_back(std::string("\xff\xff\x0c", 3) + all);
  return seeds;
}

std::vector<std::string> MessageSeeds() {
  std::vector<std::string> seeds;
  for (const std::string& frame : GoldenFrames()) {
    for (const char version : {'\0', '\1', '\2'}) {
      seeds.push_back(frame.substr(0, 2) + version + frame.substr(8));
    }
  }
  return seeds;
}

std::vector<std::string> ManifestSeeds() {
  std::vector<std::string> seeds;
  for (const std::string_view manifest : kManifests) {
    seeds.push_back('\3' + std::string(manifest));
  }
  // Nested deeper than any stack.
  const size_t depth = 50'000;
  seeds.push_back('\3' + std::string(depth, '['));
  seeds.push_back('\3' + std::string(depth, '[') + std::string(depth, ']'));
  std::string schema;
  for (size_t i = 0; i < depth; ++i) {
    schema += R"({"not":)";
  }
  schema += "{}" + std::string(depth, '}');
  seeds.push_back(
      '\3' +
      std::string(
          R"({"protocolMode":"BIDI_STREAM","minProtocolVersion":5,"maxProtocolVersion":6,)") +
      R"("services":[{"name":"S","ty":"SERVICE","handlers":[{"name":"h","input":{"jsonSchema":)" +
      schema + "}}]}]}");
  return seeds;
}

// Steps are named by their number in attempt_target.cc.
std::vector<std::string> AttemptSeeds() {
  const std::string quick = Hex("01 00 10 10");
  std::vector<std::string> seeds{
      quick + Hex("00 0401 0402 0903 0b 0408 0400 09"),             // run, proposal, output, end
      quick + Hex("00 0401 0402 0903 040d 09 06"),                  // suspension
      quick + Hex("00 0401 0420 09"),                               // error
      quick + Hex("00 08ff 040d 09"),                               // inactivity
      quick + Hex("00 08ff 08ff"),                                  // abort
      quick + Hex("01 86 00"),                                      // 502
      quick + Hex("00 06"),                                         // end without a last word
      quick + Hex("00 02 05 04110000 07 04"),                       // cut, lost
      quick + Hex("0a05 0a06 0b 0a07 0b 0b 00 0a20 0a40 0901 0b"),  // signals
      Hex("01 07 10 10 00 0a05 0902 0b 0903 0b 0d40 0a05 0901 0b 0d00 0901 0b 0408 0400"),
      Hex("02 0f 00 10 0402 00 0406 0408 0400 09"),   // no inactivity, version 7
      quick + Hex("00 0401 0c01 0402 0908 0b 040d"),  // asked to suspend
      quick + Hex("00 0401 0c00"),                    // reset
      quick + Hex("00 0427")};                        // too long
  std::string everything = quick + Hex("00");
  for (size_t i = 1; i < GoldenFrames().size(); ++i) {
    everything += Hex("04") + static_cast<char>(i) + Hex("0901 0b");
  }
  seeds.push_back(everything);
  return seeds;
}

}  // namespace

const std::vector<std::string>& GoldenFrames() {
  static const std::vector<std::string> kFrames = [] {
    std::vector<std::string> out;
    for (const std::string_view hex : kGolden) {
      out.push_back(Hex(hex));
    }
    return out;
  }();
  return kFrames;
}

std::vector<Target> Targets() {
  return {
      {"frames", &FuzzFrames, FrameSeeds()},
      {"messages", &FuzzMessages, MessageSeeds()},
      {"manifest", &FuzzManifest, ManifestSeeds()},
      {"attempt", &FuzzAttempt, AttemptSeeds()}};
}

}  // namespace perdure::fuzz
