// SPDX-License-Identifier: Apache-2.0
//
// The few file operations the data folder needs, with errors as values whose message names the
// path. Not a file system: everything about tables and logs is RocksDB's.
#pragma once

#include "perdure/base/bytes.h"
#include "perdure/base/result.h"

#include <cstdint>
#include <optional>
#include <string>

namespace perdure {

// Message from errno.
Error PosixError(const std::string& action, const std::string& path);

// Makes the folder and its parents. Every parent in which an entry was made is synced.
Status CreateFolderDurably(const std::string& path);
Status SyncFolder(const std::string& path);

// Nothing if the file does not exist.
Result<std::optional<std::string>> ReadSmallFile(const std::string& path);
// Replaces the file in one step; with `sync` also durably.
Status ReplaceFile(const std::string& path, BytesView content, bool sync);

// How much may still be written to the file system of `path`.
Result<uint64_t> FreeBytes(const std::string& path);

// Writes all of `content` at the start of the file.
Status WriteAtStart(int fd, const std::string& path, BytesView content);

}  // namespace perdure
