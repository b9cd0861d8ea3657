// SPDX-License-Identifier: Apache-2.0
//
// Options by access pattern: what all families share, then what sets one apart. Memory is bounded
// by two numbers of DatabaseOptions; everything else follows from them.
#include "store/rocks_options.h"

#include "perdure/base/limits.h"
#include "perdure/base/log.h"
#include "store/deletion_share.h"

#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/table_properties_collectors.h>

#include <cstddef>
#include <cstdint>
#include <memory>

namespace perdure {
namespace {

using limits::kMiB;

// A quarter of the budget, so that one busy family cannot fill it before the others are flushed.
constexpr size_t kWriteBufferParts = 4;

// A failed flush or compaction makes the next write fail, which ends the process; this says why.
class BackgroundErrorReporter final : public rocksdb::EventListener {
 public:
  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* error) override {
    PERDURE_LOG(
        kError,
        "storage_background_error",
        {{"reason", static_cast<int>(reason)}, {"error", error->ToString()}});
  }
};

void PinRecovery(rocksdb::DBOptions& db) {
  // Stops at the first damaged record and keeps what is before it. The stricter mode refuses the
  // torn record that every power cut leaves, the laxer ones skip over holes.
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  // What was recovered, also a tail that was never synced, is in synced files when Open returns;
  // effects derived from it can go at once.
  db.avoid_flush_during_recovery = false;
  // 7.8 tracks a synced size that SyncWAL has not reached yet, and then refuses a good folder.
  db.track_and_verify_wals_in_manifest = false;
  // A recycled file holds old records behind the new ones: a lost tail would look like a valid one.
  db.recycle_log_file_num = 0;
  // Sequence numbers grow in the order of the log; the proof of the prefix depends on it.
  db.enable_pipelined_write = false;
  db.unordered_write = false;
  db.two_write_queues = false;
  // Each write reaches the file before it returns: a killed process loses nothing.
  db.manual_wal_flush = false;
  // Retrying after a failed sync would lie about what the disk holds.
  db.max_bgerror_resume_count = 0;
  db.paranoid_checks = true;
}

rocksdb::BlockBasedTableOptions SharedTableOptions(const DatabaseOptions& options) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(options.block_cache_bytes, -1, false, 0.5);
  // Index and filter blocks count against the cache; otherwise memory grows with the data.
  table.cache_index_and_filter_blocks = true;
  table.cache_index_and_filter_blocks_with_high_priority = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  // Half the index of 4 KiB blocks; rows are small and point reads dominate.
  table.block_size = 8 * limits::kKiB;
  table.format_version = 5;
  return table;
}

rocksdb::ColumnFamilyOptions SharedFamilyOptions(const DatabaseOptions& options) {
  rocksdb::ColumnFamilyOptions family;
  family.write_buffer_size = options.write_buffers_bytes / kWriteBufferParts;
  // One active, two waiting for the single flush thread; then writes slow down instead of piling
  // up.
  family.max_write_buffer_number = 4;
  family.level_compaction_dynamic_level_bytes = true;
  family.max_bytes_for_level_base = 4 * family.write_buffer_size;
  family.target_file_size_base = 32 * kMiB;
  // The young levels are rewritten soon; compressing them costs more than it saves.
  family.compression = rocksdb::kLZ4Compression;
  family.compression_per_level = {rocksdb::kNoCompression, rocksdb::kNoCompression};
  family.compression_per_level.resize(7, rocksdb::kLZ4Compression);
  // No prefix extractor: point reads are served by whole-key filters, and a scan that crosses a
  // prefix boundary would silently miss rows.
  return family;
}

// For families that are asked for keys they do not have: new ids, absent state, absent locks.
void AddKeyFilters(rocksdb::ColumnFamilyOptions& family, rocksdb::BlockBasedTableOptions& table) {
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.optimize_filters_for_memory = true;
  family.memtable_whole_key_filtering = true;
  // 16 bits for each of the 160 k rows of 100 bytes that fit into a memtable of 16 MiB.
  family.memtable_prefix_bloom_size_ratio = 0.02;
}

// A file that is mostly deletions is compacted soon: scans walk over every tombstone, and space is
// given back only when the tombstones reach the rows. The window finds a stretch of deletions in a
// large file, the share a small file that holds little else.
void CompactDeletions(rocksdb::ColumnFamilyOptions& family, size_t window, size_t deletions) {
  family.table_properties_collector_factories.push_back(
      rocksdb::NewCompactOnDeletionCollectorFactory(window, deletions));
  family.table_properties_collector_factories.push_back(CompactFilesOfDeletions());
}

