// SPDX-License-Identifier: Apache-2.0
//
// Asks RocksDB to compact a table file that consists mostly of deletions, so that they reach the
// rows they delete and disk is given back. Unlike RocksDB's own collectors it counts single
// deletes, which is what the journal is deleted with, and it sees a small file, which never fills a
// window.
#pragma once

#include <rocksdb/table_properties.h>

#include <memory>

namespace perdure {

std::shared_ptr<rocksdb::TablePropertiesCollectorFactory> CompactFilesOfDeletions();

}  // namespace perdure
