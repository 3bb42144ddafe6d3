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

// Whole file, at most `limit` bytes (errno EFBIG beyond); gzip is unpacked when the name ends in
// .gz.
Result<std::vector<std::uint8_t>, int> read_file(const std::string& path, std::size_t limit);
// The same of a plain file, into memory that is not cleared and is used again for the next: the
// kernel's clearing of new pages takes as long as the reading. 0 or errno.
struct FileBytes {
  std::unique_ptr<std::uint8_t[]> data;
  std::size_t size = 0;
  std::size_t room = 0;
  operator Bytes() const { return {data.get(), size}; }
};
int read_plain_file(const std::string& path, std::size_t limit, FileBytes& into);
std::optional<std::string> read_text_file(const std::string& path, std::size_t limit);

// Written beside, synced, renamed over: the file is the old one or the new one. 0 or errno.
int write_file_durably(const std::string& path, Bytes content);

int make_folders(const std::string& path);                      // 0 or errno; existing is fine
std::vector<std::string> list_folder(const std::string& path);  // names, sorted
bool exists(const std::string& path);
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

// A device that is only written to; never waits.
Result<Fd, int> open_for_writing(const std::string& path);

// Advisory lock on DIR/lock, so that one node owns a data folder. Empty when it was taken.
std::string lock_folder(const std::string& folder, Fd& lock);

}  // namespace vedette::platform
