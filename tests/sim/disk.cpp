#include "sim/disk.hpp"

#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace {

struct Write {
  std::string path;
  off_t at;
  std::vector<std::uint8_t> before;
  int fd;
};
std::vector<Write> g_unsynced;

std::string path_of(int fd) {
  char path[4096];
  const auto length =
      ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), path, sizeof path);
  return {path, static_cast<std::size_t>(length < 0 ? 0 : length)};
}

}  // namespace

extern "C" ssize_t __real_pwrite(int fd, const void* data, std::size_t bytes, off_t at);
extern "C" int __real_fdatasync(int fd);

extern "C" ssize_t __wrap_pwrite(int fd, const void* data, std::size_t bytes, off_t at) {
  Write write{path_of(fd), at, std::vector<std::uint8_t>(bytes), fd};
  const int read_from = ::open(write.path.c_str(), O_RDONLY | O_CLOEXEC);
  const auto got = ::pread(read_from, write.before.data(), bytes, at);
  ::close(read_from);
  write.before.resize(static_cast<std::size_t>(got < 0 ? 0 : got));
  const auto wrote = __real_pwrite(fd, data, bytes, at);
  if (wrote > 0) {
    g_unsynced.push_back(std::move(write));
  }
  return wrote;
}

extern "C" int __wrap_fdatasync(int fd) {
  const int result = __real_fdatasync(fd);
  if (result == 0) {
    std::erase_if(g_unsynced, [fd](const Write& w) { return w.fd == fd; });
  }
  return result;
}

void vedette::sim::power_cut(std::uint64_t lost) {
  for (auto write = g_unsynced.rbegin(); write != g_unsynced.rend(); ++write, lost >>= 1) {
    if ((lost & 1) != 0) {
      const int fd = ::open(write->path.c_str(), O_WRONLY | O_CLOEXEC);
      __real_pwrite(fd, write->before.data(), write->before.size(), write->at);
      ::close(fd);
    }
  }
  g_unsynced.clear();
}
