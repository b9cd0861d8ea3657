// SPDX-License-Identifier: Apache-2.0
//
// Open: lock, format, recover, compare with the mark, count the start, each step before the next.
// The mark names the log file in which the newest synced write lies: if that file is still needed,
// the chain of records has to reach the write; if it is not, its rows are in table files already.
#include "store/rocks_database.h"

#include "perdure/base/assert.h"
#include "perdure/base/log.h"
#include "store/recording_file_system.h"
#include "store/rocks_options.h"
#include "store/zeroed_log_files.h"

#include <rocksdb/file_system.h>
#include <rocksdb/listener.h>
#include <rocksdb/transaction_log.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <system_error>
#include <utility>

namespace perdure {
namespace {

// ON DISK: a row of the default family.
constexpr BytesView kStartCounterKey = "start_counter";
// Rows written through WriteMeta begin with this, so they cannot collide with the database's own.
constexpr BytesView kMetaPrefix = "m/";

class LogListener final : public rocksdb::EventListener {
 public:
  LogListener(std::shared_ptr<std::atomic<bool>> switched, DataFolder& folder)
      : switched_(std::move(switched)), folder_(folder) {}

  // A memtable is sealed when its log file is: inside the write that found it full, or by
  // StartFlush.
  void OnMemTableSealed(const rocksdb::MemTableInfo& /*info*/) override {
    switched_->store(true, std::memory_order_release);
  }

  // Comes after the manifest was written and before the flush deletes log files: a later start must
  // not take rows for lost whose log file is gone because they are in tables.
  void OnFlushCompleted(rocksdb::DB* db, const rocksdb::FlushJobInfo& /*info*/) override {
    uint64_t log_needed = 0;
    const bool known =
        db->GetIntProperty(rocksdb::DB::Properties::kMinLogNumberToKeep, &log_needed);
    PERDURE_ASSERT(known);
    const Status marked = folder_.MarkNeeded(log_needed);
    if (!marked.ok()) StorageFailed("mark", rocksdb::Status::IOError(marked.error().message));
  }

