#include "edge/journal/cursor.hpp"

#include <algorithm>

#include "edge/journal/packing.hpp"
#include "edge/journal/reader.hpp"
#include "model/batch.hpp"

namespace vedette::journal {

void Cursor::init(const platform::Folder& folder, std::size_t longest_block) {
  folder_ = folder;
  block_.resize(longest_block);
  unpacked_.reserve(kUnpackedBytes);
}

bool Cursor::begin(std::uint64_t segment) {
  auto opened = folder_.open(segment_name(segment), platform::OpenFor::reading);
  file_ = opened ? std::move(opened).value() : platform::StorageFile();
  segment_ = segment;
  at_ = 0;
  return file_.valid();
}

// Opens the newest segment whose first batch is not after `batch`, else the oldest.
bool Cursor::find(std::uint64_t batch) {
  const std::vector<std::uint64_t> segments = list_segments(folder_);
  for (std::size_t i = segments.size(); i-- > 0;) {
    const std::uint64_t first = first_batch_of(folder_, segments[i]);
    if (first != 0 && (first <= batch || i == 0)) {
      return begin(segments[i]);
    }
  }
  return false;
}

bool Cursor::read_head(std::uint64_t at, BlockHeader& head) const {
  return file_.read_whole(at, {reinterpret_cast<std::uint8_t*>(&head), sizeof head}) &&
         head.magic == kBlockMagic && head.version == kFormatVersion && head.segment == segment_;
}

// Sets at_ to the block that contains `next`, and reads its header.
bool Cursor::find_block(std::uint64_t next, BlockHeader& head) {
  for (;;) {
    const bool there = read_head(at_, head);
    if (!there && (at_ == 0 || !begin(segment_ + 1))) {
      return false;
    }
    if (there && head.last_batch >= next) {
      first_behind_ = head.first_batch > next ? head.first_batch : 0;
      return head.first_batch <= next;
    }
    at_ += there ? block_bytes(head.length) : 0;
  }
}

// Whether the next block, here or in the next segment, has begun: the writer syncs each block
// before it writes another.
bool Cursor::is_followed(const BlockHeader& head) const {
  if (head.kind == BlockKind::archived) {
    return true;
  }
  BlockHeader next{};
  if (read_head(at_ + block_bytes(head.length), next)) {
    return next.block == head.block + 1;
  }
  return folder_.read_at(segment_name(segment_ + 1), 0,
                         {reinterpret_cast<std::uint8_t*>(&next), sizeof next}) &&
         next.magic == kBlockMagic && next.block == head.block + 1;
}

std::uint64_t Cursor::newest() {
  const std::vector<std::uint64_t> segments = list_segments(folder_);
  std::uint64_t newest = 0;
  for (std::size_t i = segments.size(); i-- > 0 && newest == 0;) {
    if (!begin(segments[i])) {
      continue;
    }
    for (BlockHeader head{}; read_head(at_, head); at_ += block_bytes(head.length)) {
      newest = std::max(newest, head.last_batch);
    }
  }
  close();
  return newest;
}

// Empty if the block does not verify.
Bytes Cursor::batches_of(const BlockHeader& head) {
  if (block_bytes(head.length) > block_.size()) {
    return {};
  }
  const std::span<std::uint8_t> payload(block_.data(), head.length);
  if (!file_.read_whole(at_ + sizeof head, payload) || block_crc(head, payload) != head.crc) {
    return {};
  }
  return batches_in(head, payload, unpacked_);
}

bool Cursor::read(std::uint64_t next, std::uint64_t through,
                  const std::function<bool(Bytes)>& visit) {
  if (next < last_wanted_) {
    file_ = {};
  }
  last_wanted_ = next;
  first_behind_ = 0;
  BlockHeader head{};
  if ((!file_.valid() && !find(next)) || !find_block(next, head)) {
    file_ = {};
    return false;
  }
  bool any = false, on = true;
  if (through == kFollowed ? is_followed(head) : head.last_batch <= through) {
    for_each_batch(batches_of(head), [&](const BatchHeader& header, Bytes batch) {
      if (on && header.number == next) {
        on = visit(batch);
        any = true;
        ++next;
      }
    });
  }
  if (!any) {
    const bool damaged = through == kFollowed && is_followed(head);
    first_behind_ = damaged ? head.last_batch + 1 : 0;
    file_ = {};  // search again
  }
  return any;
}

}  // namespace vedette::journal