// Large entries and results are written once and read by key: beside the sorted tables compaction
// does not carry them from level to level. Measured with bodies of 64 KiB, where a third of all CPU
// time went into such copies.
void SeparateBodies(rocksdb::ColumnFamilyOptions& family) {
  family.enable_blob_files = true;
  family.min_blob_size = 4 * limits::kKiB;
  family.blob_file_size = 64 * kMiB;
  family.blob_compression_type = rocksdb::kNoCompression;  // done before: packed_value.h
  // Expired bodies leave with the compactions of their keys; one body that is kept for long must
  // not keep a whole file. Only the oldest quarter: with half of the files every compaction moved
  // so many live bodies that it took a quarter of all CPU time.
  family.enable_blob_garbage_collection = true;
  family.blob_garbage_collection_age_cutoff = 0.25;
  family.blob_garbage_collection_force_threshold = 0.5;
  // A memtable full of bodies leaves a table of a few rows, and every compaction of young tables
  // rewrites the level below, which is full of small rows: half of all CPU time with four tables
  // each. Keys are read through filters, so more young tables cost little.
  family.write_buffer_size *= 2;
  family.level0_file_num_compaction_trigger = 16;
  family.level0_slowdown_writes_trigger = 40;
  family.level0_stop_writes_trigger = 60;
}

// A memtable remembers where it last inserted behind each prefix and begins its search there. Ids
// of services without a key lie in 512 ranges and grow within each, and rows in order grow within
// their partition: their place is the one behind. Measured with 64 clients: 12 % less CPU time.
// Objects lie anywhere, so a longer prefix would only cost memory.
void HintInserts(rocksdb::ColumnFamilyOptions& family, Family family_id) {
  constexpr size_t kTableAndRange = 3;  // the table and 16 bits of a partition key, or a partition
  constexpr size_t kTableAndByte = 2;
  const bool objects = family_id == Family::kState || family_id == Family::kIndex;
  family.memtable_insert_with_hint_prefix_extractor.reset(
      rocksdb::NewFixedPrefixTransform(objects ? kTableAndByte : kTableAndRange));
}

rocksdb::ColumnFamilyOptions FamilyOptions(
    const DatabaseOptions& options, rocksdb::BlockBasedTableOptions table, Family family_id) {
  rocksdb::ColumnFamilyOptions family = SharedFamilyOptions(options);
  switch (family_id) {
    case Family::kMeta:
      break;
    case Family::kQueue:
      // Rows live for milliseconds: half of a window of deletions is the normal state of a file
      // whose rows outlived one memtable.
      CompactDeletions(family, 1024, 512);
      break;
    case Family::kJournal:
      SeparateBodies(family);
      [[fallthrough]];
    case Family::kStatus:
    case Family::kState:
    case Family::kIndex:
      AddKeyFilters(family, table);
      // Retention deletes in bulk, long after the rows were written.
      CompactDeletions(family, 4096, 3584);
      break;
  }
  HintInserts(family, family_id);
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return family;
}

}  // namespace

rocksdb::DBOptions MakeDbOptions(
    const DatabaseOptions& options, rocksdb::Env* env, rocksdb::WalFilter* filter) {
  rocksdb::DBOptions db;
  PinRecovery(db);
  db.env = env;
  db.wal_filter = filter;
  db.create_if_missing = true;
  // For a folder whose creation was cut short.
  db.create_missing_column_families = true;
  db.listeners.push_back(std::make_shared<BackgroundErrorReporter>());

  db.db_write_buffer_size = options.write_buffers_bytes;
  // Writers come one at a time (the commit log); the concurrent memtable costs them for nothing.
  db.allow_concurrent_memtable_write = false;
  // A family that is rarely written keeps old log files alive; at twice the memtables it is
  // flushed.
  db.max_total_wal_size = 2 * options.write_buffers_bytes;

  // One flush and one compaction; more would compete with the partitions for two cores.
  db.max_background_jobs = 2;
  // Dirty pages of table files go out bit by bit, so that a log sync does not wait behind them.
  db.bytes_per_sync = 1 * kMiB;
  // Bounds file descriptors and table readers together with the size of the data.
  db.max_open_files = 512;
  db.max_file_opening_threads = 1;
  db.skip_stats_update_on_db_open = true;

  db.stats_dump_period_sec = 0;
  db.stats_persist_period_sec = 0;
  db.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  db.max_log_file_size = 4 * kMiB;
  db.keep_log_file_num = 3;
  return db;
}

std::vector<rocksdb::ColumnFamilyDescriptor> MakeFamilies(const DatabaseOptions& options) {
  const rocksdb::BlockBasedTableOptions table = SharedTableOptions(options);
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  families.emplace_back(
      rocksdb::kDefaultColumnFamilyName, FamilyOptions(options, table, Family::kMeta));
  // ON DISK: names.
  families.emplace_back("meta", FamilyOptions(options, table, Family::kMeta));
  families.emplace_back("status", FamilyOptions(options, table, Family::kStatus));
  families.emplace_back("journal", FamilyOptions(options, table, Family::kJournal));
  families.emplace_back("state", FamilyOptions(options, table, Family::kState));
  families.emplace_back("queue", FamilyOptions(options, table, Family::kQueue));
  families.emplace_back("index", FamilyOptions(options, table, Family::kIndex));
  static_assert(kFamilyCount == 6);
  return families;
}

}  // namespace perdure
