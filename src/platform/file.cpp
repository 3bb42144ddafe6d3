#include "platform/file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

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
  return std::strerror(error);
}

Result<std::vector<std::uint8_t>, int> read_file(const std::string& path, std::size_t limit) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    return Failure{errno};
  }
  if (S_ISDIR(info.st_mode)) {
    return Failure{EISDIR};
  }
  // zlib reads plain files as they are and unpacks gzip.
  gzFile file = ::gzopen(path.c_str(), "rb");
  if (file == nullptr) {
    return Failure{errno == 0 ? ENOMEM : errno};
  }
  ::gzbuffer(file, 1 << 17);
  std::vector<std::uint8_t> content;
  int error = 0;
  constexpr std::size_t kChunk = 1 << 18;
  while (error == 0) {
    const std::size_t used = content.size();
    content.resize(used + kChunk);
    const int got = ::gzread(file, content.data() + used, kChunk);
    content.resize(used + static_cast<std::size_t>(got > 0 ? got : 0));
    if (got < 0) {
      error = EIO;
    } else if (content.size() > limit) {
      error = EFBIG;
    } else if (got == 0) {
      break;
    }
  }
  ::gzclose(file);
  if (error != 0) {
    return Failure{error};
  }
  return content;
}

int read_plain_file(const std::string& path, std::size_t limit, FileBytes& into) {
  into.size = 0;
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info {};
  if (!file.valid() || ::fstat(file.get(), &info) != 0) {
    return errno;
  }
  const auto size = static_cast<std::size_t>(info.st_size);
  if (size > limit) {
    return EFBIG;
  }
  if (size > into.room) {
    into.data.reset();
    into.data = std::make_unique_for_overwrite<std::uint8_t[]>(size);
    into.room = size;
  }
  while (into.size < size) {
    const auto got = ::read(file.get(), into.data.get() + into.size, size - into.size);
    if (got < 0) {
      return errno;
    }
    if (got == 0) {
      break;  // cut shorter meanwhile
    }
    into.size += static_cast<std::size_t>(got);
  }
  return 0;
}

std::optional<std::string> read_text_file(const std::string& path, std::size_t limit) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) {
    return std::nullopt;
  }
  std::string text(limit, '\0');
  std::size_t used = 0;
  while (used < limit) {
    const auto got = ::read(fd.get(), text.data() + used, limit - used);
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
  if (::rename(beside.c_str(), path.c_str()) != 0) {
    return errno;
  }
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const Fd dir(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return dir.valid() && ::fsync(dir.get()) == 0 ? 0 : errno;
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

std::string lock_folder(const std::string& folder, Fd& lock) {
  const std::string path = folder + "/lock";
  lock = Fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640));
  if (!lock.valid()) {
    return "cannot open " + path + ": " + error_text(errno);
  }
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return "another node is using " + folder;
  }
  return {};
}

}  // namespace vedette::platform
