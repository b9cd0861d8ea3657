// SPDX-License-Identifier: Apache-2.0
//
// A file system that writes zeros ahead of the end of each log file, so that a sync finds the size
// and the blocks of the file as they were and writes its bytes only. Measured on ext4 with appends
// of 5 KiB: 110 us for a sync instead of 180, and 40 us of CPU time instead of 70.
#pragma once

#include <rocksdb/file_system.h>

#include <memory>

namespace perdure {

// Log files of a process that was killed, or whose disk lost power, end with zeros; those that were
// closed do not. RocksDB skips zeros behind the last record of a block of the log, and WalChain
// stops the replay if that was a page that was lost between two others.
std::shared_ptr<rocksdb::FileSystem> ZeroLogFilesAhead(
    const std::shared_ptr<rocksdb::FileSystem>& target);

}  // namespace perdure
