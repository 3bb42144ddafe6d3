// Purpose: a whole disk, or a file in its place: reads and writes that bypass the page cache, and a
// stream of writes by io_uring. Offsets and sizes are whole blocks of 4 KiB. Errors are errno
// values. Runs on: cold threads.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "platform/file.hpp"

namespace vedette::platform {

inline constexpr std::size_t kBlockBytes = 4096;
inline constexpr std::size_t kChunkBytes = std::size_t{1} << 20;

// Aligned memory that the device reads and writes directly.
class BlockBuffer {
 public:
  explicit BlockBuffer(std::size_t bytes = kChunkBytes);
  std::span<std::uint8_t> span() { return {bytes_.get(), size_}; }

 private:
  struct Free {
    void operator()(std::uint8_t* at) const;
  };
  std::unique_ptr<std::uint8_t, Free> bytes_;
  std::size_t size_;
};

class BlockDevice {
 public:
  // Uses O_DIRECT where the file system has it. 0 or errno.
  int open(const std::string& path, bool write);
  int fd() const { return fd_.get(); }
  Result<std::uint64_t, int> bytes() const;
  // Fills `into` or fails; EIO also when the device ends early.
  int read(std::uint64_t offset, std::span<std::uint8_t> into) const;
  // Reads `bytes` of the block at `offset`, which may be a file's last and shorter than `block`.
  int read_end(std::uint64_t offset, std::span<std::uint8_t> block, std::size_t bytes) const;
  int write(std::uint64_t offset, Bytes from) const;
  int sync() const;

 private:
  Fd fd_;
};

// Writes a stream from `offset` on, with a few chunks in flight.
class BlockStream {
 public:
  BlockStream();
  ~BlockStream();
  int start(const BlockDevice& device, std::uint64_t offset);
  // At most kChunkBytes; all chunks but the last are full. Zeros pad the last block.
  int put(Bytes chunk);
  // Returns when every chunk is on the device, synced.
  int finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace vedette::platform
