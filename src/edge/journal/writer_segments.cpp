// The life of a segment: prepared under a temporary name, renamed into place, dropped at the
// journal's bound.
#include <algorithm>
#include <utility>

#include "base/check.hpp"
#include "edge/journal/reader.hpp"
#include "edge/journal/writer.hpp"
#include "platform/file.hpp"

namespace vedette::journal {
namespace {

// Segments beyond the journal's bytes that a run without input may add: its short first one and the
// next.
constexpr std::size_t kIdleSegments = 2;

}  // namespace

// Extends the next segment's file to `to` of `whole` bytes of zeros. On blocks that are only
// allocated each sync would also write metadata.
int Writer::fill_next(std::uint64_t to, std::uint64_t whole) {
  if (!next_.file.valid()) {
    auto opened = options_.folder.open(kNextName, platform::OpenFor::blocks);
    if (!opened) {
      return opened.error();
    }
    next_.file = std::move(opened).value();
  }
  if (next_.bytes < to) {
    if (const int error = next_.file.write_zeros(next_.bytes, to - next_.bytes); error != 0) {
      return error;
    }
    bytes_beside_.fetch_add(to - next_.bytes, std::memory_order_relaxed);
    next_.bytes = to;
    next_.synced = false;
  }
  // A run's first segment is synced with its header; nothing is accepted earlier.
  if (next_.bytes == whole && !next_.synced && open_.file.valid()) {
    if (const int error = next_.file.sync(); error != 0) {
      return error;
    }
    next_.synced = true;
  }
  return 0;
}

void Writer::drop_next() {
  if (next_.file.valid()) {
    options_.folder.remove(kNextName);
  }
  next_ = {};
}

// Writes zeros and header of the next segment, synced, under its temporary name. Restores `before`,
// the current segment, on failure.
int Writer::ready_segment(std::uint64_t bytes, Before& before) {
  const std::uint64_t number = options_.next_segment;
  int error = fill_next(bytes, bytes);
  if (error != 0) {
    drop_next();
    return error;
  }
  before = {std::exchange(open_, {std::move(next_.file), number, bytes, 0, 0}), options_.next_block,
            options_.chain};
  next_ = {};
  error = write_segment_header();
  open_.first = open_.at;
  if (error != 0) {
    go_back(before);
  }
  return error;
}

// Prepares to retry the same block at the same offset.
void Writer::go_back(Before& before) {
  options_.folder.remove(kNextName);
  open_ = std::move(before.open);
  options_.next_block = before.block;
  options_.chain = before.chain;
}

int Writer::place_segment() {
  const int error = options_.folder.rename(kNextName, segment_name(open_.segment));
  return error == 0 ? options_.folder.sync() : error;
}

// Short when it ends a gap, because batches wait meanwhile.
int Writer::begin_segment(bool is_short) {
  const std::uint64_t bytes =
      !is_short ? whole_segment() : std::min<std::uint64_t>(whole_segment(), 2 * buffer_bytes_);
  const std::uint64_t number = options_.next_segment;
  Before before;
  int error = ready_segment(bytes, before);
  if (error == 0 && (error = place_segment()) != 0) {
    options_.folder.remove(segment_name(number));
    go_back(before);
  }
  if (error != 0) {
    return error;
  }
  options_.next_segment = number + 1;
  failed_to_ = 0;
  standing_ns_ = frozen_ns_ != 0 ? frozen_ns_ : standing_ns_;
  opened_ns_ = written_ns_;
  due_batch_ = 0;
  began_anew_ = std::exchange(begins_anew_, false);
  archives_wait_ = true;
  segments_.push_back({number, options_.next_batch, bytes});
  ++begun_segments_;
  drop_old_segments();
  return 0;
}

// At the bound, a run without input replaces the segments of previous such runs and drops no
// others. Its initial state includes their content.
void Writer::take_idle_place(std::uint64_t bytes) {
  for (const Kept& s : segments_) {
    bytes += s.bytes;
  }
  const ReadResult::Idle& idle = options_.idle;
  if (idle.segment == 0 || bytes <= options_.journal_bytes || frozen_.empty() ||
      frozen_batch_ + 1 < options_.next_batch) {
    return;
  }
  while (!segments_.empty() && segments_.back().number >= idle.segment) {
    idle_.push_back(segments_.back().number);
    segments_.pop_back();
  }
  options_.next_segment = idle.segment;
  options_.next_block = idle.block;
  options_.chain = idle.chain;
}

std::string Writer::begin() {
  CHECK(open_.file.valid() && !begun_, "made ready, once");
  int error = 0;
  for (const std::uint64_t number : idle_) {  // newest first; the oldest one's place is reused
    if (number != open_.segment && error == 0) {
      error = options_.folder.remove(segment_name(number));
    }
  }
  error = error == 0 ? place_segment() : error;
  begun_ = error == 0;
  if (begun_) {
    options_.next_segment = open_.segment + 1;
    segments_.push_back({open_.segment, options_.next_batch, open_.bytes});
    begun_segments_ = 1;
  }
  return error == 0 ? std::string()
                    : "journal in " + options_.folder.path() + ": " + platform::error_text(error);
}

// Gathers evidence of the next segment to drop ahead of time, so that nothing waits then. Its
// successor is complete.
void Writer::gather_evidence_ahead() {
  std::uint64_t bytes = whole_segment() + room_ahead();
  for (const Kept& s : segments_) {
    bytes += s.bytes;
  }
  if (segments_.size() > 2 && bytes > options_.journal_bytes) {
    evidence_.look_ahead(segments_[0].number, segments_[1].number);
  }
}

// The oldest segment that is whole, and for whose copy the bound has room.
bool Writer::begin_archive() {
  std::uint64_t bytes = whole_segment();
  for (const Kept& s : segments_) {
    bytes += s.bytes;
  }
  const std::size_t count = segments_.size() - (open_.file.valid() ? 1 : 0);
  archives_wait_ = false;
  for (std::size_t i = 0; begun_ && options_.archives && i < count; ++i) {
    if (!segments_[i].seen && bytes + segments_[i].bytes <= options_.journal_bytes) {
      segments_[i].seen = true;
      archives_wait_ = true;
      archiver_.begin(segments_[i].number);
      return true;
    }
  }
  return false;
}

bool Writer::archive_some() {
  if (!archiver_.busy() && (!archives_wait_ || !begin_archive())) {
    return false;
  }
  const Archiver::State state = archiver_.work({buffer_.get(), buffer_bytes_});
  if (state == Archiver::State::working) {
    return true;
  }
  const auto kept = std::find_if(segments_.begin(), segments_.end(),
                                 [this](const Kept& s) { return s.number == archiver_.segment(); });
  // It may have been dropped meanwhile.
  if (state == Archiver::State::done && kept != segments_.end() &&
      options_.folder.rename(Archiver::kName, segment_name(kept->number)) == 0) {
    options_.folder.sync();
    bytes_beside_.fetch_add(archiver_.bytes(), std::memory_order_relaxed);
    const std::uint64_t saved =
        kept->bytes > archiver_.bytes() ? kept->bytes - archiver_.bytes() : 0;
    bytes_saved_.fetch_add(saved, std::memory_order_relaxed);
    kept->bytes = archiver_.bytes();
  } else {
    options_.folder.remove(Archiver::kName);
  }
  return true;
}

std::uint64_t Writer::room_ahead() const {
  const std::uint64_t next = whole_segment();
  std::uint64_t copy = options_.archives ? next : 0;
  for (const Kept& s : segments_) {
    copy = options_.archives && !s.seen ? std::max(copy, s.bytes) : copy;
  }
  return next + copy;
}

bool Writer::must_have_frozen() const {
  if (segments_.size() <= 2 || frozen_batch_ + 1 >= segments_[1].first_batch ||
      2 * open_.at < open_.bytes || (!accepted_ && begun_segments_ <= kIdleSegments)) {
    return false;
  }
  std::uint64_t bytes = room_ahead();
  for (const Kept& s : segments_) {
    bytes += s.bytes;
  }
  return bytes > options_.journal_bytes;
}

std::uint64_t Writer::bytes_to_bound() const {
  std::uint64_t kept = next_.bytes;
  for (const Kept& s : segments_) {
    kept += s.bytes;
  }
  return options_.journal_bytes > kept ? options_.journal_bytes - kept : 0;
}

// Call once the newest segment is on disk: it begins with frozen_, so what remains can be replayed.
// Leaves space for the next segment within the bound, and for the copy of one that is archived: a
// journal at its bound would else archive nothing, and soon hold nothing that is archived.
void Writer::drop_old_segments() {
  if (!accepted_ && begun_segments_ <= kIdleSegments) {
    return;
  }
  std::uint64_t bytes = room_ahead();
  for (const Kept& s : segments_) {
    bytes += s.bytes;
  }
  bool any = false;
  while (segments_.size() > 2 && bytes > options_.journal_bytes &&
         frozen_batch_ + 1 >= segments_[1].first_batch) {
    evidence_.keep(segments_[0].number, segments_[1].number);
    options_.folder.remove(segment_name(segments_.front().number));
    bytes -= segments_.front().bytes;
    segments_.erase(segments_.begin());
    any = true;
  }
  if (any) {
    archives_wait_ = true;
    // Otherwise a power cut restores the removed files, and repeated power cuts would fill the
    // disk.
    options_.folder.sync();
  }
}

}  // namespace vedette::journal
