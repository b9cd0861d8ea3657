// SPDX-License-Identifier: Apache-2.0
//
// Crashes are counted over restarts, for the invocation a thread was at work on (design 5, poison).
#include "perdure/store/crash_notes.h"

#include "tests/unit/store/store_test_support.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <optional>

namespace perdure::test {
namespace {

InvocationId Id(uint8_t number) {
  InvocationId id;
  id.partition_key.value = 0x0102030405060708;
  id.uuid[15] = number;
  return id;
}

class CrashNotesTest : public testing::Test {
 protected:
  std::unique_ptr<CrashNotes> Open(size_t places = 2) {
    Result<std::unique_ptr<CrashNotes>> notes = CrashNotes::Open(folder_ / "", places);
    EXPECT_TRUE(notes.ok());
    return std::move(notes).value();
  }
  // A process that ends at work on `id`, and what the next one makes of it.
  std::vector<CrashNotes::Suspect> CrashAt(const InvocationId& id) {
    {
      const std::unique_ptr<CrashNotes> notes = Open();
      notes->note(1).Begin(4, id);
      notes->note(1).MarkFatal();
    }
    return Open()->suspects();
  }

  TestFolder folder_;
};

TEST_F(CrashNotesTest, TheThirdCrashInARowMakesASuspect) {
  EXPECT_TRUE(CrashAt(Id(1)).empty());
  EXPECT_TRUE(CrashAt(Id(1)).empty());
  const std::vector<CrashNotes::Suspect> suspects = CrashAt(Id(1));
  ASSERT_EQ(suspects.size(), 1U);
  EXPECT_EQ(suspects[0].id, Id(1));
  EXPECT_EQ(suspects[0].crashes, kCrashesInARow);
  // Told once per crash: an operator may have resumed it since.
  EXPECT_TRUE(Open()->suspects().empty());
  EXPECT_EQ(CrashAt(Id(1)).at(0).crashes, kCrashesInARow + 1);
}

// Two of them, crashing in turns, do not hide each other.
TEST_F(CrashNotesTest, CountsEachInvocation) {
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(CrashAt(Id(1)).empty());
    EXPECT_TRUE(CrashAt(Id(2)).empty());
  }
  EXPECT_EQ(CrashAt(Id(1)).at(0).id, Id(1));
  EXPECT_EQ(CrashAt(Id(2)).at(0).id, Id(2));
}

TEST_F(CrashNotesTest, ACleanStopEndsTheRow) {
  CrashAt(Id(1));
  CrashAt(Id(1));
  Open()->StoppedCleanly();
  EXPECT_TRUE(CrashAt(Id(1)).empty());
}

TEST_F(CrashNotesTest, OnlyTheWorkOfTheThreadThatCrashedCounts) {
  for (int i = 0; i < 5; ++i) {
    const std::unique_ptr<CrashNotes> notes = Open();
    EXPECT_TRUE(notes->suspects().empty());
    notes->note(0).Begin(4, Id(1));  // killed from outside at work: no mark
    notes->note(1).Begin(4, Id(2));
    notes->note(1).MarkFatal();
    notes->note(1).End();  // the mark is late, that work was done
  }
  for (int i = 0; i < 5; ++i) {
    const std::unique_ptr<CrashNotes> notes = Open();
    EXPECT_TRUE(notes->suspects().empty());
    notes->note(1).Begin(4);  // of no invocation
    notes->note(1).MarkFatal();
  }
}

TEST_F(CrashNotesTest, ManyInvocationsShareAShortHistory) {
  CrashAt(Id(200));
  CrashAt(Id(200));
  for (uint8_t i = 0; i < 100; ++i) {
    EXPECT_TRUE(CrashAt(Id(i)).empty());
  }
  EXPECT_EQ(CrashAt(Id(200)).size(), 1U);
}

TEST_F(CrashNotesTest, AnotherLayoutIsBegunAnew) {
  CrashAt(Id(1));
  CrashAt(Id(1));
  { const std::unique_ptr<CrashNotes> notes = Open(3); }
  EXPECT_TRUE(CrashAt(Id(1)).empty());
  std::ofstream(folder_ / "crash-notes", std::ios::trunc) << "not at all";
  EXPECT_TRUE(CrashAt(Id(1)).empty());
  EXPECT_TRUE(CrashAt(Id(1)).empty());
}

TEST_F(CrashNotesTest, AFolderThatIsNotThereIsAnError) {
  const auto notes = CrashNotes::Open(folder_ / "none", 1);
  ASSERT_FALSE(notes.ok());
  EXPECT_NE(notes.error().message.find("/none/crash-notes"), std::string::npos);
}

using CrashNotesDeathTest = CrashNotesTest;

// A real signal, in a real process: only the thread that is hit is blamed.
TEST_F(CrashNotesDeathTest, ASignalMarksTheNoteOfItsThread) {
  for (const int signal : {SIGABRT, SIGSEGV}) {
    for (uint32_t i = 0; i < kCrashesInARow; ++i) {
      EXPECT_EXIT(
          {
            const std::unique_ptr<CrashNotes> notes = Open();
            MarkNotesOnFatalSignals();
            notes->note(0).Begin(4, Id(1));
            if (signal == SIGABRT) {
              std::abort();
            }
            raise(signal);
          },
          [signal](int status) {
            // Sanitizers end the process in their own way.
            return !WIFEXITED(status) ? WTERMSIG(status) == signal : WEXITSTATUS(status) != 0;
          },
          "");
    }
    const std::unique_ptr<CrashNotes> notes = Open();
    ASSERT_EQ(notes->suspects().size(), 1U);
    EXPECT_EQ(notes->suspects()[0].id, Id(1));
    notes->StoppedCleanly();
  }
}

}  // namespace
}  // namespace perdure::test
