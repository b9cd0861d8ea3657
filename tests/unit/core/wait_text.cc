// SPDX-License-Identifier: Apache-2.0
//
// See wait_text.h.
#include "tests/unit/core/wait_text.h"

#include "perdure/base/assert.h"

#include <algorithm>
#include <iterator>
#include <vector>

namespace perdure::test {
namespace {

constexpr std::string_view kNames[] = {"any", "first", "settled", "some", "all"};

}  // namespace

WaitSet Waits(std::string_view text) {
  WaitSet waits;
  std::vector<uint32_t> open;
  size_t at = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == ' ' || c == ')') {
      if (c == ')') {
        open.pop_back();
      }
      ++at;
      continue;
    }
    const size_t end = std::min(text.find_first_of(" ()", at), text.size());
    const std::string word(text.substr(at, end - at));
    at = end;
    if (at < text.size() && text[at] == '(') {
      ++at;
      const auto* name = std::find(std::begin(kNames), std::end(kNames), word);
      PERDURE_INVARIANT(name != std::end(kNames), "no combinator " + word);
      WaitNode node;
      node.combinator = static_cast<Combinator>(name - std::begin(kNames));
      node.parent = open.empty() ? 0 : open.back();
      open.push_back(static_cast<uint32_t>(waits.nodes.size()));
      waits.nodes.push_back(std::move(node));
      continue;
    }
    WaitNode& node = waits.nodes.at(open.back());
    if (c == '"') {
      node.named_signals.push_back(word.substr(1, word.size() - 2));
    } else {
      (c == 'c' ? node.completions : node.signals)
          .push_back(static_cast<uint32_t>(std::stoul(word.substr(1))));
    }
  }
  return waits;
}

std::string TextOf(const WaitSet& waits) {
  // From the last node to the first, so that what is below a node is there when its turn comes.
  std::vector<std::string> below(waits.nodes.size());
  for (size_t i = waits.nodes.size(); i-- > 0;) {
    const WaitNode& node = waits.nodes[i];
    std::string inside;
    for (const CompletionId id : node.completions) {
      inside += " c" + std::to_string(id);
    }
    for (const uint32_t signal : node.signals) {
      inside += " s" + std::to_string(signal);
    }
    for (const std::string& name : node.named_signals) {
      inside += " \"" + name + "\"";
    }
    inside += below[i];
    std::string text(kNames[static_cast<size_t>(node.combinator)]);
    text += "(" + (inside.empty() ? inside : inside.substr(1)) + ")";
    if (i == 0) {
      return text;
    }
    below[node.parent].insert(0, " " + text);
  }
  return "nothing";
}

}  // namespace perdure::test
