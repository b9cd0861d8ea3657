// SPDX-License-Identifier: Apache-2.0
//
// POSIX calls with their retries. Everything that must survive a power cut is synced here: the
// bytes of a file first, then the folder that names it.
#include "store/posix_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

namespace perdure {
namespace {

// Closes on every path out of a function.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

}  // namespace

Error PosixError(const std::string& action, const std::string& path) {
  const int number = errno;
  return Error{
      ErrorCode::kUnavailable,
      "cannot " + action + " " + path + ": " + std::generic_category().message(number)};
}

Status SyncFolder(const std::string& path) {
  const Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0) return PosixError("open the folder", path);
  if (::fsync(folder.get()) != 0) return PosixError("sync the folder", path);
  return OkStatus();
}

Status CreateFolderDurably(const std::string& path) {
  namespace fs = std::filesystem;
  std::vector<fs::path> missing;
  std::error_code code;
  for (fs::path at = fs::absolute(path, code); !at.empty(); at = at.parent_path()) {
    if (at.filename().empty() && at != at.root_path()) continue;  // a trailing slash
    if (fs::exists(at, code)) break;
    missing.push_back(at);
  }
  while (!missing.empty()) {
    const fs::path folder = std::move(missing.back());
    missing.pop_back();
    if (::mkdir(folder.c_str(), 0750) != 0 && errno != EEXIST) {
      return PosixError("create the folder", folder.string());
    }
    Status synced = SyncFolder(folder.parent_path().string());
    if (!synced.ok()) return synced;
  }
  if (!fs::is_directory(path, code)) {
    return InvalidArgument("cannot use " + path + " as data folder: it is not a folder");
  }
  return OkStatus();
}

Result<std::optional<std::string>> ReadSmallFile(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) {
    if (errno == ENOENT) return std::optional<std::string>();
    return PosixError("open", path);
  }
  std::string content;
  std::array<char, 512> buffer{};
  for (;;) {
    const ssize_t count = ::read(file.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return PosixError("read", path);
    if (count == 0) return std::optional<std::string>(std::move(content));
    content.append(buffer.data(), static_cast<size_t>(count));
  }
}

Status WriteAtStart(int fd, const std::string& path, BytesView content) {
  size_t done = 0;
  while (done < content.size()) {
    const ssize_t count =
        ::pwrite(fd, content.data() + done, content.size() - done, static_cast<off_t>(done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return PosixError("write", path);
    done += static_cast<size_t>(count);
  }
  return OkStatus();
}

Result<uint64_t> FreeBytes(const std::string& path) {
  struct statvfs info {};
  if (::statvfs(path.c_str(), &info) != 0) return PosixError("look at the disk of", path);
  if (info.f_blocks == 0) {
    return Error{ErrorCode::kUnavailable, "the file system of " + path + " does not tell its size"};
  }
  return static_cast<uint64_t>(info.f_bavail) * info.f_frsize;
}

Status ReplaceFile(const std::string& path, BytesView content, bool sync) {
  const std::string temporary = path + ".new";
  const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
  {
    const Descriptor file(::open(temporary.c_str(), flags, 0640));
    if (file.get() < 0) return PosixError("create", temporary);
    Status written = WriteAtStart(file.get(), temporary, content);
    if (!written.ok()) return written;
    if (sync && ::fsync(file.get()) != 0) return PosixError("sync", temporary);
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return PosixError("replace", path);
  if (!sync) return OkStatus();
  return SyncFolder(std::filesystem::path(path).parent_path().string());
}

}  // namespace perdure
