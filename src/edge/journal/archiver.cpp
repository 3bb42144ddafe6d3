#include "edge/journal/archiver.hpp"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "edge/journal/packing.hpp"
#include "edge/journal/reader.hpp"

namespace vedette::journal {
namespace {

constexpr int kLevel = 6;  // 9 takes three times as long for half a percent
constexpr std::size_t kHeads = sizeof(BlockHeader) + sizeof(ArchiveHead);
// What zlib may hold back, and the end of its stream.
constexpr std::size_t kHeldBack = std::size_t{72} << 10;

std::span<std::uint8_t> bytes_at(BlockHeader& head) {
  return {reinterpret_cast<std::uint8_t*>(&head), sizeof head};
}

}  // namespace

void Archiver::EndDeflate::operator()(z_stream_s* stream) const {
  deflateEnd(stream);
  delete stream;
}

void Archiver::init(const platform::Folder& folder, std::size_t longest_block,
                    std::size_t longest_state) {
  folder_ = folder;
  longest_block_ = longest_block;
  payload_.assign(longest_block, 0);
  unpacked_.assign(kUnpackedBytes, 0);
  block_.assign(most_written(longest_block, longest_state), 0);
  stream_.reset(new z_stream_s{});
  if (deflateInit(stream_.get(), kLevel) != Z_OK) {
    stream_.reset();
  }
  folder_.remove(kName);  // of a run that was killed
}

void Archiver::begin(std::uint64_t segment) {
  segment_ = segment;
  at_ = out_at_ = last_block_ = chain_ = 0;
  batches_ = {};
  chunk_ = {};
  state_ = {};
  at_work_ = true;
  auto in = folder_.open(segment_name(segment), platform::OpenFor::reading);
  auto out = folder_.open(kName, platform::OpenFor::writing);
  in_ = in ? std::move(in).value() : platform::StorageFile();
  out_ = out && out.value().truncate(0) == 0 ? std::move(out).value() : platform::StorageFile();
}

Archiver::State Archiver::work(std::span<std::uint8_t> room) {
  bool whole = in_.valid() && out_.valid() && stream_ != nullptr;
  bool end = false;
  if (whole && state_.left != 0) {
    whole = take_state(room);
  } else if (whole && !batches_.empty()) {
    const Bytes slice = batches_.first(std::min(batches_.size(), kSliceBytes));
    batches_ = batches_.subspan(slice.size());
    whole = feed(slice, false);
  } else if (whole) {
    whole = take_block(room, end);
  }
  if (whole && end) {
    const auto before = in_.size();
    whole = end_chunk() && before && out_at_ != 0 && out_at_ < before.value();
  }
  if (whole && !end) {
    return State::working;
  }
  in_ = platform::StorageFile();
  out_ = platform::StorageFile();
  at_work_ = false;
  return whole ? State::done : State::left;
}

// The segment's next block; false if it does not continue those before. `end`: there is none.
bool Archiver::take_block(std::span<std::uint8_t> room, bool& end) {
  BlockHeader head{};
  const auto got = in_.read_at(at_, bytes_at(head));
  if (!got || got.value() != sizeof head || head.magic == 0) {
    const std::span<const std::uint8_t> rest = bytes_at(head);
    end = at_ != 0 && got && std::all_of(rest.begin(), rest.end(), [](auto b) { return b == 0; });
    return end;
  }
  if (head.magic != kBlockMagic || head.version != kFormatVersion || head.segment != segment_ ||
      (at_ == 0) != (head.kind == BlockKind::segment) ||
      (at_ != 0 && (head.block != last_block_ + 1 || head.previous != chain_))) {
    return false;
  }
  const bool batches = head.kind == BlockKind::batches || head.kind == BlockKind::packed;
  if (head.kind == BlockKind::archived || (batches && block_bytes(head.length) > longest_block_)) {
    return false;
  }
  last_block_ = head.block;
  chain_ = chain_value(head);
  if (head.kind == BlockKind::segment && begin_state(head)) {
    return true;
  }
  const bool taken = batches ? take_batches(head) : end_chunk() && copy(head, room);
  at_ += block_bytes(head.length);
  return taken;
}

// False: it is short, and is copied.
bool Archiver::begin_state(const BlockHeader& head) {
  if (head.unpacked_bytes != 0 || head.length < sizeof(SegmentHeader) + limits::kBlockAlignment) {
    return false;
  }
  state_ = {head, sizeof head, head.length, block_crc(head, {})};
  begin_deflate(sizeof head + sizeof(SegmentHeader) + sizeof(ArchiveHead), block_.size());
  return true;
}

// Its next slice; the segment's header before it stays as it is.
bool Archiver::take_state(std::span<std::uint8_t> room) {
  const bool first = state_.at == sizeof(BlockHeader);
  const std::uint64_t bytes =
      first ? sizeof(SegmentHeader) : std::min<std::uint64_t>(state_.left, kSliceBytes);
  payload_.resize(bytes);
  if (!in_.read_whole(state_.at, payload_)) {
    return false;
  }
  state_.crc = crc32c(payload_, state_.crc);
  state_.at += bytes;
  state_.left -= bytes;
  if (first) {
    std::memcpy(block_.data() + sizeof(BlockHeader), payload_.data(), payload_.size());
    return true;
  }
  const bool deflated = feed(payload_, false) && (state_.left != 0 || feed({}, true));
  if (deflated && state_.left != 0) {
    return true;
  }
  state_.left = 0;
  const bool taken =
      deflated ? state_.crc == state_.head.crc && end_state() : copy(state_.head, room);
  at_ += block_bytes(state_.head.length);
  return taken;
}

bool Archiver::end_state() {
  const ArchiveHead archive{state_.head.block, chain_};
  std::memcpy(block_.data() + sizeof(BlockHeader) + sizeof(SegmentHeader), &archive,
              sizeof archive);
  BlockHeader head = state_.head;
  head.unpacked_bytes = head.length - sizeof(SegmentHeader);
  return write(head);
}

bool Archiver::take_batches(const BlockHeader& head) {
  payload_.resize(head.length);
  if (!in_.read_whole(at_ + sizeof head, payload_) || block_crc(head, payload_) != head.crc) {
    return false;
  }
  batches_ = batches_in(head, payload_, unpacked_);
  if (batches_.empty() || (!fits(batches_.size()) && !end_chunk())) {
    return false;
  }
  if (chunk_.head.magic == 0) {
    chunk_.head = head;
    chunk_.head.kind = BlockKind::archived;
    chunk_.head.unpacked_bytes = 0;
    begin_deflate(kHeads, longest_block_);
  }
  chunk_.head.last_batch = head.last_batch;
  chunk_.head.unpacked_bytes += batches_.size();
  chunk_.archive = {head.block, chain_};
  return chunk_.head.unpacked_bytes <= kUnpackedBytes;
}

// Whether they fit the chunk, however badly they deflate.
bool Archiver::fits(std::size_t bytes) const {
  return chunk_.head.magic == 0 || (chunk_.head.unpacked_bytes + bytes <= kUnpackedBytes &&
                                    stream_->avail_out > bytes + bytes / 1000 + kHeldBack);
}

// Into block_, behind `heads` bytes and up to `room`.
void Archiver::begin_deflate(std::size_t heads, std::size_t room) {
  deflateReset(stream_.get());
  stream_->next_out = block_.data() + heads;
  stream_->avail_out = static_cast<uInt>(room - heads);
}

bool Archiver::feed(Bytes bytes, bool last) {
  stream_->next_in = const_cast<std::uint8_t*>(bytes.data());
  stream_->avail_in = static_cast<uInt>(bytes.size());
  const int result = deflate(stream_.get(), last ? Z_FINISH : Z_NO_FLUSH);
  return last ? result == Z_STREAM_END : result == Z_OK && stream_->avail_in == 0;
}

bool Archiver::end_chunk() {
  if (chunk_.head.magic == 0) {
    return true;
  }
  if (!feed({}, true)) {
    return false;
  }
  std::memcpy(block_.data() + sizeof(BlockHeader), &chunk_.archive, sizeof chunk_.archive);
  const bool written = write(chunk_.head);
  chunk_ = {};
  return written;
}

// The block whose payload was deflated into block_.
bool Archiver::write(BlockHeader& head) {
  const auto used = static_cast<std::size_t>(stream_->next_out - block_.data());
  head.length = static_cast<std::uint32_t>(used - sizeof head);
  head.crc = 0;
  head.crc = block_crc(head, Bytes(block_).subspan(sizeof head, head.length));
  std::memcpy(block_.data(), &head, sizeof head);
  const std::size_t bytes = block_bytes(head.length);
  std::fill(block_.begin() + static_cast<std::ptrdiff_t>(used),
            block_.begin() + static_cast<std::ptrdiff_t>(bytes), std::uint8_t{0});
  const int error = out_.write_synced(out_at_, Bytes(block_).first(bytes));
  out_at_ += bytes;
  return error == 0;
}

bool Archiver::copy(const BlockHeader& head, std::span<std::uint8_t> room) {
  const std::size_t bytes = block_bytes(head.length);
  if (bytes > room.size() || !in_.read_whole(at_, room.first(bytes)) ||
      block_crc(head, room.subspan(sizeof head, head.length)) != head.crc ||
      out_.write_synced(out_at_, room.first(bytes)) != 0) {
    return false;
  }
  out_at_ += bytes;
  return true;
}

bool inflate_batches(Bytes deflated, std::span<std::uint8_t> out) {
  uLongf made = static_cast<uLongf>(out.size());
  uLong used = static_cast<uLong>(deflated.size());
  return uncompress2(out.data(), &made, deflated.data(), &used) == Z_OK && made == out.size() &&
         used == deflated.size();
}

}  // namespace vedette::journal
