#include "edge/journal/cursor.hpp"

#include "edge/journal/packing.hpp"
#include "edge/journal/reader.hpp"
#include "model/batch.hpp"

namespace vedette::journal {

void Cursor::init(const platform::Folder& folder, std::size_t longest_block) {
  folder_ = folder;
  block_.resize(longest_block);
  unpacked_.resize(kUnpackedBytes);
}

bool Cursor::begin(std::uint64_t segment) {
  auto opened = folder_.open(segment_name(segment), platform::OpenFor::reading);
  file_ = opened ? std::move(opened).value() : platform::StorageFile();
  segment_ = segment;
  at_ = 0;
  return file_.valid();
}

// Opens the newest segment whose first batch is not after `batch`.
bool Cursor::find(std::uint64_t batch) {
  const std::vector<std::uint64_t> segments = list_segments(folder_);
  for (std::size_t i = segments.size(); i-- > 0;) {
    const std::uint64_t first = first_batch_of(folder_, segments[i]);
    if (first != 0 && first <= batch) {
      return begin(segments[i]);
    }
  }
  return false;
}

// Sets at_ to the block that contains `next`, and reads its header.
bool Cursor::find_block(std::uint64_t next, BlockHeader& head) {
  const std::span<std::uint8_t> bytes(reinterpret_cast<std::uint8_t*>(&head), sizeof head);
  for (;;) {
    const bool there = file_.read_whole(at_, bytes) && head.magic == kBlockMagic &&
                       head.version == kFormatVersion && head.segment == segment_;
    if (!there && (at_ == 0 || !begin(segment_ + 1))) {
      return false;
    }
    if (there && head.last_batch >= next) {
      return head.first_batch <= next;
    }
    at_ += there ? block_bytes(head.length) : 0;
  }
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
  if (head.kind != BlockKind::packed) {
    return payload;
  }
  if (head.unpacked_bytes > unpacked_.size()) {
    return {};
  }
  const std::span<std::uint8_t> batches(unpacked_.data(), head.unpacked_bytes);
  return unpack(payload, batches) ? Bytes(batches) : Bytes();
}

bool Cursor::read(std::uint64_t next, std::uint64_t through,
                  const std::function<bool(Bytes)>& visit) {
  if (next < last_wanted_) {
    file_ = {};
  }
  last_wanted_ = next;
  BlockHeader head{};
  if ((!file_.valid() && !find(next)) || !find_block(next, head)) {
    file_ = {};
    return false;
  }
  bool any = false, on = true;
  if (head.last_batch <= through) {
    for_each_batch(batches_of(head), [&](const BatchHeader& header, Bytes batch) {
      if (on && header.number == next) {
        on = visit(batch);
        any = true;
        ++next;
      }
    });
  }
  if (!any) {
    file_ = {};  // search again
  }
  return any;
}

}  // namespace vedette::journal
