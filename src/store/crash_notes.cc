// SPDX-License-Identifier: Apache-2.0
//
// The file `crash-notes`: a head, a short history (id and crashes so far), and one note per place.
// Only processes of one build on one machine read each other's; another layout is no error, its
// history is lost.
#include "perdure/store/crash_notes.h"

#include "perdure/base/assert.h"
#include "store/posix_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <utility>

namespace perdure {
namespace {

constexpr uint64_t kLayout = 0x706572647572'0001;  // changes with everything below
constexpr size_t kHistoryMax = 16;

struct Past {
  uint64_t partition_key = 0;
  std::array<uint8_t, 16> uuid{};
  uint64_t crashes = 0;  // 0: free
};

struct Head {
  uint64_t layout = 0;
  uint64_t places = 0;
  std::array<Past, kHistoryMax> history{};
};

bool Is(const Past& past, const InvocationId& id) {
  return past.crashes > 0 && past.partition_key == id.partition_key.value && past.uuid == id.uuid;
}

class CrashNotesImpl final : public CrashNotes {
 public:
  CrashNotesImpl(void* memory, size_t bytes, size_t places)
      : memory_(memory),
        bytes_(bytes),
        head_(static_cast<Head*>(memory)),
        notes_(reinterpret_cast<WorkNote*>(static_cast<char*>(memory) + sizeof(Head))),
        places_(places) {
    if (head_->layout != kLayout || head_->places != places) {
      std::memset(memory, 0, bytes);
      *head_ = Head{};
      head_->layout = kLayout;
      head_->places = places;
    }
    for (size_t i = 0; i < places_; ++i) {
      if (const std::optional<InvocationId> id = notes_[i].subject();
          id && notes_[i].fatal() && notes_[i].busy()) {
        Count(*id);
      }
      notes_[i].Reset();
    }
  }
  ~CrashNotesImpl() override { munmap(memory_, bytes_); }

  WorkNote& note(size_t place) override {
    PERDURE_ASSERT(place < places_);
    return notes_[place];
  }
  const std::vector<Suspect>& suspects() const override { return suspects_; }
  void StoppedCleanly() override { head_->history = {}; }

 private:
  void Count(const InvocationId& id) {
    auto& history = head_->history;
    auto past = std::find_if(
        history.begin(), history.end(), [&id](const Past& each) { return Is(each, id); });
    if (past == history.end()) {
      // The one that is least of a suspect makes room.
      past =
          std::min_element(history.begin(), history.end(), [](const Past& left, const Past& right) {
            return left.crashes < right.crashes;
          });
      *past = Past{id.partition_key.value, id.uuid, 0};
    }
    ++past->crashes;
    if (past->crashes >= kCrashesInARow) {
      suspects_.push_back({id, static_cast<uint32_t>(past->crashes)});
    }
  }

  void* const memory_;
  const size_t bytes_;
  Head* const head_;
  WorkNote* const notes_;
  const size_t places_;
  std::vector<Suspect> suspects_;
};

}  // namespace

Result<std::unique_ptr<CrashNotes>> CrashNotes::Open(const std::string& folder, size_t places) {
  const std::string path = folder + "/crash-notes";
  const size_t bytes = sizeof(Head) + places * sizeof(WorkNote);
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) {
    return PosixError("open", path);
  }
  // The file gets its blocks now: writing to a mapped hole on a full disk would end the process.
  int failed = ftruncate(fd, static_cast<off_t>(bytes));
  if (failed == 0) {
    failed = posix_fallocate(fd, 0, static_cast<off_t>(bytes));
  }
  void* memory =
      failed != 0 ? MAP_FAILED : mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  const Error error = PosixError("map", path);
  close(fd);
  if (memory == MAP_FAILED) {
    return error;
  }
  return std::unique_ptr<CrashNotes>(std::make_unique<CrashNotesImpl>(memory, bytes, places));
}

}  // namespace perdure
