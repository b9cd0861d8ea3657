// SPDX-License-Identifier: Apache-2.0
//
// Written as text, node by node: a tree of JSON values as deep as a wait set may be would be taken
// apart by functions that call themselves.
#include "query/wait_set_json.h"

#include "perdure/base/assert.h"

#include <nlohmann/json.hpp>

#include <string_view>
#include <vector>

namespace perdure::query {
namespace {

using Json = nlohmann::ordered_json;

std::string_view NameOf(Combinator combinator) {
  switch (combinator) {
    case Combinator::kUnknown:
      return "Unknown";
    case Combinator::kFirstCompleted:
      return "FirstCompleted";
    case Combinator::kAllCompleted:
      return "AllCompleted";
    case Combinator::kFirstSucceededOrAllFailed:
      return "FirstSucceededOrAllFailed";
    case Combinator::kAllSucceededOrFirstFailed:
      return "AllSucceededOrFirstFailed";
  }
  PERDURE_INVARIANT(false, "a combinator is none that is known");
  return "";
}

class Writer {
 public:
  explicit Writer(const WaitSet& wait_set) : nodes_(wait_set.nodes), below_(nodes_.size()) {
    for (size_t i = nodes_.size(); i-- > 1;) {
      below_[nodes_[i].parent].push_back(i);  // the last one first
    }
  }

  std::string Write() {
    Open(0);
    while (!open_.empty()) {
      std::vector<size_t>& left = below_[open_.back()];
      if (left.empty()) {
        out_ += "]}";
        open_.pop_back();
        continue;
      }
      const size_t next = left.back();
      left.pop_back();
      Open(next);
    }
    return std::move(out_);
  }

 private:
  void Open(size_t place) {
    const WaitNode& node = nodes_[place];
    Comma();
    out_ += "{\"";
    out_ += NameOf(node.combinator);
    out_ += "\":[";
    open_.push_back(place);
    for (const CompletionId id : node.completions) {
      Leaf("CompletionId", std::to_string(id));
    }
    for (const uint32_t index : node.signals) {
      Leaf("SignalIndex", std::to_string(index));
    }
    for (const std::string& name : node.named_signals) {
      Leaf("SignalName", Json(name).dump(-1, ' ', false, Json::error_handler_t::replace));
    }
  }

  void Leaf(std::string_view kind, const std::string& value) {
    Comma();
    out_ += "{\"Single\":{\"";
    out_ += kind;
    out_ += "\":" + value + "}}";
  }

  void Comma() {
    if (!out_.empty() && out_.back() != '[') {
      out_ += ',';
    }
  }

  const std::vector<WaitNode>& nodes_;
  std::vector<std::vector<size_t>> below_;  // of each node, what is not written
  std::vector<size_t> open_;                // from the root to the one being written
  std::string out_;
};

}  // namespace

std::string WaitSetJson(const WaitSet& wait_set) {
  PERDURE_ASSERT(!wait_set.empty());
  return Writer(wait_set).Write();
}

}  // namespace perdure::query
