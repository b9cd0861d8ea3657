// SPDX-License-Identifier: Apache-2.0
//
// A folder that is gone after the test, a file system that knows what was synced, and the power
// cut: a copy of a live data folder in which every log file ends where its last sync left it.
#pragma once

#include "perdure/store/database.h"
#include "store/rocks_database.h"

#include <gtest/gtest.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace perdure {

class TestFolder {
 public:
  TestFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "perdure-store-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~TestFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// Passes everything on and remembers, per file, how many bytes a sync has covered.
class SyncTrackingFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  SyncTrackingFileSystem() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "SyncTrackingFileSystem"; }

  rocksdb::IOStatus NewWritableFile(
      const std::string& name,
      const rocksdb::FileOptions& options,
      std::unique_ptr<rocksdb::FSWritableFile>* result,
      rocksdb::IODebugContext* debug) override {
    std::unique_ptr<rocksdb::FSWritableFile> file;
    const rocksdb::IOStatus status =
        FileSystemWrapper::NewWritableFile(name, options, &file, debug);
    if (status.ok()) *result = std::make_unique<File>(std::move(file), *this, name);
    return status;
  }

  uint64_t SyncedBytes(const std::string& name) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return files_[name].synced;
  }
  uint64_t WrittenBytes(const std::string& name) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return files_[name].written;
  }

 private:
  struct Extent {
    uint64_t written = 0;
    uint64_t synced = 0;
  };

  class File final : public rocksdb::FSWritableFileOwnerWrapper {
   public:
    File(
        std::unique_ptr<rocksdb::FSWritableFile> file,
        SyncTrackingFileSystem& owner,
        std::string name)
        : FSWritableFileOwnerWrapper(std::move(file)), owner_(owner), name_(std::move(name)) {
      const std::lock_guard<std::mutex> lock(owner_.mutex_);
      owner_.files_[name_] = Extent{};
    }
    rocksdb::IOStatus Append(
        const rocksdb::Slice& data,
        const rocksdb::IOOptions& options,
        rocksdb::IODebugContext* debug) override {
      Grow(data.size());
      return FSWritableFileOwnerWrapper::Append(data, options, debug);
    }
    rocksdb::IOStatus Append(
        const rocksdb::Slice& data,
        const rocksdb::IOOptions& options,
        const rocksdb::DataVerificationInfo& verification,
        rocksdb::IODebugContext* debug) override {
      Grow(data.size());
      return FSWritableFileOwnerWrapper::Append(data, options, verification, debug);
    }
    rocksdb::IOStatus Sync(
        const rocksdb::IOOptions& options, rocksdb::IODebugContext* debug) override {
      NoteSync();
      return FSWritableFileOwnerWrapper::Sync(options, debug);
    }
    rocksdb::IOStatus Fsync(
        const rocksdb::IOOptions& options, rocksdb::IODebugContext* debug) override {
      NoteSync();
      return FSWritableFileOwnerWrapper::Fsync(options, debug);
    }

   private:
    void Grow(size_t bytes) {
      const std::lock_guard<std::mutex> lock(owner_.mutex_);
      owner_.files_[name_].written += bytes;
    }
    void NoteSync() {
      const std::lock_guard<std::mutex> lock(owner_.mutex_);
      Extent& extent = owner_.files_[name_];
      extent.synced = extent.written;
    }

    SyncTrackingFileSystem& owner_;
    const std::string name_;
  };

  std::mutex mutex_;
  std::map<std::string, Extent> files_;
};

inline void CopyFolder(const std::string& from, const std::string& to) {
  std::filesystem::remove_all(to);
  std::filesystem::copy(from, to, std::filesystem::copy_options::recursive);
}

