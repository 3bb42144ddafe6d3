#include "edge/journal/writer.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/check.hpp"
#include "edge/journal/reader.hpp"
#include "model/batch.hpp"
#include "platform/file.hpp"

namespace vedette::journal {
namespace {

constexpr std::size_t kGroupBytes = 1 << 20;
constexpr std::size_t kFillStep = 1 << 20;  // fewest zeros to add after a block, except the last

// Several blocks fit a segment, because the state for the next one is taken meanwhile.
std::size_t group_bytes(std::uint64_t segment_bytes) {
  return std::min<std::size_t>(kGroupBytes, segment_bytes / 8);
}

// Whether it holds input from outside: the node's own events must not push out history.
bool holds_accepted(Lane& batches, std::size_t count) {
  bool accepted = false;
  for (std::size_t n = 0; n < count && !accepted; ++n) {
    for_each_event(batches.peek(n), [&](const EventHeader& e, Bytes) {
      accepted = accepted || comes_from_outside(e.kind);
    });
  }
  return accepted;
}

}  // namespace

void Writer::FreeAligned::operator()(std::uint8_t* p) const {
  std::free(p);
}

int cut_tail(const platform::Folder& folder, std::uint64_t segment, std::uint64_t valid_bytes) {
  const std::string name = segment_name(segment);
  if (valid_bytes == 0) {
    const int error = folder.remove(name);
    return error == 0 ? folder.sync() : error;
  }
  const auto file = folder.open(name, platform::OpenFor::writing);
  if (!file) {
    return file.error();
  }
  const int error = file.value().truncate(valid_bytes);
  return error == 0 ? file.value().sync() : error;
}

std::size_t Writer::longest_block(std::uint64_t segment_bytes, std::size_t max_batch_bytes) {
  return block_bytes(std::max(group_bytes(segment_bytes), max_batch_bytes));
}

std::size_t Writer::buffer_bytes(std::uint64_t segment_bytes, std::size_t max_batch_bytes,
                                 std::size_t max_frozen_bytes) {
  return block_bytes(std::max(
      {group_bytes(segment_bytes), max_batch_bytes, max_frozen_bytes + sizeof(SegmentHeader)}));
}

std::string Writer::prepare(const WriterOptions& options) {
  options_ = options;
  options_.segment_bytes -= options_.segment_bytes % limits::kBlockAlignment;
  evidence_.open(options.folder, options.evidence_folder, options.evidence_bytes,
                 longest_block(options.segment_bytes, options.max_batch_bytes),
                 options.header.plan_hash);
  segments_.clear();
  for (const ReadResult::Segment& s : options.segments) {
    const auto bytes = options.folder.size(segment_name(s.number));
    segments_.push_back({s.number, s.first_batch == 0 ? options.next_batch : s.first_batch,
                         bytes ? bytes.value() : 0});
  }
  buffer_bytes_ =
      buffer_bytes(options_.segment_bytes, options.max_batch_bytes, options.max_frozen_bytes);
  frozen_.reserve(options.max_frozen_bytes);
  archiver_.init(options.folder, longest_block(options.segment_bytes, options.max_batch_bytes),
                 options.max_frozen_bytes);
  void* memory = std::aligned_alloc(limits::kBlockAlignment, buffer_bytes_);
  if (memory == nullptr) {
    return "not enough memory for the journal's write buffer";
  }
  std::memset(memory, 0, buffer_bytes_);
  buffer_.reset(static_cast<std::uint8_t*>(memory));
  durable_.store(options.durable_sequence, std::memory_order_release);
  // A run's first segment is short, so that the start does not wait for zeros.
  const std::uint64_t bytes = std::min<std::uint64_t>(whole_segment(), 2 * buffer_bytes_);
  take_idle_place(bytes);
  Before none;
  const int error = ready_segment(bytes, none);
  return error == 0 ? std::string()
                    : "journal in " + options.folder.path() + ": " + platform::error_text(error);
}

void Writer::keep_frozen(Bytes frozen, std::uint64_t batch) {
  CHECK(!open_.file.valid() || batch < options_.next_batch,
        "a state ahead of the journal would be read as a gap");
  if (batch < frozen_batch_) {
    return;  // segments may have been dropped because of the newer one
  }
  frozen_.assign(frozen.begin(), frozen.end());
  frozen_batch_ = batch;
  frozen_ns_ = written_ns_;
  begins_anew_ = begins_anew_ || (due_batch_ != 0 && batch >= due_batch_);
}

void Writer::put_state_off() {
  standing_ns_ = written_ns_;
  due_batch_ = 0;
  begins_anew_ = false;
}

// The batch's time is that of the node, so quiet time counts too.
void Writer::look_at_time(const BatchHeader& last) {
  written_ns_ = last.admitted_ns;
  if (makes_state_due(last) && (accepted_ || taken_accepts_)) {
    due_batch_ = last.number;
  } else if (makes_state_due(last)) {
    standing_ns_ = written_ns_;
  }
}

int Writer::write_segment_header() {
  SegmentHeader header = options_.header;
  header.frozen_bytes = static_cast<std::uint32_t>(frozen_.size());
  header.frozen_batch = frozen_batch_;
  std::memcpy(buffer_.get() + sizeof(BlockHeader), &header, sizeof header);
  if (!frozen_.empty()) {
    std::memcpy(buffer_.get() + sizeof(BlockHeader) + sizeof header, frozen_.data(),
                frozen_.size());
  }
  return write_block({.kind = BlockKind::segment, .length = sizeof header + frozen_.size()});
}

std::uint64_t Writer::whole_segment_bytes(std::uint64_t segment_bytes, std::size_t frozen_bytes) {
  return std::max<std::uint64_t>(segment_bytes,
                                 2 * block_bytes(sizeof(SegmentHeader) + frozen_bytes));
}

std::uint64_t Writer::whole_segment() const {
  std::uint64_t bytes = options_.segment_bytes;
  if (timed_bytes_ != 0) {  // with room for one block at least
    const std::uint64_t least =
        block_bytes(sizeof(SegmentHeader) + frozen_.size()) + room_bytes_ + limits::kBlockAlignment;
    bytes = std::min(bytes, std::max(timed_bytes_, least));
  }
  return std::max(whole_segment_bytes(bytes, frozen_.size()), next_.bytes);
}

Writer::~Writer() {
  if (open_.file.valid() && !begun_) {
    options_.folder.remove(kNextName);
  }
}

int Writer::write_block(const Gathered& what) {
  const std::size_t length = what.length;
  BlockHeader header{};
  header.magic = kBlockMagic;
  header.version = kFormatVersion;
  header.kind = what.kind;
  header.segment = open_.segment;
  header.block = options_.next_block;
  header.previous = options_.chain;
  header.length = static_cast<std::uint32_t>(length);
  header.first_batch = what.first.number;
  header.last_batch = what.last.number;
  header.unpacked_bytes = what.unpacked_bytes;
  header.crc = block_crc(header, Bytes(buffer_.get() + sizeof header, length));
  std::memcpy(buffer_.get(), &header, sizeof header);
  const std::size_t bytes = block_bytes(length);
  std::memset(buffer_.get() + sizeof header + length, 0, bytes - sizeof header - length);
  const Bytes block(buffer_.get(), bytes);
  const int error = open_.file.write_synced(open_.at, block);
  if (error != 0) {
    return error;  // the same block is retried at the same offset
  }
  open_.at += bytes;
  ++options_.next_block;
  options_.chain = chain_value(header);
  bytes_.fetch_add(bytes, std::memory_order_relaxed);
  blocks_.fetch_add(1, std::memory_order_relaxed);
  packed_.fetch_add(what.kind == BlockKind::packed ? 1 : 0, std::memory_order_relaxed);
  return 0;
}

bool Writer::leave_out(Lane& batches, std::uint64_t through) {
  const auto batch = batches.peek();
  BatchHeader header{};
  if (batch.empty()) {
    return false;
  }
  std::memcpy(&header, batch.data(), sizeof header);
  if (header.number > through) {
    return false;
  }
  given_up_through_ = header.number;
  if (taken_left_ < taken_.count) {
    ++taken_left_;  // settle() knows whether it is recorded
  } else {
    unrecorded_.fetch_add(1, std::memory_order_relaxed);
  }
  batches.release();
  return true;
}

void Writer::give_up(Lane& batches, std::uint64_t through) {
  gap_ = true;
  while (leave_out(batches, through)) {
  }
}

int Writer::go_on(Bytes frozen, std::uint64_t batch, std::uint64_t sequence, Lane& batches) {
  take_state(frozen, batch, batches);
  const int error = begin_behind_gap(sequence);
  end_gap(error);
  return error;
}

void Writer::take_state(Bytes frozen, std::uint64_t batch, Lane& batches) {
  CHECK(gap_ && batch >= given_up_through_, "the state holds what was given up");
  while (leave_out(batches, batch)) {
  }
  options_.next_batch = batch + 1;
  keep_frozen(frozen, batch);
}

// The segment's failed write would look like damage before the next segment.
int Writer::cut_failed_write() {
  int error = open_.file.truncate(open_.at);
  error = error == 0 ? open_.file.sync() : error;
  if (error == 0) {
    segments_.back().bytes = open_.bytes = open_.at;
    failed_to_ = 0;
  }
  return error;
}

int Writer::begin_behind_gap(std::uint64_t sequence) {
  drop_next();  // frees its space
  int error = cut_failed_write();
  error = error == 0 ? begin_segment(true) : error;
  error_.store(error, std::memory_order_relaxed);
  if (error == 0) {
    next_.refused = false;
    durable_.store(sequence, std::memory_order_release);
  }
  return error;
}

void Writer::end_gap(int error) {
  gap_ = error != 0 || given_up_through_ >= options_.next_batch;
}

Writer::Gathered Writer::gather(Lane& batches) {
  const std::size_t most = group_bytes(options_.segment_bytes);
  std::size_t waiting = 0;
  for (std::size_t n = 0; waiting <= most && !batches.peek(n).empty(); ++n) {
    waiting += batches.peek(n).size();
  }
  if (waiting > most || packs_) {  // the disk is behind, or is to be spared
    if (const Gathered packed = gather_packed(batches); packed.count != 0) {
      return packed;
    }
  }
  Gathered what;
  std::uint8_t* at = buffer_.get() + sizeof(BlockHeader);
  for (auto batch = batches.peek(); !batch.empty(); batch = batches.peek(what.count)) {
    const std::size_t used = sizeof(BlockHeader) + what.length + batch.size();
    if (used > buffer_bytes_ || (what.count > 0 && used > most)) {
      break;
    }
    std::memcpy(at + what.length, batch.data(), batch.size());
    what.take(batch);
    what.length += batch.size();
    if (makes_state_due(what.last)) {
      break;  // so that the state follows this batch, also where a block holds an hour
    }
  }
  return what;
}

Writer::Gathered Writer::gather_packed(Lane& batches) {
  Gathered what;
  what.kind = BlockKind::packed;
  // No longer than a reader expects, though the buffer may be, because it also holds a state.
  const std::size_t most = longest_block(options_.segment_bytes, options_.max_batch_bytes);
  packer_.begin({buffer_.get() + sizeof(BlockHeader), most - sizeof(BlockHeader)});
  for (auto batch = batches.peek(); !batch.empty(); batch = batches.peek(what.count)) {
    if (what.unpacked_bytes + batch.size() > kUnpackedBytes || !packer_.add(batch)) {
      break;
    }
    what.take(batch);
    what.unpacked_bytes += batch.size();
    if (makes_state_due(what.last)) {
      break;
    }
  }
  what.length = packer_.bytes();
  return what;
}

void Writer::Gathered::take(Bytes batch) {
  std::memcpy(&last, batch.data(), sizeof last);
  first = count == 0 ? last : first;
  ++count;
}

bool Writer::step(Lane& batches, const OnDisk& on_disk) {
  if (!take(batches)) {
    return false;
  }
  const bool wrote = write_taken();
  settle(batches, on_disk);
  if (wrote) {
    make_ready();
  }
  return wrote;
}

bool Writer::take(Lane& batches) {
  if (gap_) {
    return false;
  }
  if (const Bytes first = batches.peek(); standing_ns_ == 0 && !first.empty()) {
    standing_ns_ = opened_ns_ = payload_as<BatchHeader>(first).admitted_ns;
  }
  taken_ = gather(batches);
  taken_left_ = 0;
  taken_accepts_ = !accepted_ && holds_accepted(batches, taken_.count);
  return taken_.count != 0;
}

// Of a whole interval at the open segment's rate, and half as much again, so that few zeros are
// written for nothing.
std::uint64_t Writer::bytes_until_due() const {
  const auto passed = static_cast<double>(std::max<std::int64_t>(written_ns_ - opened_ns_, 1));
  const double bytes = 1.5 * static_cast<double>(open_.at) * static_cast<double>(kStateNs) / passed;
  const auto most = static_cast<double>(options_.segment_bytes);
  return align_up(static_cast<std::uint64_t>(std::min(bytes, most)), limits::kBlockAlignment);
}

bool Writer::write_taken() {
  const Gathered what = taken_;
  const std::size_t length = what.length;
  const std::size_t used = sizeof(BlockHeader) + length;
  int error = 0;
  // Reserves space for the closing block, so that a segment always ends whole.
  const bool is_full = open_.at + block_bytes(length) + limits::kBlockAlignment > open_.bytes;
  if ((is_full || begins_anew_) && open_.at > open_.first) {
    timed_bytes_ = is_full ? 0 : bytes_until_due();
    room_bytes_ = block_bytes(length);
    const std::vector<std::uint8_t> kept(buffer_.get() + sizeof(BlockHeader), buffer_.get() + used);
    error = failed_to_ > open_.at ? cut_failed_write() : 0;
    error = error == 0 ? begin_segment(false) : error;
    std::memcpy(buffer_.get() + sizeof(BlockHeader), kept.data(), kept.size());
    if (error != 0 && !is_full) {
      error = 0;  // the open one goes on
      put_state_off();
    }
  }
  if (error == 0) {
    error = write_block(what);
    failed_to_ = error == 0 ? failed_to_ : std::max(failed_to_, open_.at + block_bytes(length));
  }
  error_.store(error, std::memory_order_relaxed);
  wrote_ = error == 0;
  if (wrote_) {
    durable_.store(what.last.first_sequence + what.last.input_count + what.last.derived_count - 1,
                   std::memory_order_release);
  }
  return wrote_;
}

void Writer::settle(Lane& batches, const OnDisk& on_disk) {
  if (wrote_) {
    options_.next_batch = taken_.last.number + 1;
    look_at_time(taken_.last);
    const std::size_t here = taken_.count - taken_left_;
    for (std::size_t n = 0; on_disk.batch != nullptr && n < here; ++n) {
      on_disk.batch(on_disk.context, batches.peek(n));
    }
    batches.release(here);
  } else {
    unrecorded_.fetch_add(taken_left_, std::memory_order_relaxed);
  }
  taken_ = {};
  taken_left_ = 0;
}

void Writer::make_ready() {
  if (std::exchange(taken_accepts_, false)) {
    accepted_ = true;
    drop_old_segments();
  }
  gather_evidence_ahead();
  // The next segment is ready when this one is half full.
  const std::uint64_t whole = whole_segment();
  const std::uint64_t part = std::min(open_.bytes, 2 * open_.at) * (whole >> 12) / open_.bytes;
  const std::uint64_t now = std::min(part << 12, next_.bytes + kFillBytes);
  const bool worth_it = now == whole || now >= next_.bytes + kFillStep;
  if (!next_.refused && worth_it && fill_next(now, whole) != 0) {
    drop_next();
    next_.refused = true;
  }
}

void Writer::close(bool archives) {
  if (open_.file.valid() && begun_) {
    write_block({.kind = BlockKind::close});
    open_ = {};
    drop_next();
    archives_wait_ = true;
    while (archives && archive_some()) {
    }
  } else if (open_.file.valid()) {
    options_.folder.remove(kNextName);
  }
  open_ = {};
  drop_next();
}

}  // namespace vedette::journal
