// SPDX-License-Identifier: Apache-2.0
//
// Every RocksDB option that is not the default, in one place, each with its reason. The options
// that recovery depends on are pinned here and nowhere else; do not change one of those without the
// tests wal_chain_test and crash_recovery_test.
#pragma once

#include "perdure/store/database.h"

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/options.h>
#include <rocksdb/wal_filter.h>

#include <string>
#include <vector>

namespace perdure {

// `env` and `filter` outlive the database opened with the result; `filter` may be null.
rocksdb::DBOptions MakeDbOptions(
    const DatabaseOptions& options, rocksdb::Env* env, rocksdb::WalFilter* filter);

// The default family, which holds the database's own rows, then the families in the order of
// Family.
std::vector<rocksdb::ColumnFamilyDescriptor> MakeFamilies(const DatabaseOptions& options);

}  // namespace perdure
