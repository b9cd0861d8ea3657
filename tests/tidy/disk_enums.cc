// SPDX-License-Identifier: Apache-2.0
//
// Numbers that lie in data folders or cross the wire, a second time: a change of the enum alone
// fails here. Append only. A number that was ever released is never given to something else; a name
// that is no longer written stays.
#include "tests/tidy/rules.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

namespace perdure::tidy {
namespace {

struct Pinned {
  std::string_view path;
  std::string_view name;
  std::string_view values;
};

constexpr Pinned kPinned[] = {
    {"include/perdure/store/state.h",
     "Family",
     "kMeta=0,kStatus=1,kJournal=2,kState=3,kQueue=4,kIndex=5"},
    {"include/perdure/core/rows.h",
     "InvocationState",
     "kScheduled=1,kInboxed=2,kInvoked=3,kSuspended=4,kPaused=5,kCompleted=6"},
    {"include/perdure/core/rows.h", "EventKind", "kTransientError=1,kPaused=2"},
    {"include/perdure/schema/schema.h", "ServiceType", "kService=1,kVirtualObject=2,kWorkflow=3"},
    {"include/perdure/schema/schema.h",
     "HandlerType",
     "kUnkeyed=0,kExclusive=1,kShared=2,kWorkflow=3"},
    {"include/perdure/schema/schema.h", "OnMaxAttempts", "kPause=0,kKill=1"},
    {"src/core/keys.h",
     "Table",
     "kPartition=0x01,kDedup=0x02,kStatus=0x10,kJournal=0x20,kResult=0x21,kEvent=0x22,kState=0x30,"
     "kPromise="
     "0x31,"
     "kFreshState=0x32,kReady=0x40,kInbox=0x41,kTimer=0x42,kExpiry=0x43,kOutbox=0x44,kWork=0x45,"
     "kNotification=0x50,kLock=0x51,kListener=0x52,kPromiseListener=0x53"},
    {"src/core/keys.h", "TimerKind", "kSleep=1,kScheduledStart=2,kRetry=3"},
    {"src/core/keys.h", "ExpiryKind", "kInvocation=1,kJournal=2"},
    {"src/core/row_codec.h",
     "Kind",
     "kKillChildren=1,kNotifyListeners=2,kPurge=3,kClearState=4,"
     "kTellPromise=5,kForget=6,kRestart=7"},
    {"include/perdure/core/command.h", "CallerWish", "kCallResult=0,kAttachResult=1,kOutput=2"},
    {"include/perdure/protocol/wait_set.h",
     "Combinator",
     "kUnknown=0,kFirstCompleted=1,kAllCompleted=2,kFirstSucceededOrAllFailed=3,"
     "kAllSucceededOrFirstFailed=4"},
    {"include/perdure/protocol/message_type.h",
     "MessageType",
     "kStart=0x0000,kSuspension=0x0001,kError=0x0002,kEnd=0x0003,kCommandAck=0x0004,"
     "kProposeRunCompletion=0x0005,kAwaitingOn=0x0006,kProposeRunCompletionAck=0x0007,"
     "kInputCommand=0x0400,kOutputCommand=0x0401,kGetLazyStateCommand=0x0402,kSetStateCommand="
     "0x0403,"
     "kClearStateCommand=0x0404,kClearAllStateCommand=0x0405,kGetLazyStateKeysCommand=0x0406,"
     "kGetEagerStateCommand=0x0407,kGetEagerStateKeysCommand=0x0408,kGetPromiseCommand=0x0409,"
     "kPeekPromiseCommand=0x040a,kCompletePromiseCommand=0x040b,kSleepCommand=0x040c,"
     "kCallCommand=0x040d,kOneWayCallCommand=0x040e,kSendSignalCommand=0x0410,kRunCommand=0x0411,"
     "kAttachInvocationCommand=0x0412,kGetInvocationOutputCommand=0x0413,"
     "kCompleteAwakeableCommand=0x0414,kGetLazyStateCompletion=0x8002,"
     "kGetLazyStateKeysCompletion=0x8006,kGetPromiseCompletion=0x8009,kPeekPromiseCompletion="
     "0x800a,"
     "kCompletePromiseCompletion=0x800b,kSleepCompletion=0x800c,kCallCompletion=0x800d,"
     "kCallInvocationIdCompletion=0x800e,kRunCompletion=0x8011,kAttachInvocationCompletion=0x8012,"
     "kGetInvocationOutputCompletion=0x8013,kSignal=0xfbff"}};

struct Enum {
  std::string name;
  size_t line = 0;      // from 1
  bool marked = false;  // "ON DISK" stands beside it or in the comment above it
  std::string values;   // without spaces
};

bool SaysOnDisk(const std::string& line) {
  const size_t comment = line.find("//");
  return comment != std::string::npos && line.find("ON DISK", comment) != std::string::npos;
}

bool IsComment(const std::string& line) {
  const size_t first = line.find_first_not_of(' ');
  return first != std::string::npos && line.compare(first, 2, "//") == 0;
}

bool IsMarked(const SourceFile& file, size_t at) {
  const auto& lines = file.lines();
  if (SaysOnDisk(lines[at])) {
    return true;
  }
  for (; at > 0 && IsComment(lines[at - 1]); --at) {
    if (SaysOnDisk(lines[at - 1])) {
      return true;
    }
  }
  return false;
}

// What stands between the braces that open at or behind line `at`.
std::string ReadValues(const SourceFile& file, size_t at) {
  std::string values;
  bool inside = false;
  for (; at < file.code().size(); ++at) {
    for (const char c : file.code()[at]) {
      if (c == '}' || (c == ';' && !inside)) {
        return values;
      }
      if (inside && c != ' ') {
        values += c;
      }
      inside = inside || c == '{';
    }
  }
  return values;
}

std::vector<Enum> FindEnums(const SourceFile& file) {
  constexpr std::string_view kEnum = "enum class ";
  std::vector<Enum> found;
  for (size_t i = 0; i < file.code().size(); ++i) {
    const std::string& code = file.code()[i];
    const size_t at = code.find(kEnum);
    if (at == std::string::npos) {
      continue;
    }
    const size_t begin = at + kEnum.size();
    const size_t end = code.find_first_of(" :{;", begin);
    Enum out{code.substr(begin, end - begin), i + 1, IsMarked(file, i), ReadValues(file, i)};
    if (!out.values.empty() && out.values.back() == ',') {
      out.values.pop_back();
    }
    found.push_back(std::move(out));
  }
  return found;
}

}  // namespace

Findings CheckDiskEnums(const SourceFile& file) {
  Findings findings;
  if (!file.IsCpp() || file.IsUnder("tests")) {
    return findings;
  }
  const std::vector<Enum> enums = FindEnums(file);
  for (const Pinned& pinned : kPinned) {
    if (pinned.path != file.path()) {
      continue;
    }
    const auto found = std::find_if(enums.begin(), enums.end(), [&pinned](const Enum& candidate) {
      return candidate.name == pinned.name;
    });
    const std::string name(pinned.name);
    if (found == enums.end()) {
      findings.push_back({file.path(), 0, name + " is pinned in disk_enums.cc and gone"});
    } else if (found->values != pinned.values) {
      findings.push_back({file.path(), found->line, name + " is not as pinned in disk_enums.cc"});
    }
  }
  for (const Enum& candidate : enums) {
    const bool pinned = std::any_of(std::begin(kPinned), std::end(kPinned), [&](const Pinned& row) {
      return row.path == file.path() && row.name == candidate.name;
    });
    if (candidate.marked && !pinned) {
      findings.push_back(
          {file.path(), candidate.line, candidate.name + " is on disk and not in disk_enums.cc"});
    }
  }
  return findings;
}

std::vector<std::string_view> FilesWithPinnedEnums() {
  std::vector<std::string_view> paths;
  for (const Pinned& pinned : kPinned) {
    paths.push_back(pinned.path);
  }
  return paths;
}

}  // namespace perdure::tidy
