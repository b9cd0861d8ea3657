// SPDX-License-Identifier: Apache-2.0
//
// What lies in the data folder beside the database: the lock that keeps other processes out, the
// format number, and the mark of what was synced. The mark is written after every sync and never
// synced itself: it is there to notice a disk that lost what it had promised, not to prove
// anything. Nothing here reads the database.
#pragma once

#include "perdure/base/result.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace perdure {

struct SyncMark {
  uint64_t sequence = 0;    // everything up to here was synced; 0: nothing was
  uint64_t log_number = 0;  // the log file that holds `sequence`
  uint64_t log_needed = 0;  // log files with smaller numbers are in table files completely
  bool loss_found = false;  // an open found less than this; stays until an operator decides
};

struct LogFile {
  uint64_t number = 0;
  std::string name;
};

class DataFolder {
 public:
  // Locks the folder and checks its format. With `create`, makes what is missing, durably.
  static Result<std::unique_ptr<DataFolder>> Open(const std::string& path, bool create);
  ~DataFolder();
  DataFolder(const DataFolder&) = delete;
  DataFolder& operator=(const DataFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string database_path() const { return path_ + "/db"; }

  SyncMark mark() const;
  // Thread: any, for these three. What is not given stays as it is.
  Status MarkSynced(uint64_t sequence, uint64_t log_number);
  Status MarkLoss();
  // Durable when it returns, unlike the others: log files are deleted after this.
  Status MarkNeeded(uint64_t log_needed);

  // The log files of the database.
  std::vector<LogFile> LogFiles() const;
  // Whether the file begins with something that looks like a record, so that it once had some and
  // has not lost all.
  bool HasRecords(const LogFile& file) const;

 private:
  explicit DataFolder(std::string path) : path_(std::move(path)) {}

  Status Lock();
  Status CheckFormat(bool create);
  Status OpenMark();
  // REQUIRES: mark_mutex_ is held.
  Status WriteMark();

  std::string path_;
  int lock_fd_ = -1;
  int mark_fd_ = -1;
  mutable std::mutex mark_mutex_;
  SyncMark mark_;
};

}  // namespace perdure
