// Purpose: archives a segment that is no longer written: copies it into few large deflated blocks,
// with the same state, the same batches and the same place in the chain. In: a whole segment of the
// folder. Out: the file kName, synced, for the writer to rename over the segment. Bound: a slice a
// call; a block no longer than a reader expects. A state that does not deflate to a quarter of the
// longest is copied. Fails as: `left`, and the segment stays as it is: when it is archived already,
// damaged, or the disk takes nothing. Runs on: the journal thread, when it has nothing to write.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "edge/journal/format.hpp"
#include "platform/storage.hpp"

struct z_stream_s;

namespace vedette::journal {

class Archiver {
 public:
  static constexpr const char* kName = "archive";
  static constexpr std::size_t kSliceBytes = std::size_t{64}
                                             << 10;  // deflated in a millisecond or two

  Archiver() = default;
  Archiver(const Archiver&) = delete;
  Archiver& operator=(const Archiver&) = delete;

  static std::size_t bytes_needed(std::size_t longest_block, std::size_t longest_state) {
    return longest_block + most_written(longest_block, longest_state) + kUnpackedBytes +
           kDeflateBytes;
  }
  void init(const platform::Folder& folder, std::size_t longest_block, std::size_t longest_state);

  void begin(std::uint64_t segment);
  bool busy() const { return at_work_; }
  std::uint64_t segment() const { return segment_; }
  std::uint64_t bytes() const { return out_at_; }  // of the result
  enum class State { working, done, left };
  // A slice of the work; after `done` or `left` it is idle. `room` has space for a segment's first
  // block; its content is lost.
  State work(std::span<std::uint8_t> room);

 private:
  struct EndDeflate {
    void operator()(z_stream_s* stream) const;
  };
  static constexpr std::size_t kDeflateBytes = std::size_t{270} << 10;  // zlib's own
  static constexpr std::size_t kStateShare = 4;
  static std::size_t most_written(std::size_t longest_block, std::size_t longest_state) {
    return block_bytes(std::max(longest_block, longest_state / kStateShare));
  }
  // One block of the result.
  struct Chunk {
    BlockHeader head{};
    ArchiveHead archive{};
  };
  // The state that is being deflated.
  struct StateWork {
    BlockHeader head{};  // as it stands in the segment
    std::uint64_t at = 0;
    std::uint64_t left = 0;  // bytes; 0: none is
    std::uint32_t crc = 0;
  };

  bool take_block(std::span<std::uint8_t> room, bool& end);
  bool begin_state(const BlockHeader& head);
  bool take_state(std::span<std::uint8_t> room);
  bool end_state();
  bool take_batches(const BlockHeader& head);
  bool copy(const BlockHeader& head, std::span<std::uint8_t> room);
  bool fits(std::size_t bytes) const;
  void begin_deflate(std::size_t heads, std::size_t room);
  bool feed(Bytes bytes, bool last);
  bool end_chunk();
  bool write(BlockHeader& head);

  platform::Folder folder_;
  std::size_t longest_block_ = 0;
  platform::StorageFile in_, out_;
  bool at_work_ = false;
  std::uint64_t segment_ = 0;
  std::uint64_t at_ = 0, out_at_ = 0;
  std::uint64_t last_block_ = 0, chain_ = 0;  // of the last block read
  std::vector<std::uint8_t> payload_, unpacked_, block_;
  Bytes batches_;  // of the last block, from here on to be deflated
  Chunk chunk_;
  StateWork state_;
  std::unique_ptr<z_stream_s, EndDeflate> stream_;
};

// False unless `deflated`, any bytes, holds exactly out.size() bytes.
bool inflate_batches(Bytes deflated, std::span<std::uint8_t> out);

}  // namespace vedette::journal
