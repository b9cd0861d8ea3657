// SPDX-License-Identifier: Apache-2.0
//
// Test hook: a file system that notes how far each log file was synced, also by RocksDB itself, in
// a file beside the database. The crash test takes from a killed server's folder whatever no sync
// had covered. It changes nothing about what is written or synced, and is never there in
// production.
#pragma once

#include "perdure/base/result.h"

#include <rocksdb/file_system.h>

#include <memory>
#include <string>

namespace perdure {

// After every sync of a log file, before it returns, one line "<file name> <bytes>" is appended to
// `record`, by one write; the bytes are those written before the sync was called. The file is made
// at once, so that an empty one says that nothing was synced.
Result<std::shared_ptr<rocksdb::FileSystem>> RecordLogSyncs(
    const std::shared_ptr<rocksdb::FileSystem>& target, const std::string& record);

}  // namespace perdure
