// SPDX-License-Identifier: Apache-2.0
//
// The table of combinators (service protocol 3.12): what resumes, and what is left of a tree when
// something has come that does not.
#include "core/wait_tree.h"

#include "tests/unit/core/wait_text.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <ostream>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace perdure::test {
namespace {

// "c1" for a success, "!c1" for a failure, separated by spaces.
std::map<std::string, Arrival> Came(std::string_view text) {
  std::map<std::string, Arrival> came;
  std::string word;
  for (const char c : std::string(text) + " ") {
    if (c != ' ') {
      word += c;
    } else if (!word.empty()) {
      const bool failure = word[0] == '!';
      came[word.substr(failure ? 1 : 0)] = failure ? Arrival::kFailure : Arrival::kSuccess;
      word.clear();
    }
  }
  return came;
}

std::string NameOf(const NotificationId& id) {
  if (const auto* completion = std::get_if<CompletionKey>(&id)) {
    return "c" + std::to_string(completion->id);
  }
  const auto& signal = std::get<SignalName>(id);
  const auto* index = std::get_if<uint32_t>(&signal);
  return index != nullptr ? "s" + std::to_string(*index)
                          : "\"" + std::get<std::string>(signal) + "\"";
}

// "resumed", or what is left to wait for.
std::string SettleText(WaitSet waits, const std::map<std::string, Arrival>& came) {
  const auto find = [&came](const NotificationId& id, bool) {
    const auto found = came.find(NameOf(id));
    return found == came.end() ? Arrival::kNone : found->second;
  };
  return Settle(waits, find) ? "resumed" : TextOf(waits);
}

struct Case {
  const char* waits;
  const char* came;
  const char* expected;
  friend std::ostream& operator<<(std::ostream& out, const Case& row) {
    return out << row.waits << " with " << row.came;
  }
};

class WaitTree : public testing::TestWithParam<Case> {};

TEST_P(WaitTree, GoesOnOrNamesWhatIsLeft) {
  EXPECT_EQ(SettleText(Waits(GetParam().waits), Came(GetParam().came)), GetParam().expected);
}

const Case kRoots[] = {
    {"any(c1 c2)", "", "any(c1 c2)"},
    {"any(c1 c2)", "c2", "resumed"},
    {"any(c1 c2)", "!c2", "resumed"},
    {"any(s1 \"go\")", "\"go\"", "resumed"},
    {"first(c1 s17)", "c3", "first(c1 s17)"},
    {"first(c1 s17)", "!s17", "resumed"},
    {"settled(c1 c2 s17 \"go\")", "!c1 \"go\"", "settled(c2 s17)"},
    {"settled(c1 c2)", "c1 !c2", "resumed"},
    {"some(c1 c2)", "!c1", "some(c2)"},
    {"some(c1 c2)", "c1", "resumed"},
    {"some(c1 c2)", "!c1 !c2", "resumed"},
    {"all(c1 c2)", "c1", "all(c2)"},
    {"all(c1 c2)", "!c1", "resumed"},
    {"all(c1 c2)", "c1 c2", "resumed"},
};
INSTANTIATE_TEST_SUITE_P(Roots, WaitTree, testing::ValuesIn(kRoots));

const Case kNested[] = {
    // What SDKs send: cancellation, or what the handler awaits.
    {"first(s1 settled(c1 c2))", "c1", "first(s1 settled(c2))"},
    {"first(s1 settled(c1 c2))", "s1", "resumed"},
    {"first(s1 settled(c1 c2))", "c1 c2", "resumed"},
    // A node that is done goes with all that is below it.
    {"settled(c9 first(c1 c2 settled(c3 c4)))", "c1", "settled(c9)"},
    {"settled(c9 first(c1 settled(c3 c4)) some(c5 c6))",
     "c3 !c5",
     "settled(c9 first(c1 settled(c4)) some(c6))"},
    {"settled(first(c1) c8 first(c2 c3) all(c4 settled(c5 c6)))",
     "c2 c5 c1",
     "settled(c8 all(c4 settled(c6)))"},
    // Outcomes passed up.
    {"all(c9 some(c1 c2))", "c1", "all(c9)"},
    {"all(c9 some(c1 c2))", "!c1 !c2", "resumed"},
    {"all(c9 all(c1 c2))", "!c1", "resumed"},
    {"all(c9 settled(c1 c2))", "!c1 !c2", "all(c9)"},
    {"some(c9 settled(c1 c2))", "!c1 !c2", "resumed"},
    {"some(c9 all(c1 c2))", "!c2", "some(c9)"},
    {"some(c9 all(c1 c2))", "c1 c2", "resumed"},
    {"all(c9 first(c1 c2))", "c1", "all(c9)"},
    {"all(c9 first(c1 c2))", "!c1", "resumed"},
    {"some(c9 first(c1 c2))", "!c1", "some(c9)"},
    {"some(c9 first(c1 first(c2)))", "!c2", "some(c9)"},
    // It is open with which outcome, and somebody asks.
    {"all(c9 first(c1 c2))", "c1 !c2", "resumed"},
    {"all(c9 any(c1 c2))", "c1", "resumed"},
    {"some(c9 any(c1 c2))", "!c1", "resumed"},
    {"all(c9 first(c8 any(c1)))", "c1", "resumed"},
    {"settled(c9 all(c8 any(c1)))", "c1", "resumed"},
    // It is open, and nobody asks.
    {"settled(c9 any(c1 c2))", "c1", "settled(c9)"},
    {"settled(c9 first(c1 c2))", "c1 !c2", "settled(c9)"},
    {"all(c9 settled(any(c1 c2) c3))", "c1 c3", "all(c9)"},
    // The same leaf in several places.
    {"settled(c9 first(c1 c2) first(c1 c3) c1)", "c1", "settled(c9)"},
    {"settled(c9 all(c1 c1 c2))", "c1", "settled(c9 all(c2))"},
};
INSTANTIATE_TEST_SUITE_P(Nested, WaitTree, testing::ValuesIn(kNested));

TEST(WaitTree, AsksForOutcomesOnlyWhereTheyMatter) {
  const std::pair<const char*, std::set<std::string>> cases[] = {
      {"first(s1 c1)", {}},
      {"settled(c1 first(c2) any(c3))", {}},
      {"all(c1 first(c2) any(c3) settled(c4 first(c5)))", {"c1", "c2"}},
      {"first(s1 some(c1 first(c2 first(c3))))", {"c1", "c2", "c3"}}};
  for (const auto& [text, expected] : cases) {
    WaitSet waits = Waits(text);
    std::set<std::string> asked;
    Settle(waits, [&asked](const NotificationId& id, bool outcome_matters) {
      if (outcome_matters) {
        asked.insert(NameOf(id));
      }
      return Arrival::kNone;
    });
    EXPECT_EQ(asked, expected) << text;
  }
}

TEST(WaitTree, AsDeepAsFuturesMayBeNeedsNoStack) {
  // Every second level passes the outcome on, so all of it is walked in both directions.
  const int depth = 100'000;
  WaitSet waits;
  for (uint32_t i = 0; i < depth; ++i) {
    WaitNode node;
    node.combinator =
        i % 2 == 0 ? Combinator::kAllSucceededOrFirstFailed : Combinator::kFirstCompleted;
    node.parent = i == 0 ? 0 : i - 1;
    waits.nodes.push_back(node);
  }
  waits.nodes.back().completions = {1, 2};
  waits.nodes.front().completions = {9};
  EXPECT_FALSE(Settle(waits, [](const NotificationId&, bool) { return Arrival::kNone; }));
  EXPECT_EQ(waits.nodes.size(), size_t{depth});
  WaitSet failed = waits;
  const auto second = [](Arrival arrival) {
    return [arrival](const NotificationId& id, bool) {
      return id == NotificationId(CompletionKey{2}) ? arrival : Arrival::kNone;
    };
  };
  EXPECT_TRUE(Settle(failed, second(Arrival::kFailure)));
  EXPECT_FALSE(Settle(waits, second(Arrival::kSuccess)));
  EXPECT_EQ(TextOf(waits), "all(c9)");
}

// By the definitions, without taking anything out: 'p', 's', 'f', or 'u' for an outcome that is
// open.
char Evaluate(const WaitSet& waits, size_t place, const std::map<std::string, Arrival>& came) {
  const WaitNode& node = waits.nodes[place];
  std::string all;
  for (const CompletionId id : node.completions) {
    const auto found = came.find("c" + std::to_string(id));
    all += found == came.end() ? 'p' : found->second == Arrival::kSuccess ? 's' : 'f';
  }
  for (size_t i = place + 1; i < waits.nodes.size(); ++i) {
    if (waits.nodes[i].parent == place) {
      all += Evaluate(waits, i, came);
    }
  }
  const auto has = [&all](char what) { return all.find(what) != std::string::npos; };
  switch (node.combinator) {
    case Combinator::kUnknown:
      return has('s') || has('f') || has('u') ? 'u' : 'p';
    case Combinator::kFirstCompleted:
      return has('u') || (has('s') && has('f')) ? 'u' : has('s') ? 's' : has('f') ? 'f' : 'p';
    case Combinator::kAllCompleted:
      return has('p') ? 'p' : 's';
    case Combinator::kFirstSucceededOrAllFailed:
      return has('u') ? 'u' : has('s') ? 's' : has('p') ? 'p' : 'f';
    case Combinator::kAllSucceededOrFirstFailed:
      return has('u') ? 'u' : has('f') ? 'f' : has('p') ? 'p' : 's';
  }
  return '?';
}

// An open outcome somewhere below a node that asks for it.
bool AnyOpen(const WaitSet& waits, const std::map<std::string, Arrival>& came) {
  for (size_t i = 1; i < waits.nodes.size(); ++i) {
    const Combinator above = waits.nodes[waits.nodes[i].parent].combinator;
    const bool asks = above == Combinator::kFirstSucceededOrAllFailed ||
                      above == Combinator::kAllSucceededOrFirstFailed;
    if (asks && Evaluate(waits, i, came) == 'u') {
      return true;
    }
  }
  return false;
}

WaitSet RandomTree(std::mt19937_64& random, uint32_t& leaves) {
  WaitSet waits;
  const size_t nodes = 1 + random() % 6;
  for (size_t i = 0; i < nodes; ++i) {
    WaitNode node;
    node.combinator = static_cast<Combinator>(random() % 5);
    node.parent = i == 0 ? 0 : static_cast<uint32_t>(random() % i);
    for (size_t leaf = 1 + random() % 3; leaf > 0; --leaf) {
      node.completions.push_back(++leaves);
    }
    waits.nodes.push_back(std::move(node));
  }
  return waits;
}

TEST(WaitTree, OneByOneLeadsWhereAllAtOnceDoes) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 3000; ++round) {
    uint32_t leaves = 0;
    const WaitSet waits = RandomTree(random, leaves);
    SCOPED_TRACE(std::to_string(round) + ": " + TextOf(waits));
    std::vector<uint32_t> order(leaves);
    for (uint32_t i = 0; i < leaves; ++i) {
      order[i] = i + 1;
    }
    std::shuffle(order.begin(), order.end(), random);
    std::map<std::string, Arrival> came;
    WaitSet left = waits;
    bool resumed = false;
    for (size_t i = 0; i < order.size() && !resumed; ++i) {
      const std::string name = "c" + std::to_string(order[i]);
      came[name] = random() % 2 == 0 ? Arrival::kSuccess : Arrival::kFailure;
      const auto only = [&](const NotificationId& id, bool) {
        return NameOf(id) == name ? came.at(name) : Arrival::kNone;
      };
      resumed = Settle(left, only);
      // What comes one by one is decided in that order; all at once may leave an outcome open.
      const bool due = Evaluate(waits, 0, came) != 'p';
      EXPECT_TRUE(!due || resumed || AnyOpen(waits, came)) << name;
      EXPECT_TRUE(!resumed || due || AnyOpen(waits, came)) << name;
      const std::string at_once = SettleText(waits, came);
      EXPECT_TRUE(at_once == (resumed ? "resumed" : TextOf(left)) || AnyOpen(waits, came))
          << at_once;
    }
    EXPECT_TRUE(resumed);
  }
}

}  // namespace
}  // namespace perdure::test
