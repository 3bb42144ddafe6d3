// Purpose: files and folders for cold and warm threads. Errors are errno values or texts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace vedette::platform {

// Instead of an errno: something else than a plain file stands there. A pipe might never end, and
// is refused before it is waited for; so do all that follow here.
inline constexpr int kNotPlain = 100'000;
// Whole plain file, at most `limit` bytes (errno EFBIG beyond).
Result<std::vector<std::uint8_t>, int> read_file(const std::string& path, std::size_t limit);
std::optional<std::string> read_text_file(const std::string& path, std::size_t limit);

// Written beside, synced, renamed over: the file is the old one or the new one. 0 or errno.
int write_file_durably(const std::string& path, Bytes content);

// A copy of the file that no disk has; /proc/self/fd names it. 0 or errno.
class Fd;
int copy_into_memory(const std::string& path, Fd& copy);
int rename_durably(const std::string& from, const std::string& to);  // 0 or errno

int make_folders(const std::string& path);                      // 0 or errno; existing is fine
std::vector<std::string> list_folder(const std::string& path);  // names, sorted
bool exists(const std::string& path);
bool enter_folder(const std::string& path);  // relative paths begin there from now on
int remove_folder(const std::string& path);  // with all that is in it; 0 or errno
std::string error_text(int error);

// Owned descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Fd& operator=(Fd&& other) noexcept;
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd();
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int release();

 private:
  int fd_ = -1;
};

// A plain file to read; kNotPlain or EISDIR of others.
Result<Fd, int> open_plain(const std::string& path);

// A device that is only written to; never waits.
Result<Fd, int> open_for_writing(const std::string& path);

// 0, or why nothing can be written into a folder.
int unwritable(const std::string& folder);
// A plain file, or a link to one: nothing else is opened, a FIFO would be waited for.
bool is_plain_file(const std::string& path);

}  // namespace vedette::platform
