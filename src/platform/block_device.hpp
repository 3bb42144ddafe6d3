// Purpose: a whole disk, or a file that stands for one: reads and writes that pass the page cache,
// and a stream of writes by io_uring. Offsets and sizes are whole blocks of 4 KiB.
// Errors are errno values. Runs on: cold threads.
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

// Memory that the device can be read into and written from directly.
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
  // O_DIRECT where the file system has it. 0 or errno.
  int open(const std::string& path, bool write);
  int fd() const { return fd_.get(); }
  Result<std::uint64_t, int> bytes() const;
  // All of `into`, or an error; EIO also for an end that comes too early.
  int read(std::uint64_t offset, std::span<std::uint8_t> into) const;
  // `bytes` of the block at `offset`, which may be a file's last and shorter than `block`.
  int read_end(std::uint64_t offset, std::span<std::uint8_t> block, std::size_t bytes) const;
  int write(std::uint64_t offset, Bytes from) const;
  int sync() const;

 private:
  Fd fd_;
};

// Writes a stream from `offset` on, a few chunks in flight at a time.
class BlockStream {
 public:
  BlockStream();
  ~BlockStream();
  int start(const BlockDevice& device, std::uint64_t offset);
  // At most kChunkBytes, all but the last a whole chunk; the rest of its last block becomes zeros.
  int put(Bytes chunk);
  // All that was put is on the device, synced.
  int finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace vedette::platform