 private:
  std::shared_ptr<std::atomic<bool>> switched_;
  DataFolder& folder_;
};

Error RocksError(const std::string& action, const rocksdb::Status& status) {
  const ErrorCode code = status.IsCorruption() ? ErrorCode::kCorrupt : ErrorCode::kUnavailable;
  return Error{code, "cannot " + action + ": " + status.ToString()};
}

}  // namespace

Result<std::unique_ptr<Database>> Database::Open(const DatabaseOptions& options) {
  return RocksDatabase::Open(options);
}

Result<std::unique_ptr<Database>> RocksDatabase::Open(const DatabaseOptions& options) {
  Result<std::unique_ptr<DataFolder>> folder =
      DataFolder::Open(options.folder, options.create_if_missing);
  if (!folder.ok()) return folder.error();

  std::unique_ptr<RocksDatabase> database(new RocksDatabase());
  database->folder_ = std::move(folder).value();
  Status opened = database->OpenRocks(options);
  if (!opened.ok()) return opened.error();
  if (database->chain_) {
    Status complete = database->CheckMark();
    if (!complete.ok()) return complete.error();
  }
  Status counted = database->CountStart();
  if (!counted.ok()) return counted.error();
  return std::unique_ptr<Database>(std::move(database));
}

Status RocksDatabase::OpenRocks(const DatabaseOptions& options) {
  const SyncMark mark = folder_->mark();
  if (mark.loss_found) return LossError("an earlier start has found this");
  const std::string path = folder_->database_path();
  std::error_code code;
  created_ = !std::filesystem::exists(path + "/CURRENT", code);
  if (created_ && mark.sequence != 0) return LossError("the database itself is missing");

  Result<rocksdb::Env*> env = ChooseEnv(options);
  if (!env.ok()) return env.error();
  found_logs_ = folder_->LogFiles();
  if (!options.test_skip_prefix_proof) {
    std::vector<uint64_t> emptied;
    for (const LogFile& file : found_logs_) {
      if (!folder_->HasRecords(file)) emptied.push_back(file.number);
    }
    chain_ = std::make_unique<WalChain>(std::move(emptied));
  }
  rocksdb::DBOptions db_options = MakeDbOptions(options, env.value(), chain_.get());
  log_switched_ = std::make_shared<std::atomic<bool>>(true);
  db_options.listeners.push_back(std::make_shared<LogListener>(log_switched_, *folder_));

  std::vector<rocksdb::ColumnFamilyDescriptor> families = MakeFamilies(options);
  std::vector<rocksdb::ColumnFamilyDescriptor> to_create;
  if (created_) {
    // Made together they cost one rewrite of the options file; Open would do one for each.
    to_create.assign(families.begin() + 1, families.end());
    families.resize(1, families.front());
  }
  rocksdb::DB* db = nullptr;
  rocksdb::Status status = rocksdb::DB::Open(db_options, path, families, &handles_, &db);
  if (!status.ok()) return RocksError("open the database in " + path, status);
  db_.reset(db);
  if (!to_create.empty()) {
    std::vector<rocksdb::ColumnFamilyHandle*> made;
    status = db->CreateColumnFamilies(to_create, &made);
    handles_.insert(handles_.end(), made.begin(), made.end());
    if (!status.ok()) return RocksError("create the database in " + path, status);
  }
  PERDURE_ASSERT(handles_.size() == kFamilyCount + 1);
  tables_.db = db;
  std::copy(handles_.begin() + 1, handles_.end(), tables_.families.begin());
  return OkStatus();
}

Result<rocksdb::Env*> RocksDatabase::ChooseEnv(const DatabaseOptions& options) {
  std::shared_ptr<rocksdb::FileSystem> files = rocksdb::FileSystem::Default();
  if (options.test_file_system) {
    files = std::static_pointer_cast<rocksdb::FileSystem>(options.test_file_system);
  }
  files = ZeroLogFilesAhead(files);
  if (options.record_synced) {
    Result<std::shared_ptr<rocksdb::FileSystem>> recording =
        RecordLogSyncs(files, folder_->path() + "/wal-synced");
    if (!recording.ok()) return recording.error();
    files = std::move(recording).value();
  }
  own_env_ = rocksdb::NewCompositeEnv(files);
  return own_env_.get();
}

Status RocksDatabase::CheckMark() {
  if (MarkIsRecovered(folder_->mark())) return OkStatus();
  // Recovery has thrown the rest of the log away, so the next start could not see the loss any
  // more.
  Status noted = folder_->MarkLoss();
  if (!noted.ok()) return noted;
  return LossError("writes were recovered up to number " + std::to_string(chain_->end()));
}

bool RocksDatabase::MarkIsRecovered(const SyncMark& mark) const {
  if (mark.sequence == 0 || chain_->end() >= mark.sequence) return true;
  if (mark.log_number < std::max(chain_->log_needed(), mark.log_needed)) return true;
  // The process may have ended after a flush wrote the manifest and before the mark said so. Then
  // the log file is still there and was skipped, as were all older ones.
  const bool skipped = chain_->first_log() == 0 || chain_->first_log() > mark.log_number;
  const bool present =
      std::any_of(found_logs_.begin(), found_logs_.end(), [&mark](const LogFile& file) {
        return file.number == mark.log_number;
      });
  return skipped && present && !chain_->EmptiedUpTo(mark.log_number);
}

Error RocksDatabase::LossError(const std::string& found) const {
  const SyncMark mark = folder_->mark();
  return Error{
      ErrorCode::kCorrupt,
      "the data folder " + folder_->path() + " has lost writes that were already durable: up to " +
          "number " + std::to_string(mark.sequence) + " (log file " +
          std::to_string(mark.log_number) + ") they were synced, but " + found +
          ". The disk or its file system lost them, or files of the folder were removed or " +
          "replaced. Restore the folder from a backup. To go on with what is left, and lose what " +
          "was acknowledged, delete the file " + folder_->path() + "/wal-mark"};
}

Status RocksDatabase::CountStart() {
  std::string text;
  const rocksdb::Status read =
      db_->Get(rocksdb::ReadOptions(), handles_[0], ToSlice(kStartCounterKey), &text);
  if (!read.ok() && !read.IsNotFound()) return RocksError("read the start counter", read);
  if (read.ok()) {
    const char* end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, start_counter_);
    if (parsed.ec != std::errc() || parsed.ptr != end) {
      return Error{ErrorCode::kCorrupt, "the start counter in " + folder_->path() + " is damaged"};
    }
  }
  ++start_counter_;
  rocksdb::WriteBatch batch;
  const rocksdb::Status put =
      batch.Put(handles_[0], ToSlice(kStartCounterKey), std::to_string(start_counter_));
  if (!put.ok()) return RocksError("count the start", put);
  Status written = WriteBatch(&batch);
  if (!written.ok()) return written;
  return Sync();
}

RocksDatabase::~RocksDatabase() {
  if (!db_) return;
  for (rocksdb::ColumnFamilyHandle* handle : handles_) {
    const rocksdb::Status status = db_->DestroyColumnFamilyHandle(handle);
    if (!status.ok()) PERDURE_LOG(kWarn, "storage_close", {{"error", status.ToString()}});
  }
  const rocksdb::Status status = db_->Close();
  if (!status.ok()) PERDURE_LOG(kWarn, "storage_close", {{"error", status.ToString()}});
}

