#include "sim/disk_calls.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <vector>

using namespace vedette;

namespace {

int failed(int error) {
  errno = error;
  return -1;
}

std::size_t bytes_of(const iovec* pieces, int count) {
  std::size_t bytes = 0;
  for (int i = 0; i < count; ++i) {
    bytes += pieces[i].iov_len;
  }
  return bytes;
}

// The first `bytes` of the pieces in one write.
ssize_t write_part(int fd, const iovec* pieces, int count, std::size_t bytes, off_t at) {
  std::vector<std::uint8_t> part;
  for (int i = 0; i < count; ++i) {
    const auto* from = static_cast<const std::uint8_t*>(pieces[i].iov_base);
    part.insert(part.end(), from, from + pieces[i].iov_len);
  }
  return __real_pwrite(fd, part.data(), bytes, at);
}

bool is_tracked_file(int fd) {
  struct stat info {};
  return ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
}

}  // namespace

extern "C" {

ssize_t __real_write(int fd, const void* data, std::size_t bytes);
ssize_t __real_writev(int fd, const iovec* pieces, int count);
ssize_t __real_pwritev(int fd, const iovec* pieces, int count, off_t at);
int __real_remove(const char* path);

int __wrap_open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  if (!sim::is_simulated(path)) {
    return __real_open(path, flags, mode);
  }
  if (const int error = sim::before_open(path, flags); error != 0) {
    return failed(error);
  }
  const bool was_there = (flags & O_CREAT) == 0 || ::access(path, F_OK) == 0;
  const int fd = __real_open(path, flags, mode);
  if (fd >= 0) {
    sim::after_open(path, flags, was_there, fd);
  }
  return fd;
}

int __wrap_close(int fd) {
  sim::before_close(fd);
  return __real_close(fd);
}

ssize_t __wrap_pwrite(int fd, const void* data, std::size_t bytes, off_t at) {
  if (const int error = sim::before_write(fd, at, bytes); error != 0) {
    return failed(error);
  }
  return __real_pwrite(fd, data, bytes, at);
}

ssize_t __wrap_pwritev(int fd, const iovec* pieces, int count, off_t at) {
  const std::size_t all = bytes_of(pieces, count);
  std::size_t bytes = all;
  if (const int error = sim::before_write(fd, at, bytes); error != 0) {
    return failed(error);
  }
  return bytes == all ? __real_pwritev(fd, pieces, count, at)
                      : write_part(fd, pieces, count, bytes, at);
}

// At the descriptor's place, which LMDB sets and files that are written from their start have.
ssize_t __wrap_write(int fd, const void* data, std::size_t bytes) {
  const off_t at = is_tracked_file(fd) ? ::lseek(fd, 0, SEEK_CUR) : 0;
  if (const int error = sim::before_write(fd, at, bytes); error != 0) {
    return failed(error);
  }
  return __real_write(fd, data, bytes);
}

ssize_t __wrap_writev(int fd, const iovec* pieces, int count) {
  if (!is_tracked_file(fd)) {
    return __real_writev(fd, pieces, count);
  }
  const off_t at = ::lseek(fd, 0, SEEK_CUR);
  const ssize_t wrote = __wrap_pwritev(fd, pieces, count, at);
  ::lseek(fd, at + (wrote > 0 ? wrote : 0), SEEK_SET);
  return wrote;
}

int __wrap_fdatasync(int fd) {
  const int error = sim::on_sync(fd);
  return error == 0 ? 0 : failed(error);
}

int __wrap_fsync(int fd) {
  return __wrap_fdatasync(fd);
}

int __wrap_ftruncate(int fd, off_t bytes) {
  const int error = sim::before_truncate(fd, bytes);
  return error == 0 ? __real_ftruncate(fd, bytes) : failed(error);
}

int __wrap_rename(const char* from, const char* to) {
  if (!sim::is_simulated(to)) {
    return __real_rename(from, to);
  }
  if (const int error = sim::before_naming(); error != 0) {
    return failed(error);
  }
  std::string aside = sim::keep_aside(to);
  const int result = __real_rename(from, to);
  if (result == 0) {
    sim::after_rename(from, to, std::move(aside));
  }
  return result;
}

int __wrap_unlink(const char* path) {
  if (!sim::is_simulated(path)) {
    return __real_unlink(path);
  }
  if (const int error = sim::before_naming(); error != 0) {
    return failed(error);
  }
  std::string aside = sim::keep_aside(path);
  const int result = __real_unlink(path);
  if (result == 0) {
    sim::after_remove(path, std::move(aside));
  }
  return result;
}

int __wrap_remove(const char* path) {
  return sim::is_simulated(path) ? __wrap_unlink(path) : __real_remove(path);
}
}
