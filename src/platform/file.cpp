#include "platform/file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <thread>

#include "platform/hot_thread.hpp"

namespace vedette::platform {

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) {
      ::close(fd_);
    }
    fd_ = other.release();
  }
  return *this;
}
Fd::~Fd() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}
int Fd::release() {
  const int fd = fd_;
  fd_ = -1;
  return fd;
}

std::string error_text(int error) {
  return error == kNotPlain ? "is no plain file, but a pipe, a device or a socket"
                            : std::strerror(error);
}

// Never waits, as opening a pipe that nobody writes into would.
Result<Fd, int> open_plain(const std::string& path) {
  Fd file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  struct stat info {};
  if (!file.valid() || ::fstat(file.get(), &info) != 0) {
    return Failure{errno};
  }
  if (!S_ISREG(info.st_mode)) {
    return Failure{S_ISDIR(info.st_mode) ? EISDIR : kNotPlain};
  }
  return file;
}

Result<std::vector<std::uint8_t>, int> read_file(const std::string& path, std::size_t limit) {
  const auto file = open_plain(path);
  if (!file) {
    return Failure{file.error()};
  }
  struct stat info {};
  ::fstat(file.value().get(), &info);
  // A piece is as large as a small file, whose reading would else cost more in fresh pages than in
  // bytes.
  const std::size_t piece =
      std::clamp<std::size_t>(static_cast<std::size_t>(info.st_size) + 1, 1 << 12, 1 << 18);
  std::vector<std::uint8_t> content;
  for (;;) {
    const std::size_t used = content.size();
    content.resize(used + piece);
    const ssize_t got = ::read(file.value().get(), content.data() + used, piece);
    content.resize(used + static_cast<std::size_t>(got > 0 ? got : 0));
    if (got < 0) {
      return Failure{errno};
    }
    if (content.size() > limit) {
      return Failure{EFBIG};
    }
    if (got == 0) {
      return content;
    }
  }
}

struct FileInReading::State {
  std::unique_ptr<std::uint8_t[]> memory;
  std::size_t room = 0;
  Fd file;
  std::size_t size = 0;
  // Pairs release stores of the reading thread with acquire loads: the bytes before their number.
  std::atomic<std::size_t> there{0};
  std::atomic<bool> ended{false}, stop{false};
  std::atomic<int> error{0};
  std::thread thread;

  void read_all() {
    constexpr std::size_t kPiece = std::size_t{1} << 20;
    std::size_t got = 0;
    while (got < size && !stop.load(std::memory_order_relaxed)) {
      const auto n = ::read(file.get(), memory.get() + got, std::min(kPiece, size - got));
      if (n <= 0) {  // 0: cut shorter meanwhile
        error.store(n < 0 ? errno : EIO, std::memory_order_relaxed);
        break;
      }
      got += static_cast<std::size_t>(n);
      there.store(got, std::memory_order_release);
    }
    ended.store(true, std::memory_order_release);
  }
  void end() {
    stop.store(true, std::memory_order_relaxed);
    if (thread.joinable()) {
      thread.join();
    }
  }
};

FileInReading::FileInReading() : state_(std::make_unique<State>()) {}
FileInReading::~FileInReading() {
  state_->end();
}

Result<std::size_t, int> FileInReading::start(const std::string& path, std::size_t limit) {
  State& s = *state_;
  s.end();
  auto opened = open_plain(path);
  if (!opened) {
    return Failure{opened.error()};
  }
  s.file = std::move(opened).value();
  struct stat info {};
  ::fstat(s.file.get(), &info);
  s.size = static_cast<std::size_t>(info.st_size);
  if (s.size > limit) {
    return Failure{EFBIG};
  }
  if (s.size > s.room) {
    s.memory.reset();
    s.memory = std::make_unique_for_overwrite<std::uint8_t[]>(s.size);
    s.room = s.size;
  }
  s.there.store(0);
  s.ended.store(false);
  s.stop.store(false);
  s.error.store(0);
  s.thread = std::thread([&s] { s.read_all(); });
  return s.size;
}