std::unique_ptr<StateTxn> RocksDatabase::Begin() {
  return std::make_unique<RocksTxn>(tables_, pool_);
}

std::unique_ptr<StateReader> RocksDatabase::Snapshot() {
  return std::make_unique<RocksSnapshot>(tables_);
}

std::optional<std::string> RocksDatabase::FindInMemory(Family family, BytesView key) const {
  return FindRowInMemory(tables_, family, key);
}

Status RocksDatabase::Write(StateTxn& txn) {
  auto* own = dynamic_cast<RocksTxn*>(&txn);
  PERDURE_INVARIANT(own != nullptr, "the transaction is not of this kind of store");
  PERDURE_ASSERT(!own->empty());
  Status written = WriteBatch(own->Spend(tables_));
  // After the write, so that a flush that begins with this number covers as many.
  if (own->delete_count() > 0) {
    deletes_written_.fetch_add(own->delete_count(), std::memory_order_release);
  }
  return written;
}

// Every family at once, because a log file goes when no family needs it any more. Memtables are
// sealed here, one after another and without a write in between, so that one log file is begun, as
// it is when a write finds its memtable full. The flush itself is RocksDB's, with the same syncs of
// the log before it as any other.
bool RocksDatabase::StartFlush() {
  for (rocksdb::ColumnFamilyHandle* handle : handles_) {
    uint64_t sealed = 0;
    const bool known =
        db_->GetIntProperty(handle, rocksdb::DB::Properties::kNumImmutableMemTable, &sealed);
    PERDURE_ASSERT(known);
    // Another one would wait in memory, and too many stop the writers.
    if (sealed > 0) return false;
  }
  rocksdb::FlushOptions options;
  options.wait = false;
  options.allow_write_stall = true;  // with false it may wait, and the writers behind it
  const std::lock_guard<std::mutex> lock(write_mutex_);
  const rocksdb::Status status = db_->Flush(options, handles_);
  if (!status.ok()) StorageFailed("flush", status);
  return true;
}

Status RocksDatabase::WriteBatch(rocksdb::WriteBatch* batch) {
  rocksdb::WriteOptions options;  // logged, not synced
  const std::lock_guard<std::mutex> lock(write_mutex_);
  const rocksdb::Status status = db_->Write(options, batch);
  if (!status.ok()) return RocksError("write", status);
  return NoteLogEnd();
}

Status RocksDatabase::NoteLogEnd() {
  // Log files are switched inside a write or under the same mutex, so after a write the current one
  // is the one that holds it.
  if (log_switched_->exchange(false, std::memory_order_acq_rel)) {
    std::unique_ptr<rocksdb::LogFile> file;
    const rocksdb::Status status = db_->GetCurrentWalFile(&file);
    if (!status.ok()) return RocksError("find the current log file", status);
    current_log_ = file->LogNumber();
  }
  const std::lock_guard<std::mutex> lock(log_end_mutex_);
  log_end_ = LogEnd{db_->GetLatestSequenceNumber(), current_log_};
  return OkStatus();
}

Status RocksDatabase::Sync() {
  LogEnd end;
  {
    const std::lock_guard<std::mutex> lock(log_end_mutex_);
    end = log_end_;
  }
  // What is visible now; a write that has not returned yet may be part of it.
  const uint64_t visible = db_->GetLatestSequenceNumber();
  if (visible == synced_sequence_) return OkStatus();
  const rocksdb::Status status = db_->SyncWAL();
  if (!status.ok()) return RocksError("sync the log", status);
  Status marked = folder_->MarkSynced(end.sequence, end.log_number);
  if (!marked.ok()) return marked;
  synced_sequence_ = visible;
  return OkStatus();
}

std::optional<std::string> RocksDatabase::ReadMeta(BytesView key) const {
  std::string value;
  const std::string row = std::string(kMetaPrefix) + std::string(key);
  const rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), handles_[0], row, &value);
  if (status.ok()) return value;
  if (!status.IsNotFound()) StorageFailed("read", status);
  return std::nullopt;
}

Status RocksDatabase::WriteMeta(BytesView key, BytesView value) {
  const std::string row = std::string(kMetaPrefix) + std::string(key);
  rocksdb::WriteBatch batch;
  const rocksdb::Status put = batch.Put(handles_[0], row, ToSlice(value));
  if (!put.ok()) return RocksError("write a row", put);
  Status written = WriteBatch(&batch);
  if (!written.ok()) return written;
  return Sync();
}

}  // namespace perdure