// Log files of a data folder, oldest first.
inline std::vector<std::string> LogFileNames(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder + "/db")) {
    if (entry.path().extension() == ".log") names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

inline void CutLogFile(const std::string& folder, const std::string& name, uint64_t bytes) {
  std::filesystem::resize_file(folder + "/db/" + name, bytes);
}

// What a power cut leaves of bytes that were not synced in a file whose length was.
inline void ZeroLogFile(
    const std::string& folder, const std::string& name, uint64_t from, uint64_t bytes) {
  std::fstream file(folder + "/db/" + name, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(static_cast<std::streamoff>(from));
  file << std::string(bytes, '\0');
}

inline std::string ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

inline uint64_t LengthWithoutZeros(const std::string& folder, const std::string& name) {
  return ReadText(folder + "/db/" + name).find_last_not_of('\0') + 1;
}

inline void WriteText(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

inline DatabaseOptions OptionsFor(const std::string& folder) {
  DatabaseOptions options;
  options.folder = folder;
  return options;
}

inline std::unique_ptr<Database> MustOpen(const DatabaseOptions& options) {
  Result<std::unique_ptr<Database>> database = Database::Open(options);
  if (!database.ok()) {
    ADD_FAILURE() << database.error().message;
    std::abort();
  }
  return std::move(database).value();
}

// The message with which the folder is refused; empty if it is not.
inline std::string RefusalOf(const DatabaseOptions& options) {
  Result<std::unique_ptr<Database>> database = Database::Open(options);
  return database.ok() ? std::string() : database.error().message;
}

inline rocksdb::DB& Raw(Database& database) {
  return *dynamic_cast<RocksDatabase&>(database).raw();
}

inline void MustWrite(Database& database, StateTxn& txn) {
  const Status written = database.Write(txn);
  ASSERT_TRUE(written.ok()) << written.error().message;
}

// Waits until RocksDB has nothing left to flush or to compact. The files that this made superfluous
// are deleted then.
inline void WaitForBackgroundWork(Database& database) {
  using Properties = rocksdb::DB::Properties;
  auto& own = dynamic_cast<RocksDatabase&>(database);
  std::vector<rocksdb::ColumnFamilyHandle*> families(
      own.tables().families.begin(), own.tables().families.end());
  families.push_back(own.raw()->DefaultColumnFamily());
  const auto busy = [&] {
    uint64_t sum = 0;
    for (rocksdb::ColumnFamilyHandle* family : families) {
      for (const std::string* name :
           {&Properties::kNumImmutableMemTable,
            &Properties::kMemTableFlushPending,
            &Properties::kCompactionPending,
            &Properties::kNumRunningFlushes,
            &Properties::kNumRunningCompactions}) {
        uint64_t value = 0;
        EXPECT_TRUE(own.raw()->GetIntProperty(family, *name, &value)) << *name;
        sum += value;
      }
    }
    return sum > 0;
  };
  while (busy()) {
    // Sleeps: between two looks; this RocksDB has no call that waits for its compactions.
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

inline void PutRow(
    Database& database, Family family, const std::string& key, const std::string& value) {
  const std::unique_ptr<StateTxn> txn = database.Begin();
  txn->Put(family, key, value);
  MustWrite(database, *txn);
}

inline void MustSync(Database& database) {
  const Status synced = database.Sync();
  ASSERT_TRUE(synced.ok()) << synced.error().message;
}

inline std::string TurnKey(int turn) {
  std::string digits = std::to_string(turn);
  return "t" + std::string(4 - digits.size(), '0') + digits;
}

// Turns write to two families, as a hop from one partition to another does.
inline void WriteTurns(Database& database, int from, int to) {
  for (int turn = from; turn < to; ++turn) {
    const auto txn = database.Begin();
    txn->Put(Family::kState, TurnKey(turn), "sender");
    txn->Put(Family::kQueue, TurnKey(turn), "receiver");
    MustWrite(database, *txn);
  }
}

inline bool Has(Database& database, int turn) {
  const bool sender = database.Begin()->Get(Family::kState, TurnKey(turn)).has_value();
  const bool receiver = database.Begin()->Get(Family::kQueue, TurnKey(turn)).has_value();
  EXPECT_EQ(sender, receiver) << "half of turn " << turn;
  return sender;
}

inline int CountTurns(Database& database, int from, int to) {
  int count = 0;
  for (int turn = from; turn < to; ++turn) {
    count += Has(database, turn) ? 1 : 0;
  }
  return count;
}

}  // namespace perdure
