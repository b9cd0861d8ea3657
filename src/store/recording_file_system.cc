// SPDX-License-Identifier: Apache-2.0
//
// Wraps log files only. What is appended while a sync runs is not covered by it, so the length is
// taken before.
#include "store/recording_file_system.h"

#include "store/posix_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <utility>

namespace perdure {
namespace {

// Appends lines. Thread: any; a line is one write at the end of the file.
class SyncRecord {
 public:
  explicit SyncRecord(int fd) : fd_(fd) {}
  ~SyncRecord() { ::close(fd_); }
  SyncRecord(const SyncRecord&) = delete;
  SyncRecord& operator=(const SyncRecord&) = delete;

  rocksdb::IOStatus Add(const std::string& name, uint64_t bytes) const {
    const std::string line = name + " " + std::to_string(bytes) + "\n";
    const ssize_t written = ::write(fd_, line.data(), line.size());
    if (written == static_cast<ssize_t>(line.size())) return rocksdb::IOStatus::OK();
    return rocksdb::IOStatus::IOError("cannot record a sync of " + name);
  }

 private:
  const int fd_;
};

class RecordedLogFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  RecordedLogFile(
      std::unique_ptr<rocksdb::FSWritableFile> file,
      std::shared_ptr<SyncRecord> record,
      std::string name)
      : FSWritableFileOwnerWrapper(std::move(file)),
        record_(std::move(record)),
        name_(std::move(name)) {}

  rocksdb::IOStatus Append(
      const rocksdb::Slice& data,
      const rocksdb::IOOptions& options,
      rocksdb::IODebugContext* debug) override {
    return Count(data, FSWritableFileOwnerWrapper::Append(data, options, debug));
  }
  rocksdb::IOStatus Append(
      const rocksdb::Slice& data,
      const rocksdb::IOOptions& options,
      const rocksdb::DataVerificationInfo& verification,
      rocksdb::IODebugContext* debug) override {
    return Count(data, FSWritableFileOwnerWrapper::Append(data, options, verification, debug));
  }
  rocksdb::IOStatus Sync(
      const rocksdb::IOOptions& options, rocksdb::IODebugContext* debug) override {
    const uint64_t bytes = written_.load(std::memory_order_acquire);
    return Record(bytes, FSWritableFileOwnerWrapper::Sync(options, debug));
  }
  rocksdb::IOStatus Fsync(
      const rocksdb::IOOptions& options, rocksdb::IODebugContext* debug) override {
    const uint64_t bytes = written_.load(std::memory_order_acquire);
    return Record(bytes, FSWritableFileOwnerWrapper::Fsync(options, debug));
  }

 private:
  rocksdb::IOStatus Count(const rocksdb::Slice& data, const rocksdb::IOStatus& status) {
    if (status.ok()) written_.fetch_add(data.size(), std::memory_order_release);
    return status;
  }
  rocksdb::IOStatus Record(uint64_t bytes, const rocksdb::IOStatus& status) {
    if (!status.ok()) return status;
    return record_->Add(name_, bytes);
  }

  const std::shared_ptr<SyncRecord> record_;
  const std::string name_;
  std::atomic<uint64_t> written_{0};
};

class RecordingFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  RecordingFileSystem(
      const std::shared_ptr<rocksdb::FileSystem>& target, std::shared_ptr<SyncRecord> record)
      : FileSystemWrapper(target), record_(std::move(record)) {}

  const char* Name() const override { return "perdure.RecordingFileSystem"; }

  rocksdb::IOStatus NewWritableFile(
      const std::string& path,
      const rocksdb::FileOptions& options,
      std::unique_ptr<rocksdb::FSWritableFile>* result,
      rocksdb::IODebugContext* debug) override {
    rocksdb::IOStatus status = FileSystemWrapper::NewWritableFile(path, options, result, debug);
    if (status.ok() && path.ends_with(".log")) {
      *result = std::make_unique<RecordedLogFile>(
          std::move(*result), record_, std::filesystem::path(path).filename().string());
    }
    return status;
  }

 private:
  const std::shared_ptr<SyncRecord> record_;
};

}  // namespace

Result<std::shared_ptr<rocksdb::FileSystem>> RecordLogSyncs(
    const std::shared_ptr<rocksdb::FileSystem>& target, const std::string& record) {
  const int fd = ::open(record.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  if (fd < 0) return PosixError("create", record);
  return std::shared_ptr<rocksdb::FileSystem>(
      std::make_shared<RecordingFileSystem>(target, std::make_shared<SyncRecord>(fd)));
}

}  // namespace perdure
