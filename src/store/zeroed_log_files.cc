// SPDX-License-Identifier: Apache-2.0
//
// The zeros go through a second handle of the same file; the first one appends over them. Both are
// used inside of an append only, which RocksDB makes one at a time, and always behind its end: a
// sync that runs beside it covers more zeros or fewer.
#include "store/zeroed_log_files.h"

#include "perdure/base/limits.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace perdure {
namespace {

// So much at a time: one sync in fifty of small turns takes longer, by the time to write this.
constexpr size_t kAheadBytes = 256 * limits::kKiB;
// The size of the file is a small part of what a sync of so much has to write.
constexpr size_t kLargeAppendBytes = 64 * limits::kKiB;

class ZeroedLogFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  ZeroedLogFile(
      std::unique_ptr<rocksdb::FSWritableFile> file, std::unique_ptr<rocksdb::FSRandomRWFile> ahead)
      : FSWritableFileOwnerWrapper(std::move(file)), ahead_(std::move(ahead)) {}

  rocksdb::IOStatus Append(
      const rocksdb::Slice& data,
      const rocksdb::IOOptions& options,
      rocksdb::IODebugContext* debug) override {
    rocksdb::IOStatus zeroed = ZeroBehind(data.size(), options, debug);
    if (!zeroed.ok()) return zeroed;
    return Count(data, FSWritableFileOwnerWrapper::Append(data, options, debug));
  }
  rocksdb::IOStatus Append(
      const rocksdb::Slice& data,
      const rocksdb::IOOptions& options,
      const rocksdb::DataVerificationInfo& verification,
      rocksdb::IODebugContext* debug) override {
    rocksdb::IOStatus zeroed = ZeroBehind(data.size(), options, debug);
    if (!zeroed.ok()) return zeroed;
    return Count(data, FSWritableFileOwnerWrapper::Append(data, options, verification, debug));
  }
  // Leaves the file as long as what was appended to it.
  rocksdb::IOStatus Close(
      const rocksdb::IOOptions& options, rocksdb::IODebugContext* debug) override {
    rocksdb::IOStatus closed = ahead_->Close(options, debug);
    rocksdb::IOStatus truncated = FSWritableFileOwnerWrapper::Truncate(written_, options, debug);
    rocksdb::IOStatus own = FSWritableFileOwnerWrapper::Close(options, debug);
    if (!closed.ok()) return closed;
    return truncated.ok() ? own : truncated;
  }

 private:
  // Zeros behind the `bytes` that come next, if they would make the file longer.
  rocksdb::IOStatus ZeroBehind(
      size_t bytes, const rocksdb::IOOptions& options, rocksdb::IODebugContext* debug) {
    static const std::string kZeros(kAheadBytes, '\0');
    const uint64_t end = written_ + bytes;
    if (end <= length_ || bytes >= kLargeAppendBytes) return rocksdb::IOStatus::OK();
    rocksdb::IOStatus status = ahead_->Write(end, kZeros, options, debug);
    if (status.ok()) length_ = end + kZeros.size();
    return status;
  }
  rocksdb::IOStatus Count(const rocksdb::Slice& data, const rocksdb::IOStatus& status) {
    if (status.ok()) written_ += data.size();
    return status;
  }

  const std::unique_ptr<rocksdb::FSRandomRWFile> ahead_;
  uint64_t written_ = 0;
  uint64_t length_ = 0;  // with the zeros, if the last append was not behind them
};

class ZeroingFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  explicit ZeroingFileSystem(const std::shared_ptr<rocksdb::FileSystem>& target)
      : FileSystemWrapper(target) {}

  const char* Name() const override { return "perdure.ZeroingFileSystem"; }

  rocksdb::IOStatus NewWritableFile(
      const std::string& path,
      const rocksdb::FileOptions& options,
      std::unique_ptr<rocksdb::FSWritableFile>* result,
      rocksdb::IODebugContext* debug) override {
    rocksdb::IOStatus status = FileSystemWrapper::NewWritableFile(path, options, result, debug);
    if (!status.ok() || !path.ends_with(".log")) return status;
    std::unique_ptr<rocksdb::FSRandomRWFile> ahead;
    rocksdb::IOStatus opened = NewRandomRWFile(path, options, &ahead, debug);
    if (opened.ok()) {
      *result = std::make_unique<ZeroedLogFile>(std::move(*result), std::move(ahead));
    }
    return opened;
  }
};

}  // namespace

std::shared_ptr<rocksdb::FileSystem> ZeroLogFilesAhead(
    const std::shared_ptr<rocksdb::FileSystem>& target) {
  return std::make_shared<ZeroingFileSystem>(target);
}

}  // namespace perdure
