#include "edge/journal/evidence.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/text.hpp"
#include "edge/journal/packing.hpp"
#include "edge/journal/reader.hpp"
#include "model/batch.hpp"
#include "model/derived.hpp"

namespace vedette::journal {
namespace {

constexpr std::size_t kWorkBytes = std::size_t{2} << 20;  // scanned after one block

template <typename T>
T load(Bytes bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

bool below_warning(const EventHeader& event, Bytes payload) {
  return event.kind == EventKind::assessment &&
         payload_as<AssessmentChange>(payload).level < Level::warn;
}

std::string file_name(std::uint64_t number) {
  const std::string name = segment_name(number);
  return name.substr(0, name.find('.')) + kEvidenceEnding;
}

// A sort that frees fewer places makes a list full: else each further name would sort it again, and
// the journal's thread would stand still for a minute at a segment of a hundred thousand causes.
constexpr std::size_t kFreed = kNames / 8;

}  // namespace

void NameList::sort() {
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
}

bool NameList::has(std::uint64_t sequence) const {
  return std::binary_search(all.begin(), all.end(), sequence);
}

bool NameList::put(std::uint64_t sequence) {
  if (!full && all.size() == kNames) {
    sort();
    full = all.size() > kNames - kFreed;
  }
  if (full) {
    return has(sequence);
  }
  all.push_back(sequence);
  return true;
}

void SegmentScan::reserve(std::size_t block_bytes) {
  window_.assign(std::max(kWindowBytes, block_bytes), 0);
  unpacked_.assign(kUnpackedBytes, 0);
}

bool SegmentScan::open(const platform::Folder& folder, std::uint64_t segment) {
  segment_ = segment;
  at_ = size_ = window_at_ = 0;
  window_.clear();
  auto opened = folder.open(segment_name(segment), platform::OpenFor::reading);
  if (!opened) {
    return false;
  }
  file_ = std::move(opened).value();
  file_.read_ahead();
  const auto size = file_.size();
  size_ = size ? size.value() : 0;
  return true;
}

// Up to `bytes` of the file from `at` on; fewer at its end.
Bytes SegmentScan::window(std::uint64_t at, std::size_t bytes) {
  if (at < window_at_ || at + bytes > window_at_ + window_.size()) {
    window_.resize(std::max(kWindowBytes, bytes));
    window_at_ = at;
    const auto got = file_.read_at(at, window_);
    window_.resize(got ? got.value() : 0);
  }
  const std::size_t from = static_cast<std::size_t>(at - window_at_);
  return Bytes(window_).subspan(from, std::min(bytes, window_.size() - from));
}

SegmentScan::Found SegmentScan::next(Bytes& batches, std::size_t& used) {
  if (at_ >= size_) {
    return Found::end;
  }
  const Bytes head = window(at_, sizeof(BlockHeader));
  if (head.size() < sizeof(BlockHeader) ||
      std::all_of(head.begin(), head.end(), [](std::uint8_t b) { return b == 0; })) {
    return Found::end;  // preallocated, not yet written
  }
  const auto header = load<BlockHeader>(head);
  const std::uint64_t place = at_;
  at_ += limits::kBlockAlignment;
  used += limits::kBlockAlignment;
  if (header.magic != kBlockMagic || header.version != kFormatVersion ||
      header.segment != segment_ || header.length > size_ - place - sizeof header) {
    return Found::nothing;
  }
  if (!holds_batches(header.kind)) {
    at_ = place + block_bytes(header.length);
    return Found::nothing;
  }
  const Bytes whole = window(place, sizeof header + header.length);
  used += header.length;
  if (whole.size() != sizeof header + header.length ||
      block_crc(header, whole.subspan(sizeof header)) != header.crc) {
    return Found::nothing;
  }
  at_ = place + block_bytes(header.length);
  batches = batches_in(header, whole.subspan(sizeof header), unpacked_);
  return batches.empty() ? Found::nothing : Found::batches;
}

void Evidence::open(const platform::Folder& journal_folder, const platform::Folder& folder,
                    std::uint64_t bytes, std::size_t block_bytes,
                    const std::uint8_t (&plan_hash)[32]) {
  journal_folder_ = journal_folder;
  folder_ = folder;
  most_bytes_ = bytes;
  std::memcpy(plan_hash_, plan_hash, sizeof plan_hash_);
  if (bytes == 0) {
    return;
  }
  scan_.reserve(block_bytes);
  room_.assign(part_bytes(bytes), 0);
  room_.clear();
  for (NameList* list :
       {&names_.causes, &names_.actions, &names_of_next_.causes, &names_of_next_.actions}) {
    list->reserve(kNames);
  }
  open_actions_.reserve(kNames + kOpenActions);
}

void Evidence::look_ahead(std::uint64_t segment, std::uint64_t next) {
  if (most_bytes_ == 0) {
    return;
  }
  if (segment_ != segment) {
    segment_ = segment;
    next_ = next;
    begin_stage(names_of_next_.segment == segment ? Stage::name_next : Stage::name_it);
  }
  work(kWorkBytes);
}

void Evidence::begin_stage(Stage stage) {
  stage_ = stage;
  switch (stage) {
    case Stage::name_it:
      names_.begin(segment_);
      scan_.open(journal_folder_, segment_);
      break;
    case Stage::name_next:
      if (names_of_next_.segment == segment_) {
        std::swap(names_, names_of_next_);
      }
      // An unreadable segment is read again when it is dropped.
      names_of_next_.begin(scan_.open(journal_folder_, next_) ? next_ : 0);
      break;
    case Stage::gather:
      room_.assign(sizeof(EvidenceHeader), 0);
      header_ = {};
      header_.magic = kEvidenceMagic;
      header_.version = kFormatVersion;
      header_.segment = segment_;
      std::memcpy(header_.plan_hash, plan_hash_, sizeof plan_hash_);
      if (names_.bytes == 0 && names_of_next_.causes.all.empty()) {
        stage_ = Stage::gathered;
      } else {
        scan_.open(journal_folder_, segment_);
      }
      break;
    case Stage::begin:
    case Stage::gathered:
      break;
  }
}

void Evidence::work(std::size_t most_bytes) {
  for (std::size_t used = 0; used < most_bytes && stage_ != Stage::gathered;) {
    Bytes batches;
    const SegmentScan::Found found = scan_.next(batches, used);
    if (found == SegmentScan::Found::batches) {
      for_each_batch(batches, [this](const BatchHeader&, Bytes batch) {
        if (stage_ == Stage::gather) {
          gather(batch);
        } else {
          name(batch, stage_ == Stage::name_it ? names_ : names_of_next_);
        }
      });
    } else if (found == SegmentScan::Found::end) {
      Names& named = stage_ == Stage::name_it ? names_ : names_of_next_;
      if (stage_ != Stage::gather) {
        named.causes.sort();
        named.actions.sort();
      }
      begin_stage(stage_ == Stage::name_it     ? Stage::name_next
                  : stage_ == Stage::name_next ? Stage::gather
                                               : Stage::gathered);
    }
  }
}

void Evidence::name(Bytes batch, Names& into) {
  const auto put = [this](NameList& list, std::uint64_t sequence) {
    unnamed_.fetch_add(list.put(sequence) ? 0 : 1, std::memory_order_relaxed);
  };
  for_each_event(batch, [&](const EventHeader& event, Bytes payload) {
    if (!is_kept_as_evidence(event.kind)) {
      return;
    }
    into.bytes += event_bytes(payload.size());
    if (event.cause != 0) {
      put(into.causes, event.cause);
    }
    if (event.kind == EventKind::assessment) {
      for (const std::uint64_t cause : payload_as<AssessmentChange>(payload).causes) {
        if (cause != 0) {
          put(into.causes, cause);
        }
      }
    } else if (event.kind == EventKind::action) {
      put(into.actions, event.sequence);
    }
  });
}

bool Evidence::wanted(const EventHeader& event, Bytes payload) const {
  if (is_kept_as_evidence(event.kind)) {
    // Beyond its share, omit judgements below a warning first.
    return names_.bytes <= part_bytes(most_bytes_) / 2 || !below_warning(event, payload) ||
           names_.causes.has(event.sequence) || names_of_next_.causes.has(event.sequence);
  }
  if (event.kind == EventKind::resolution) {
    const std::uint64_t of = payload_as<Resolution>(payload).sequence;
    return names_.actions.has(of) || open_actions_.has(of);
  }
  return names_.causes.has(event.sequence) || names_of_next_.causes.has(event.sequence);
}

void Evidence::gather(Bytes batch) {
  const std::size_t start = room_.size();
  auto header = load<BatchHeader>(batch);
  const std::uint32_t inputs = header.input_count;
  std::uint32_t seen = 0;
  header.input_count = header.derived_count = 0;
  room_.resize(start + sizeof header);
  for_each_event(batch, [&](const EventHeader& event, Bytes payload) {
    const bool input = seen++ < inputs;
    if (!wanted(event, payload)) {
      header_.left_out += is_kept_as_evidence(event.kind) ? 1 : 0;
      return;
    }
    const std::size_t bytes = event_bytes(payload.size());
    if (room_.size() + bytes > part_bytes(most_bytes_)) {
      ++header_.left_out;
      return;
    }
    const auto* from = reinterpret_cast<const std::uint8_t*>(&event);
    room_.insert(room_.end(), from, from + bytes);
    ++(input ? header.input_count : header.derived_count);
  });
  const std::uint32_t kept = header.input_count + header.derived_count;
  if (kept == 0) {
    room_.resize(start);
    return;
  }
  header.bytes = static_cast<std::uint32_t>(room_.size() - start);
  std::memcpy(room_.data() + start, &header, sizeof header);
  header_.events += kept;
  header_.first_batch = header_.first_batch == 0 ? header.number : header_.first_batch;
  header_.last_batch = header.number;
}

void Evidence::keep(std::uint64_t segment, std::uint64_t next) {
  if (most_bytes_ == 0) {
    return;
  }
  look_ahead(segment, next);
  work(~std::size_t{0});
  int error = 0;
  if (header_.events != 0) {
    const Bytes batches = Bytes(room_).subspan(sizeof header_);
    header_.length = static_cast<std::uint32_t>(batches.size());
    header_.crc = evidence_crc(header_, batches);
    std::memcpy(room_.data(), &header_, sizeof header_);
    error = append(header_);
  }
  if (error == 0) {
    events_.fetch_add(header_.events, std::memory_order_relaxed);
    left_out_.fetch_add(header_.left_out, std::memory_order_relaxed);
  } else {
    lost_.fetch_add(1, std::memory_order_relaxed);
  }
  error_.store(error, std::memory_order_relaxed);
  std::vector<std::uint64_t>& open = open_actions_.all;
  open.insert(open.end(), names_.actions.all.begin(), names_.actions.all.end());
  open_actions_.sort();
  if (open.size() > kOpenActions) {
    open.erase(open.begin(), open.end() - static_cast<std::ptrdiff_t>(kOpenActions));
  }
  segment_ = 0;
  stage_ = Stage::begin;
}

// Lists the files by age and cuts an invalid tail off the newest, left by a power cut, so that
// later batches are found after it.
int Evidence::find_files() {
  if (const int error = folder_.make(); error != 0) {
    return error;
  }
  files_.clear();
  std::uint64_t held = 0;
  for (const std::string& name : folder_.list()) {
    const auto number = parse_unsigned(name.substr(0, name.find('.')), 16);
    if (!number || file_name(*number) != name) {
      continue;
    }
    if (const auto bytes = folder_.size(name)) {
      files_.push_back({*number, bytes.value()});
      held += bytes.value();
    }
  }
  if (!files_.empty()) {
    const std::uint64_t before = files_.back().bytes;
    if (const int error = cut_unfinished(files_.back()); error != 0) {
      return error;
    }
    held -= before - files_.back().bytes;
  }
  held_.store(held, std::memory_order_relaxed);
  files_known_ = true;
  return 0;
}

int Evidence::cut_unfinished(File& newest) {
  const std::string name = file_name(newest.number);
  const auto content = folder_.read(name, most_bytes_);
  if (!content) {
    return 0;
  }
  const std::uint64_t valid =
      read_evidence_file(content.value(), [](const EvidenceHeader&, Bytes) { return true; });
  if (valid == newest.bytes) {
    return 0;
  }
  const auto file = folder_.open(name, platform::OpenFor::writing);
  newest.bytes = valid;
  return file ? file.value().truncate(valid) : file.error();
}

void Evidence::make_room(std::uint64_t bytes) {
  std::uint64_t held = 0;
  for (const File& file : files_) {
    held += file.bytes;
  }
  while (!files_.empty() && held + bytes > most_bytes_) {
    folder_.remove(file_name(files_.front().number));
    held -= files_.front().bytes;
    files_.erase(files_.begin());
  }
  held_.store(held + bytes, std::memory_order_relaxed);
}

int Evidence::append(const EvidenceHeader& header) {
  if (!files_known_) {
    if (const int error = find_files(); error != 0) {
      return error;
    }
  }
  make_room(room_.size());
  const bool begins = files_.empty() || files_.back().bytes + room_.size() > most_bytes_ / kShares;
  if (begins) {
    files_.push_back({header.segment, 0});
  }
  File& file = files_.back();
  const auto out = folder_.open(file_name(file.number), platform::OpenFor::writing);
  if (!out) {
    return out.error();
  }
  int error = out.value().write_synced(file.bytes, room_);
  if (error == 0 && begins) {
    error = folder_.sync();
  }
  if (error == 0) {
    file.bytes += room_.size();
  } else if (out.value().truncate(file.bytes) != 0) {
    files_known_ = false;  // list the files again
  }
  return error;
}

}  // namespace vedette::journal
