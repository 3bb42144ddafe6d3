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

// Returned instead of an errno: the path is not a plain file. The functions below refuse pipes at
// once, because reading one might never end.
inline constexpr int kNotPlain = 100'000;
// Reads a whole plain file of at most `limit` bytes (errno EFBIG beyond).
Result<std::vector<std::uint8_t>, int> read_file(const std::string& path, std::size_t limit);
std::optional<std::string> read_text_file(const std::string& path, std::size_t limit);

// Writes a temporary file, syncs it and renames it: a crash leaves the old or the new file. 0 or
// errno.
// `secret`: only its owner may read it.
int write_file_durably(const std::string& path, Bytes content, bool secret = false);
// Whether anybody but its owner may read or write the file.
bool open_to_others(const std::string& path);

// An anonymous copy in memory; /proc/self/fd names it. 0 or errno.
class Fd;
int copy_into_memory(const std::string& path, Fd& copy);
int rename_durably(const std::string& from, const std::string& to);  // 0 or errno

int make_folders(const std::string& path);                      // 0 or errno; existing is fine
std::vector<std::string> list_folder(const std::string& path);  // names, sorted
bool exists(const std::string& path);
// What its file system has left for this process; nothing if it cannot say.
std::optional<std::uint64_t> free_bytes(const std::string& path);
bool enter_folder(const std::string& path);  // makes it the working folder
int remove_file(const std::string& path);    // 0 or errno
int remove_folder(const std::string& path);  // recursively; 0 or errno
std::string error_text(int error);           // of an errno, kNotPlain or Trouble

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

// Opens a plain file for reading; kNotPlain or EISDIR for others.
Result<Fd, int> open_plain(const std::string& path);

// Opens a device for writing only; never waits.
Result<Fd, int> open_for_writing(const std::string& path);

// 0, or the errno that prevents writing into a folder.
int unwritable(const std::string& folder);
// Whether the path is a plain file, or a link to one. Nothing else is opened, because opening a
// FIFO waits.
bool is_plain_file(const std::string& path);

}  // namespace vedette::platform
