// Purpose: follows a journal that is being written, from one batch on, a block at a time.
// In: the folder, the next batch, the last durable batch or kFollowed. Out: batches in order.
// Bound: memory for one block, packed and unpacked, allocated at init(). When the batch is not
// there or its block does not verify: read() is false, and searches again at the next call; the
// caller decides how long to wait. The writer may drop a segment at any time. Runs on: one warm
// thread.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "edge/journal/format.hpp"
#include "platform/storage.hpp"

namespace vedette::journal {

class Cursor {
 public:
  static std::size_t bytes_needed(std::size_t longest_block) {
    return longest_block + kUnpackedBytes;
  }
  // `longest_block`: Writer::longest_block() of the same plan.
  void init(const platform::Folder& folder, std::size_t longest_block);
  // Visits the batches from `next` on of the block that contains it, until `visit` is false. A
  // block that ends after `through` is not read, because its sync may be under way. kFollowed: nor
  // is one without a block behind it, which tells another process that it is synced. True if at
  // least one batch was visited.
  static constexpr std::uint64_t kFollowed = 0;
  bool read(std::uint64_t next, std::uint64_t through, const std::function<bool(Bytes)>& visit);
  // After a read() that is false: the first later batch that the journal has; 0 if it has none.
  // Those between are gone: dropped at the journal's bound, if it is in the oldest segment, else
  // never recorded or damaged.
  std::uint64_t first_behind() const { return first_behind_; }
  std::uint64_t segment() const { return segment_; }
  // The newest batch that the journal has; 0 if it has none.
  std::uint64_t newest();
  // Until the next read() no file is open.
  void close() { file_ = {}; }

 private:
  bool find(std::uint64_t batch);
  bool begin(std::uint64_t segment);
  bool read_head(std::uint64_t at, BlockHeader& head) const;
  bool is_followed(const BlockHeader& head) const;
  bool find_block(std::uint64_t next, BlockHeader& head);
  Bytes batches_of(const BlockHeader& head);

  platform::Folder folder_;
  std::vector<std::uint8_t> block_, unpacked_;
  platform::StorageFile file_;
  std::uint64_t segment_ = 0;
  std::uint64_t first_behind_ = 0;
  std::uint64_t at_ = 0;           // offset of the next block in it
  std::uint64_t last_wanted_ = 0;  // earlier batches are before at_
};

}  // namespace vedette::journal