bool FileInReading::wait_for(std::size_t bytes) {
  State& s = *state_;
  std::size_t there = s.there.load(std::memory_order_acquire);
  while (there < bytes && !s.ended.load(std::memory_order_acquire)) {
    rest_ns(20'000);
    there = s.there.load(std::memory_order_acquire);
  }
  return s.there.load(std::memory_order_acquire) >= bytes;
}

const std::uint8_t* FileInReading::data() const {
  return state_->memory.get();
}

int FileInReading::error() const {
  return state_->error.load(std::memory_order_relaxed);
}

void read_ahead(const std::string& path) {
  if (const auto file = open_plain(path)) {
    ::posix_fadvise(file.value().get(), 0, 0, POSIX_FADV_WILLNEED);
  }
}

bool read_at(const std::string& path, std::uint64_t offset, std::span<std::uint8_t> into) {
  const auto file = open_plain(path);
  return file && ::pread(file.value().get(), into.data(), into.size(),
                         static_cast<off_t>(offset)) == static_cast<ssize_t>(into.size());
}

std::optional<std::string> read_text_file(const std::string& path, std::size_t limit) {
  const auto file = open_plain(path);
  if (!file) {
    return std::nullopt;
  }
  constexpr std::size_t kPiece = 4096;
  std::string text;
  std::size_t used = 0;
  while (used < limit) {
    text.resize(std::min(limit, used + std::max(used, kPiece)));
    const auto got = ::read(file.value().get(), text.data() + used, text.size() - used);
    if (got <= 0) {
      break;
    }
    used += static_cast<std::size_t>(got);
  }
  text.resize(used);
  return text;
}

int write_file_durably(const std::string& path, Bytes content) {
  const std::string beside = path + ".new";
  {
    const Fd fd(::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640));
    if (!fd.valid()) {
      return errno;
    }
    std::size_t done = 0;
    while (done < content.size()) {
      const auto wrote = ::write(fd.get(), content.data() + done, content.size() - done);
      if (wrote < 0) {
        return errno;
      }
      done += static_cast<std::size_t>(wrote);
    }
    if (::fsync(fd.get()) != 0) {
      return errno;
    }
  }
  return rename_durably(beside, path);
}

int rename_durably(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) {
    return errno;
  }
  const std::size_t slash = to.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : to.substr(0, slash + 1);
  const Fd dir(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return dir.valid() && ::fsync(dir.get()) == 0 ? 0 : errno;
}

int copy_into_memory(const std::string& path, Fd& copy) {
  const Fd from(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  copy = Fd(::memfd_create("copy", MFD_CLOEXEC));
  if (!from.valid() || !copy.valid()) {
    return errno;
  }
  for (;;) {
    const ssize_t sent = ::sendfile(copy.get(), from.get(), nullptr, 1 << 20);
    if (sent <= 0) {
      return sent < 0 ? errno : 0;
    }
  }
}

int make_folders(const std::string& path) {
  for (std::size_t at = 1; at <= path.size(); ++at) {
    if (at == path.size() || path[at] == '/') {
      if (::mkdir(path.substr(0, at).c_str(), 0750) != 0 && errno != EEXIST) {
        return errno;
      }
    }
  }
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    return errno;
  }
  return S_ISDIR(info.st_mode) ? 0 : ENOTDIR;
}

std::vector<std::string> list_folder(const std::string& path) {
  std::vector<std::string> names;
  if (DIR* dir = ::opendir(path.c_str()); dir != nullptr) {
    while (const dirent* entry = ::readdir(dir)) {
      const std::string name = entry->d_name;
      if (name != "." && name != "..") {
        names.push_back(name);
      }
    }
    ::closedir(dir);
  }
  std::sort(names.begin(), names.end());
  return names;
}

int remove_folder(const std::string& path) {
  constexpr int kOpenFolders = 8;
  const auto remove_one = [](const char* name, const struct stat*, int, struct FTW*) {
    return ::remove(name);
  };
  return ::nftw(path.c_str(), remove_one, kOpenFolders, FTW_DEPTH | FTW_PHYS) == 0 ? 0 : errno;
}

bool exists(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

Result<Fd, int> open_for_writing(const std::string& path) {
  Fd fd(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid()) {
    return Failure<int>{errno};
  }
  return fd;
}

int unwritable(const std::string& folder) {
  return ::access(folder.c_str(), W_OK | X_OK) == 0 ? 0 : errno;
}

bool is_plain_file(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

namespace {

// From /proc/locks, "1: FLOCK ADVISORY WRITE 1234 08:01:5678 0 EOF"; empty: it does not say.
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

}  // namespace

int lock_folder(const std::string& folder, Fd& lock, std::string& holder) {
  holder.clear();
  lock = Fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!lock.valid()) {
    return errno;
  }
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) {
    return 0;
  }
  const int error = errno;
  if (error == EWOULDBLOCK) {
    holder = lock_holder(lock.get());
  }
  lock = {};
  return error;
}

}  // namespace vedette::platform
