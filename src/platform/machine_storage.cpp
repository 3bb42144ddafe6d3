// The machine's own disk: a file's number is its descriptor.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>

#include "platform/file.hpp"
#include "platform/storage.hpp"

namespace vedette::platform {
namespace {

// What write_zeros() writes; shared, because nobody changes it.
alignas(kDirectBytes) std::uint8_t g_zeros[kZeroBytes];

int errno_unless(bool success) {
  return success ? 0 : errno;
}

Result<int, int> open_file(void*, const std::string& path, OpenFor purpose) {
  if (purpose == OpenFor::reading) {
    auto file = open_plain(path);
    return file ? Result<int, int>(file.value().release()) : Failure{file.error()};
  }
  constexpr mode_t kMode = 0640;
  int flags = O_WRONLY | O_CREAT | O_CLOEXEC;
  if (purpose == OpenFor::writing) {
    const int file = ::open(path.c_str(), flags, kMode);
    return file >= 0 ? Result<int, int>(file) : Failure{errno};
  }
  flags |= O_TRUNC;
  int file = ::open(path.c_str(), flags | O_DIRECT, kMode);
  if (file < 0 && errno == EINVAL) {  // a file system without O_DIRECT
    file = ::open(path.c_str(), flags, kMode);
  }
  return file >= 0 ? Result<int, int>(file) : Failure{errno};
}

void close_file(void*, int file) {
  ::close(file);
}

Result<std::uint64_t, int> size_of(void*, int file) {
  struct stat info {};
  if (::fstat(file, &info) != 0) {
    return Failure{errno};
  }
  return static_cast<std::uint64_t>(info.st_size);
}

Result<std::size_t, int> read_at(void*, int file, std::uint64_t at, std::span<std::uint8_t> into) {
  std::size_t done = 0;
  while (done < into.size()) {
    const ssize_t got =
        ::pread(file, into.data() + done, into.size() - done, static_cast<off_t>(at + done));
    if (got < 0) {
      return Failure{errno};
    }
    if (got == 0) {
      break;
    }
    done += static_cast<std::size_t>(got);
  }
  return done;
}

void read_ahead(void*, int file) {
  ::posix_fadvise(file, 0, 0, POSIX_FADV_WILLNEED);
}

// Ordinary calls, not io_uring: the kernel ends an asynchronous O_DIRECT write in a worker that is
// bound to a core, where it starves for seconds beside a busy thread
// (docs/decisions/0009-journal-by-ordinary-calls.md).
int write_synced(void*, int file, std::uint64_t at, Bytes bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (wrote <= 0) {
      return wrote < 0 ? errno : ENOSPC;
    }
    at += static_cast<std::uint64_t>(wrote);
    bytes = bytes.subspan(static_cast<std::size_t>(wrote));
  }
  return errno_unless(::fdatasync(file) == 0);
}

int write_zeros(void*, int file, std::uint64_t at, std::uint64_t bytes) {
  for (const std::uint64_t end = at + bytes; at < end;) {
    std::array<iovec, 16> pieces{};
    int count = 0;
    for (std::uint64_t left = end - at; left > 0 && count < static_cast<int>(pieces.size());) {
      const std::size_t n = static_cast<std::size_t>(std::min<std::uint64_t>(kZeroBytes, left));
      pieces[static_cast<std::size_t>(count++)] = {g_zeros, n};
      left -= n;
    }
    const ssize_t wrote = ::pwritev(file, pieces.data(), count, static_cast<off_t>(at));
    if (wrote < 0) {
      return errno;
    }
    if (wrote == 0 || wrote % static_cast<ssize_t>(kDirectBytes) != 0) {
      return ENOSPC;
    }
    at += static_cast<std::uint64_t>(wrote);
  }
  return 0;
}

int sync_file(void*, int file) {
  return errno_unless(::fsync(file) == 0);
}

int truncate_file(void*, int file, std::uint64_t bytes) {
  return errno_unless(::ftruncate(file, static_cast<off_t>(bytes)) == 0);
}

int rename_file(void*, const std::string& from, const std::string& to) {
  return errno_unless(::rename(from.c_str(), to.c_str()) == 0);
}

int remove_file(void*, const std::string& path) {
  return errno_unless(::unlink(path.c_str()) == 0);
}

Fd open_folder(const std::string& path) {
  return Fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

int sync_folder(void*, const std::string& path) {
  const Fd folder = open_folder(path);
  return errno_unless(folder.valid() && ::fsync(folder.get()) == 0);
}

// Finds the holder in /proc/locks, "1: FLOCK ADVISORY WRITE 1234 08:01:5678 0 EOF"; empty if
// unknown.
std::string lock_holder(int folder) {
  struct stat info {};
  if (::fstat(folder, &info) != 0) {
    return {};
  }
  char place[64];
  std::snprintf(place, sizeof place, " %02x:%02x:%llu ", major(info.st_dev), minor(info.st_dev),
                static_cast<unsigned long long>(info.st_ino));
  constexpr std::size_t kLocksBytes = std::size_t{1} << 20;
  const std::string locks = read_text_file("/proc/locks", kLocksBytes).value_or(std::string());
  std::size_t at = locks.find(place);
  const std::size_t line = at == std::string::npos ? at : locks.rfind('\n', at) + 1;
  if (at == std::string::npos || locks.substr(line, at - line).find("FLOCK") == std::string::npos) {
    return {};
  }
  const std::size_t before = locks.rfind(' ', at - 1);
  return "process " + locks.substr(before + 1, at - before - 1);
}

// Locks the folder itself, so that one node owns it whichever files are removed.
Result<int, int> lock_folder(void*, const std::string& path, std::string& holder) {
  holder.clear();
  Fd folder = open_folder(path);
  if (folder.valid() && ::flock(folder.get(), LOCK_EX | LOCK_NB) == 0) {
    return folder.release();
  }
  const int error = errno;
  if (folder.valid() && error == EWOULDBLOCK) {
    holder = lock_holder(folder.get());
  }
  return Failure{error};
}

constexpr StorageCalls kMachine{
    .open = open_file,
    .close = close_file,
    .size = size_of,
    .read_at = read_at,
    .read_ahead = read_ahead,
    .write_synced = write_synced,
    .write_zeros = write_zeros,
    .sync = sync_file,
    .truncate = truncate_file,
    .rename = rename_file,
    .remove = remove_file,
    .sync_folder = sync_folder,
    .make_folders = [](void*, const std::string& path) { return make_folders(path); },
    .list = [](void*, const std::string& path) { return list_folder(path); },
    .lock = lock_folder,
};

}  // namespace

Storage machine_storage() {
  return {&kMachine, nullptr};
}

}  // namespace vedette::platform
