#include "platform/file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/trouble.hpp"

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
  if (const std::string_view trouble = text_of_trouble(error); !trouble.empty()) {
    return std::string(trouble);
  }
  return error == kNotPlain ? "is not a regular file but a pipe, a device or a socket"
                            : std::strerror(error);
}

// O_NONBLOCK, because opening a pipe without a writer would wait.
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
  // A small file is read in one piece of its size, because touching fresh pages costs more than
  // copying the bytes.
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

int write_file_durably(const std::string& path, Bytes content, bool secret) {
  const std::string beside = path + ".new";
  {
    const ::mode_t mode = secret ? 0600 : 0640;
    const Fd fd(::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
    // A file that is left from before keeps its mode.
    if (!fd.valid() || (secret && ::fchmod(fd.get(), mode) != 0)) {
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

int remove_file(const std::string& path) {
  return ::unlink(path.c_str()) == 0 ? 0 : errno;
}

bool open_to_others(const std::string& path) {
  struct stat facts {};
  return ::stat(path.c_str(), &facts) == 0 && (facts.st_mode & 077) != 0;
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

std::optional<std::uint64_t> free_bytes(const std::string& path) {
  struct statvfs fs = {};
  return ::statvfs(path.c_str(), &fs) == 0 ? std::optional<std::uint64_t>(fs.f_bavail * fs.f_frsize)
                                           : std::nullopt;
}

bool exists(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

bool enter_folder(const std::string& path) {
  return ::chdir(path.c_str()) == 0;
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

}  // namespace vedette::platform
