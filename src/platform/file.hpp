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
// A plain file read from its beginning by a thread of its own, into memory that is used again for
// the next one: whoever works on it need not wait for all of it, nor for the kernel to clear pages.
class FileInReading {
 public:
  FileInReading();
  ~FileInReading();
  // Ends the file before. Its size, at most `limit` (EFBIG beyond), or errno.
  Result<std::size_t, int> start(const std::string& path, std::size_t limit);
  // Waits until its first `bytes` are there; false when they cannot be read.
  bool wait_for(std::size_t bytes);
  const std::uint8_t* data() const;
  // Of reading; 0 while there is none.
  int error() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};
// All of `into` from `offset` on; false when the file is not there or ends before.
bool read_at(const std::string& path, std::uint64_t offset, std::span<std::uint8_t> into);
// Asks the system to have it in memory soon.
void read_ahead(const std::string& path);
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

// Advisory lock on the folder itself, so that one node owns a data folder whatever is removed from
// it. 0: taken; EWOULDBLOCK: another process has it, which `holder` names where the system says;
// or errno.
int lock_folder(const std::string& folder, Fd& lock, std::string& holder);

}  // namespace vedette::platform
