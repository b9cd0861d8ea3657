// SPDX-License-Identifier: Apache-2.0
//
// Lock, format and mark. ON DISK: `format` holds the number and a line feed; `wal-mark` holds one
// line of fixed length, so that rewriting it in place never moves a byte and never tears.
#include "store/data_folder.h"

#include "perdure/base/assert.h"
#include "perdure/base/log.h"
#include "perdure/store/database.h"
#include "store/posix_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

namespace perdure {
namespace {

constexpr std::string_view kLogSuffix = ".log";
constexpr size_t kDigits = 20;
// "<sequence> <log number> <log needed> <state>\n"
constexpr size_t kMarkBytes = 3 * (kDigits + 1) + 1 + 1;
constexpr char kMarkGood = 's';
constexpr char kMarkLoss = 'l';

std::optional<uint64_t> ParseNumber(std::string_view digits) {
  uint64_t number = 0;
  const char* end = digits.data() + digits.size();
  const auto parsed = std::from_chars(digits.data(), end, number);
  if (digits.empty() || parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return number;
}

std::string FormatMark(const SyncMark& mark) {
  char line[kMarkBytes + 1];
  const int length = std::snprintf(
      line,
      sizeof(line),
      "%020llu %020llu %020llu %c\n",
      static_cast<unsigned long long>(mark.sequence),
      static_cast<unsigned long long>(mark.log_number),
      static_cast<unsigned long long>(mark.log_needed),
      mark.loss_found ? kMarkLoss : kMarkGood);
  PERDURE_ASSERT(length == static_cast<int>(kMarkBytes));
  return std::string(line, kMarkBytes);
}

std::optional<SyncMark> ParseMark(std::string_view line) {
  if (line.size() != kMarkBytes || line.back() != '\n') return std::nullopt;
  const std::optional<uint64_t> sequence = ParseNumber(line.substr(0, kDigits));
  const std::optional<uint64_t> log_number = ParseNumber(line.substr(kDigits + 1, kDigits));
  const std::optional<uint64_t> needed = ParseNumber(line.substr(2 * (kDigits + 1), kDigits));
  const char state = line[kMarkBytes - 2];
  if (!sequence || !log_number || !needed) return std::nullopt;
  if (state != kMarkGood && state != kMarkLoss) return std::nullopt;
  return SyncMark{*sequence, *log_number, *needed, state == kMarkLoss};
}

}  // namespace

Result<std::unique_ptr<DataFolder>> DataFolder::Open(const std::string& path, bool create) {
  std::error_code code;
  if (!create && !std::filesystem::is_directory(path, code)) {
    return Error{ErrorCode::kNotFound, "the data folder " + path + " does not exist"};
  }
  Status made = CreateFolderDurably(path);
  if (!made.ok()) return made.error();

  std::unique_ptr<DataFolder> folder(new DataFolder(path));
  Status locked = folder->Lock();
  if (!locked.ok()) return locked.error();
  Status checked = folder->CheckFormat(create);
  if (!checked.ok()) return checked.error();
  Status database = CreateFolderDurably(folder->database_path());
  if (!database.ok()) return database.error();
  Status marked = folder->OpenMark();
  if (!marked.ok()) return marked.error();
  return folder;
}

DataFolder::~DataFolder() {
  if (mark_fd_ >= 0) ::close(mark_fd_);
  if (lock_fd_ >= 0) ::close(lock_fd_);  // gives up the lock
}

// The lock belongs to the open file, so it ends with the process however that ends, and a second
// open of the same process is refused too.
Status DataFolder::Lock() {
  const std::string file = path_ + "/lock";
  lock_fd_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (lock_fd_ < 0) return PosixError("open", file);
  if (::flock(lock_fd_, LOCK_EX | LOCK_NB) == 0) return OkStatus();
  if (errno != EWOULDBLOCK) return PosixError("lock", file);
  return Error{ErrorCode::kConflict, "the data folder " + path_ + " is in use by another process"};
}

Status DataFolder::CheckFormat(bool create) {
  const std::string file = path_ + "/format";
  Result<std::optional<std::string>> content = ReadSmallFile(file);
  if (!content.ok()) return content.error();
  if (!content.value().has_value()) {
    std::error_code code;
    if (!create || std::filesystem::exists(database_path(), code)) {
      return Error{
          ErrorCode::kCorrupt,
          "the data folder " + path_ + " has no file named format: it is not a folder of this " +
              "server, or it was copied incompletely"};
    }
    return ReplaceFile(file, std::to_string(kDatabaseFormat) + "\n", /*sync=*/true);
  }

  std::string_view text = *content.value();
  if (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  const std::optional<uint64_t> format = ParseNumber(text);
  if (!format) {
    return Error{ErrorCode::kCorrupt, "the file " + file + " does not hold a format number"};
  }
  if (*format == kDatabaseFormat) return OkStatus();
  const std::string found = "the data folder " + path_ + " has format " + std::to_string(*format) +
                            ", this version reads format " + std::to_string(kDatabaseFormat);
  if (*format > kDatabaseFormat) {
    return InvalidArgument(found + ": it was written by a newer version, use that one");
  }
  return InvalidArgument(
      found + ": before version 1.0 older data is not converted, use the version that wrote it " +
      "or begin with an empty folder");
}

Status DataFolder::OpenMark() {
  const std::string file = path_ + "/wal-mark";
  Result<std::optional<std::string>> content = ReadSmallFile(file);
  if (!content.ok()) return content.error();
  if (content.value().has_value()) {
    const std::optional<SyncMark> mark = ParseMark(*content.value());
    if (mark) {
      mark_ = *mark;
    } else {
      // It was never promised to be on the disk, so a power cut may leave anything.
      PERDURE_LOG(kWarn, "sync_mark_unreadable", {{"file", file}});
    }
  }
  // Made anew if it is missing or unreadable: with its full length, so that it is rewritten in
  // place.
  if (!content.value().has_value() || content.value()->size() != kMarkBytes) {
    Status made = ReplaceFile(file, FormatMark(mark_), /*sync=*/true);
    if (!made.ok()) return made;
  }
  mark_fd_ = ::open(file.c_str(), O_WRONLY | O_CLOEXEC);
  if (mark_fd_ < 0) return PosixError("open", file);
  return OkStatus();
}

SyncMark DataFolder::mark() const {
  const std::lock_guard<std::mutex> lock(mark_mutex_);
  return mark_;
}

Status DataFolder::MarkSynced(uint64_t sequence, uint64_t log_number) {
  const std::lock_guard<std::mutex> lock(mark_mutex_);
  mark_.sequence = sequence;
  mark_.log_number = log_number;
  return WriteMark();
}

Status DataFolder::MarkLoss() {
  const std::lock_guard<std::mutex> lock(mark_mutex_);
  mark_.loss_found = true;
  return WriteMark();
}

Status DataFolder::MarkNeeded(uint64_t log_needed) {
  {
    const std::lock_guard<std::mutex> lock(mark_mutex_);
    if (log_needed <= mark_.log_needed) return OkStatus();
    mark_.log_needed = log_needed;
    Status written = WriteMark();
    if (!written.ok()) return written;
  }
  if (::fdatasync(mark_fd_) != 0) return PosixError("sync", path_ + "/wal-mark");
  return OkStatus();
}

Status DataFolder::WriteMark() {
  return WriteAtStart(mark_fd_, path_ + "/wal-mark", FormatMark(mark_));
}

std::vector<LogFile> DataFolder::LogFiles() const {
  namespace fs = std::filesystem;
  std::vector<LogFile> files;
  std::error_code code;
  for (fs::directory_iterator at(database_path(), code), end; !code && at != end;
       at.increment(code)) {
    const std::string name = at->path().filename().string();
    if (name.size() <= kLogSuffix.size() || !name.ends_with(kLogSuffix)) continue;
    const std::optional<uint64_t> number =
        ParseNumber(std::string_view(name).substr(0, name.size() - kLogSuffix.size()));
    if (number) files.push_back(LogFile{*number, name});
  }
  return files;
}

// A record begins with a checksum (4 bytes), a length (2) and a type; 1 is a whole record, 2 the
// first part of one. A file that lost everything is empty or full of zeros.
bool DataFolder::HasRecords(const LogFile& file) const {
  constexpr size_t kTypeAt = 6;
  constexpr char kWhole = 1;
  constexpr char kFirstPart = 2;
  std::ifstream content(database_path() + "/" + file.name, std::ios::binary);
  char head[kTypeAt + 1] = {};
  content.read(head, sizeof(head));
  return content.gcount() == static_cast<std::streamsize>(sizeof(head)) &&
         (head[kTypeAt] == kWhole || head[kTypeAt] == kFirstPart);
}

}  // namespace perdure
