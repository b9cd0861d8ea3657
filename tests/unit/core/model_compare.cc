// SPDX-License-Identifier: Apache-2.0
//
// Machine and model side by side. See model_driver.h.
#include "core/keys.h"
#include "core/row_codec.h"
#include "tests/unit/core/model_driver.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace perdure::test {
namespace {

// It may have been sent signals.
bool DidNothing(const std::vector<std::string>& journal) {
  return std::all_of(journal.begin(), journal.end(), [](const std::string& text) {
    return text == "Input" || text.rfind("!Signal(", 0) == 0;
  });
}

bool TellsResult(const std::string& text) {
  return text.rfind("!Call(", 0) == 0 || text.rfind("!AttachInvocation(", 0) == 0;
}

std::string TextOf(const ValueOrFailure& result) {
  if (const auto* value = std::get_if<SharedBytes>(&result)) {
    return "value " + std::string(value->view());
  }
  const Failure& failure = std::get<Failure>(result);
  return "failure " + std::to_string(failure.code) + " " + failure.message;
}

}  // namespace

void Driver::Compare() {
  const auto reader = world_.Snapshot();
  AgreeOnKilled(*reader);
  size_t found = 0;
  StatusScanner scanner(*reader, std::nullopt);
  while (const std::optional<StatusRow> row = scanner.Next()) {
    ++found;
    const Model::LifePtr life = model_.Find(row->id);
    ASSERT_NE(life, nullptr) << row->id.ToString() << " should be gone";
    CompareOne(*reader, *row, *life);
  }
  EXPECT_EQ(found, model_.lives.size());
  CompareAnswers();
  CompareState(*reader);
}

void Driver::AgreeOnKilled(const StateReader& reader) {
  const std::string killed = "failure 409 killed";
  std::erase_if(model_.lives, [&](const auto& item) {
    const Model::Life& life = *item.second;
    return life.result == killed && called_.count(life.id) > 0 && life.target.exclusive() &&
           DidNothing(life.journal) && !ReadStatus(reader, life.id);
  });
  StatusScanner scanner(reader, std::nullopt);
  while (const std::optional<StatusRow> row = scanner.Next()) {
    const InvocationStatus& status = row->status;
    if (model_.Find(row->id) != nullptr || !status.failure || called_.count(row->id) == 0 ||
        status.failure->message != "killed" || !DidNothing(world_.Journal(row->id)) ||
        !status.target.exclusive()) {
      continue;
    }
    const auto life = std::make_shared<Model::Life>();
    life->id = row->id;
    life->target = status.target;
    life->retention = status.retention;
    life->state = InvocationState::kCompleted;
    life->completed_at = status.completed_at;
    life->journal = world_.Journal(row->id);
    life->result = killed;
    model_.lives[row->id] = life;
  }
}

void Driver::CompareOne(const StateReader& reader, const StatusRow& row, const Model::Life& life) {
  const std::string name = row.id.ToString();
  EXPECT_EQ(static_cast<int>(row.status.state), static_cast<int>(life.state)) << name;
  EXPECT_EQ(row.status.failed_attempts, life.failed) << name;
  std::vector<std::string> journal = world_.Journal(row.id);
  std::vector<std::string> expected = life.journal;
  if (life.result == "failure 409 killed") {
    // Whether one that is killed still hears of others of the same tree depends on who died first.
    std::erase_if(journal, TellsResult);
    std::erase_if(expected, TellsResult);
  }
  std::sort(journal.begin(), journal.end());
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(journal, expected) << name;
  if (life.state == InvocationState::kCompleted) {
    EXPECT_EQ(TextOf(*ReadResult(reader, row.id, row.status)), life.result) << name;
  }
}

void Driver::CompareAnswers() {
  for (const auto& [slot, expected] : model_.answers) {
    ASSERT_TRUE(world_.answered(slot)) << "slot " << slot << ": " << expected;
    if (expected == "unknown") {
      world_.Answer<InvocationUnknown>(slot);
    } else {
      EXPECT_EQ(world_.ResultText(slot), expected);
    }
  }
  for (const auto& [slot, replies] : world_.replies) {
    const bool result = std::holds_alternative<InvocationResult>(replies.front());
    EXPECT_TRUE(!result || model_.answers.count(slot) > 0) << "slot " << slot;
  }
}

void Driver::CompareState(const StateReader& reader) {
  size_t expected = 0;
  for (const auto& [object, values] : model_.state) {
    for (const auto& [key, value] : values) {
      ++expected;
      EXPECT_EQ(reader.Get(Family::kState, keys::State(object.first, object.second, key)), value);
    }
  }
  for (const auto& [workflow, promises] : model_.promises) {
    for (const auto& [promise, text] : promises) {
      ++expected;
      const std::optional<std::string> row =
          reader.Get(Family::kState, keys::Promise(workflow.first, workflow.second, promise));
      ASSERT_TRUE(row.has_value()) << promise << " of " << workflow.second << ": " << text;
      EXPECT_EQ(TextOf(DecodePromise(*row)), text);
    }
  }
  EXPECT_EQ(world_.RowCount(Family::kState), expected);
}

}  // namespace perdure::test
