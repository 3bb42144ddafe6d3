#include "edge/journal/reader.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/text.hpp"
#include "edge/journal/packing.hpp"
#include "model/batch.hpp"
#include "model/derived.hpp"
#include "platform/file.hpp"

namespace vedette::journal {
namespace {

// The valid block at `at`, of any version, else null.
const BlockHeader* block_at(Bytes bytes, std::size_t at, std::uint64_t segment) {
  if (bytes.size() - at < sizeof(BlockHeader)) {
    return nullptr;
  }
  const auto* header = reinterpret_cast<const BlockHeader*>(bytes.data() + at);
  if (header->magic != kBlockMagic || header->segment != segment ||
      header->length > bytes.size() - at - sizeof(BlockHeader)) {
    return nullptr;
  }
  const Bytes payload = bytes.subspan(at + sizeof(BlockHeader), header->length);
  if (block_crc(*header, payload) != header->crc) {
    return nullptr;
  }
  const std::size_t end = at + block_bytes(header->length);
  if (end > bytes.size()) {
    return nullptr;
  }
  const std::size_t padding = at + sizeof(BlockHeader) + header->length;
  const bool zeros = std::all_of(bytes.begin() + static_cast<std::ptrdiff_t>(padding),
                                 bytes.begin() + static_cast<std::ptrdiff_t>(end),
                                 [](std::uint8_t b) { return b == 0; });
  return zeros ? header : nullptr;
}

std::string place(std::uint64_t segment, std::size_t at) {
  return segment_name(segment) + " at byte " + std::to_string(at);
}

// Classifies a place without a valid block: free space, an unfinished write, or damage.
void judge_end(Bytes bytes, std::size_t at, std::uint64_t segment, ReadResult& r) {
  // Compares the bytes with themselves, shifted by one: most of a segment may still be zeros.
  const Bytes rest = bytes.subspan(at);
  if (rest.empty() ||
      (rest[0] == 0 && std::memcmp(rest.data(), rest.data() + 1, rest.size() - 1) == 0)) {
    return;
  }
  for (std::size_t later = at + limits::kBlockAlignment;
       later + sizeof(BlockHeader) <= bytes.size(); later += limits::kBlockAlignment) {
    const BlockHeader* header = block_at(bytes, later, segment);
    if (header != nullptr && header->block > r.last_block) {
      r.problem = "damaged: " + place(segment, at) + ": block " + std::to_string(r.last_block + 1) +
                  " (after batch " + std::to_string(r.last_batch) + ") is unreadable, block " +
                  std::to_string(header->block) + " after it is intact";
      return;
    }
  }
  r.problem = "torn: " + place(segment, at) + ": the bytes after batch " +
              std::to_string(r.last_batch) + " are an unfinished block";
  r.torn_tail = true;
}

// Damage precedes the first batch. Only the header of the journal's first segment says which one it
// follows: behind any other, dropped segments may have had those in between.
void count_before_first(std::uint64_t batch, ReadResult& r) {
  if (r.segments.size() == 1 && r.segments[0].number == 1 && batch > r.header.frozen_batch) {
    r.missing += batch - r.header.frozen_batch - 1;
  } else {
    r.start_lost = true;
  }
}

bool visit_batches(Bytes payload, const Visit& visit, ReadResult& r, std::uint64_t segment,
                   std::size_t at) {
  while (!payload.empty()) {
    BatchHeader header{};
    if (payload.size() >= sizeof header) {
      std::memcpy(&header, payload.data(), sizeof header);
    }
    const bool sound = header.magic == kBatchMagic && header.bytes >= sizeof header &&
                       header.bytes <= payload.size() && header.bytes % 8 == 0;
    const bool follows = r.last_batch == 0 || header.number == r.last_batch + 1 ||
                         (r.loose && header.number > r.last_batch);
    if (!sound || !follows) {
      r.problem = "damaged: " + place(segment, at) + ": the batch after " +
                  std::to_string(r.last_batch) + " is out of order";
      return false;
    }
    const Bytes batch = payload.first(header.bytes);
    bool accepted = false;
    bool events = true;
    if (!for_each_event(batch,
                        [&](const EventHeader& e, Bytes event_payload) {
                          accepted = accepted || comes_from_outside(e.kind);
                          events = events && is_event(e.kind, event_payload.size());
                        }) ||
        !events) {
      r.problem = "damaged: " + place(segment, at) + ": batch " + std::to_string(header.number) +
                  " contains an invalid event";
      return false;
    }
    if (r.last_batch == 0) {
      if (r.loose) {
        count_before_first(header.number, r);
      }
      for (ReadResult::Segment& s : r.segments) {
        s.first_batch = s.first_batch == 0 ? header.number : s.first_batch;
      }
    }
    r.missing += r.last_batch != 0 ? header.number - r.last_batch - 1 : 0;
    r.loose = false;
    r.last_batch = header.number;
    r.idle = accepted ? ReadResult::Idle{} : r.idle;
    ++r.batches;
    if (visit.batch && !visit.batch(batch)) {
      r.stopped = true;
      return false;
    }
    payload = payload.subspan(header.bytes);
  }
  return true;
}

}  // namespace

namespace {

// Waits for enough of the segment to judge the block at `at`, or all of it.
bool await_block(Bytes bytes, std::size_t at, const Await& await) {
  const std::size_t head = std::min(bytes.size(), at + sizeof(BlockHeader));
  if (!await(head)) {
    return false;
  }
  std::size_t end = bytes.size();
  if (head - at == sizeof(BlockHeader)) {
    const auto* header = reinterpret_cast<const BlockHeader*>(bytes.data() + at);
    if (header->magic == kBlockMagic) {
      end = std::min(bytes.size(), at + block_bytes(header->length));
    }
  }
  return await(end);
}

}  // namespace

namespace {

// Why a valid first block makes the segment another journal's; empty if it does not.
std::string why_foreign(Bytes bytes, const BlockHeader& block, const Visit& visit,
                        const ReadResult& r) {
  SegmentHeader header{};
  if (block.kind != BlockKind::segment || block.length < sizeof header) {
    return {};
  }
  std::memcpy(&header, bytes.data() + sizeof block, sizeof header);
  const std::uint64_t node = visit.node != 0 ? visit.node : r.header.node;
  if (node != 0 && header.node != node) {
    return "another node wrote it";
  }
  if (header.shard != visit.shard) {
    return "shard " + std::to_string(header.shard) + " wrote it";
  }
  return block.block <= r.last_block ? "it overlaps the segment before it" : std::string();
}

// No valid block at `at`: free space, an unfinished write or damage.
void end_without_block(Bytes bytes, std::size_t at, std::uint64_t number, ReadResult& r) {
  judge_end(bytes, at, number, r);
  if (at == 0 && (r.problem.empty() || r.torn_tail)) {
    r.strange.push_back({segment_name(number),
                         r.problem.empty() ? "it is empty" : "it holds no block of this journal"});
  }
}

// Whether the block continues those read; else r.problem says why not.
bool follows(Bytes bytes, const BlockHeader& header, std::uint64_t number, std::size_t at,
             const Visit& visit, ReadResult& r) {
  if (header.version != kFormatVersion) {
    r.other_version = true;
    r.problem = place(number, at) + " has journal format " + std::to_string(header.version) +
                ", this program reads format " + std::to_string(kFormatVersion) +
                ": use the version of vedette that wrote it";
    return false;
  }
  if (const std::string why = at == 0 ? why_foreign(bytes, header, visit, r) : std::string();
      !why.empty()) {
    r.problem = "damaged: " + place(number, at) + ": " + why;
    r.strange.push_back({segment_name(number), why});
    return false;
  }
  const bool first = r.last_block == 0;
  if (!first && (header.block != r.last_block + 1 || header.previous != r.chain)) {
    r.problem = "damaged: " + place(number, at) + ": block " + std::to_string(header.block) +
                " does not follow block " + std::to_string(r.last_block);
    return false;
  }
  if ((at == 0) != (header.kind == BlockKind::segment)) {
    r.problem = "damaged: " + place(number, at) +
                ": a segment's header is missing, or stands where none belongs";
    return false;
  }
  return true;
}

bool visit_segment(Bytes payload, const BlockHeader& block, std::uint64_t number, std::size_t at,
                   const Visit& visit, std::vector<std::uint8_t>& unpacked, ReadResult& r) {
  SegmentHeader s{};
  Bytes frozen;
  if (!state_in(block, payload, unpacked, frozen)) {
    r.problem = "damaged: " + place(number, at) + ": the segment's header is incomplete";
    return false;
  }
  std::memcpy(&s, payload.data(), sizeof s);
  r.chain = block.unpacked_bytes != 0 ? payload_as<ArchiveHead>(payload.subspan(sizeof s)).chain
                                      : r.chain;
  if (s.step_version != kStepVersion) {
    r.problem = place(number, at) + " was written by engine version " +
                std::to_string(s.step_version) + ", this program has version " +
                std::to_string(kStepVersion) + ": use the version of vedette that wrote it";
    r.other_version = true;
    return false;
  }
  r.header = s;
  if (r.last_batch != 0 && s.frozen_batch > r.last_batch) {
    (r.loose ? r.missing : r.unrecorded) += s.frozen_batch - r.last_batch;
    r.last_batch = s.frozen_batch;
  }
  r.segments.push_back({number, r.last_batch == 0 ? 0 : r.last_batch + 1});
  r.epoch = std::max(r.epoch, s.epoch);
  if (r.idle.segment == 0) {
    r.idle = {number, block.block, block.previous};
  }
  if (visit.segment && !visit.segment(s, frozen, number)) {
    r.stopped = true;
    return false;
  }
  return true;
}

// False where reading ends; r says why.
bool visit_block(Bytes payload, const BlockHeader& header, std::uint64_t number, std::size_t at,
                 const Visit& visit, std::vector<std::uint8_t>& unpacked, ReadResult& r) {
  switch (header.kind) {
    case BlockKind::segment:
      return visit_segment(payload, header, number, at, visit, unpacked, r);
    case BlockKind::batches:
    case BlockKind::packed:
    case BlockKind::archived: {
      const Bytes batches = batches_in(header, payload, unpacked);
      if (batches.empty() && header.kind != BlockKind::batches) {
        r.problem = "damaged: " + place(number, at) + ": a compressed block does not decompress";
        return false;
      }
      if (header.kind == BlockKind::archived) {
        const auto archive = payload_as<ArchiveHead>(payload);
        r.last_block = archive.last_block;
        r.chain = archive.chain;
      }
      return visit_batches(batches, visit, r, number, at);
    }
    default:
      return true;
  }
}

// Reads from a block's offset up to the first invalid one.
ReadResult read_from(Bytes bytes, std::uint64_t number, std::size_t at, ReadResult r,
                     const Visit& visit, const Await& await) {
  std::vector<std::uint8_t> unpacked;
  r.last_segment = number;
  r.valid_bytes = at;
  while (at < bytes.size()) {
    if (await && !await_block(bytes, at, await)) {
      return r;  // the caller that waits for the bytes knows why
    }
    const BlockHeader* header = block_at(bytes, at, number);
    if (header == nullptr) {
      if (!await || await(bytes.size())) {
        end_without_block(bytes, at, number, r);
      }
      return r;
    }
    if (!follows(bytes, *header, number, at, visit, r)) {
      return r;
    }
    r.last_block = header->block;
    r.chain = chain_value(*header);
    r.closed = header->kind == BlockKind::close;
    const Bytes payload = bytes.subspan(at + sizeof(BlockHeader), header->length);
    if (!visit_block(payload, *header, number, at, visit, unpacked, r)) {
      return r;
    }
    at += block_bytes(header->length);
    r.valid_bytes = at;
    r.bytes += block_bytes(header->length);
  }
  return r;
}

// Offset of the next block that continues those read, from `at` on; the end if there is none.
std::size_t next_whole(Bytes bytes, std::size_t at, std::uint64_t segment, const ReadResult& r) {
  for (; at + sizeof(BlockHeader) <= bytes.size(); at += limits::kBlockAlignment) {
    const BlockHeader* header = block_at(bytes, at, segment);
    if (header != nullptr && header->block > r.last_block) {
      return at;
    }
  }
  return bytes.size();
}

void add_damage(ReadResult& r, std::string what) {
  ++r.damaged_places;
  if (r.damages.size() < ReadResult::kDamages) {
    r.damages.push_back(std::move(what));
  }
}

}  // namespace

ReadResult read_segment(Bytes bytes, std::uint64_t number, ReadResult r, const Visit& visit,
                        const Await& await) {
  const std::size_t strange = r.strange.size();
  const std::size_t segments = r.segments.size();
  std::size_t at = 0;
  std::size_t tried = bytes.size();  // last offset where reading restarted
  for (;;) {
    r = read_from(bytes, number, at, std::move(r), visit, await);
    if (!visit.around || r.problem.empty() || r.stopped || r.other_version) {
      break;
    }
    const std::size_t failed = r.valid_bytes;
    const bool foreign = r.strange.size() != strange;
    at = foreign ? bytes.size()
                 : next_whole(bytes, failed == tried ? failed + limits::kBlockAlignment : failed,
                              number, r);
    if (at >= bytes.size()) {
      if (!r.torn_tail) {
        add_damage(r, std::exchange(r.problem, {}));
      }
      break;
    }
    add_damage(r, std::exchange(r.problem, {}));
    r.torn_tail = false;
    const auto* header = reinterpret_cast<const BlockHeader*>(bytes.data() + at);
    r.last_block = header->block - 1;
    r.chain = header->previous;
    r.loose = true;
    tried = at;
  }
  if (visit.around && r.segments.size() == segments && r.strange.size() == strange) {
    r.segments.push_back({number, 1});  // the header is lost, its blocks are not
  }
  return r;
}

ReadResult read_segment_file(const platform::Folder& folder, std::uint64_t number, ReadResult r,
                             const Visit& visit, platform::FileInReading& file) {
  const std::string path = folder.path() + "/" + segment_name(number);
  auto opened = folder.open(segment_name(number), platform::OpenFor::reading);
  const auto size = opened ? file.start(std::move(opened).value(), std::size_t{2} << 30)
                           : Failure{opened.error()};
  if (!size) {
    r.problem = path + ": " + platform::error_text(size.error());
    return r;
  }
  r = read_segment(Bytes(file.data(), size.value()), number, std::move(r), visit,
                   [&file](std::size_t bytes) { return file.wait_for(bytes); });
  if (file.error() != 0) {
    r.torn_tail = false;
    r.problem = path + ": " + platform::error_text(file.error());
  }
  return r;
}

std::uint64_t first_batch_of(const platform::Folder& folder, std::uint64_t number) {
  const auto file = folder.open(segment_name(number), platform::OpenFor::reading);
  BlockHeader head{};
  const std::span<std::uint8_t> bytes(reinterpret_cast<std::uint8_t*>(&head), sizeof head);
  const auto read = [&](std::uint64_t at) {
    return file && file.value().read_whole(at, bytes) && head.magic == kBlockMagic &&
           head.version == kFormatVersion && head.segment == number;
  };
  const bool follows = read(0) && head.kind == BlockKind::segment && read(block_bytes(head.length));
  return follows && holds_batches(head.kind) ? head.first_batch : 0;
}

SegmentState state_of(const platform::Folder& folder, std::uint64_t segment) {
  SegmentState state;
  const auto opened = folder.open(segment_name(segment), platform::OpenFor::reading);
  if (!opened) {
    return state;
  }
  const platform::StorageFile& file = opened.value();
  std::vector<std::uint8_t> bytes(sizeof(BlockHeader));
  const auto* head = reinterpret_cast<const BlockHeader*>(bytes.data());
  std::uint8_t last = 0;  // reads the last byte first, so that a false length allocates nothing
  if (!file.read_whole(0, bytes) || head->magic != kBlockMagic ||
      !file.read_whole(block_bytes(head->length) - 1, {&last, 1})) {
    return state;
  }
  bytes.resize(block_bytes(head->length));
  head = file.read_whole(0, bytes) ? block_at(bytes, 0, segment) : nullptr;
  if (head == nullptr || head->version != kFormatVersion || head->kind != BlockKind::segment ||
      head->length <= sizeof state.header) {
    return state;  // no state, or an incomplete one
  }
  const Bytes payload(bytes.data() + sizeof(BlockHeader), head->length);
  Bytes frozen;
  if (!state_in(*head, payload, state.frozen, frozen)) {
    return {};
  }
  std::memcpy(&state.header, payload.data(), sizeof state.header);
  if (head->unpacked_bytes == 0) {
    state.frozen.assign(frozen.begin(), frozen.end());
  }
  // Preallocated space holds zeros.
  std::vector<std::uint8_t> later(limits::kBlockAlignment);
  state.much_follows =
      file.read_whole(block_bytes(head->length) + kMuchBytes, later) &&
      std::any_of(later.begin(), later.end(), [](std::uint8_t b) { return b != 0; });
  return state;
}

SegmentState newest_state(const platform::Folder& folder,
                          const std::vector<std::uint64_t>& segments) {
  for (std::size_t i = segments.size(); i-- > 0;) {
    SegmentState state = state_of(folder, segments[i]);
    if (!state.frozen.empty()) {
      state.much_follows = state.much_follows || i + 1 != segments.size();
      return state;
    }
  }
  return {};
}

ReadResult read_journal(const platform::Folder& folder, const Visit& visit,
                        std::uint64_t after_batch) {
  ReadResult r;
  const std::vector<std::uint64_t> segments = list_segments(folder);
  platform::FileInReading file;
  std::size_t first = 0;
  for (std::size_t i = after_batch == 0 ? 0 : segments.size(); i-- > 0 && first == 0;) {
    const std::uint64_t batch = first_batch_of(folder, segments[i]);
    first = batch != 0 && batch <= after_batch + 1 ? i : 0;
  }
  for (std::size_t i = 0; i < first; ++i) {
    r.segments.push_back({segments[i], 1});
  }
  for (std::size_t i = first; i < segments.size(); ++i) {
    if (i + 1 < segments.size()) {
      const auto next = folder.open(segment_name(segments[i + 1]), platform::OpenFor::reading);
      if (next) {
        next.value().read_ahead();
      }
    }
    const std::uint64_t before = r.last_block;
    r = read_segment_file(folder, segments[i], std::move(r), visit, file);
    if (r.torn_tail && r.last_block == before && i + 1 == segments.size() && i > 0) {
      return r;  // killed while beginning the segment
    }
    if (r.torn_tail && i + 1 < segments.size()) {
      r.torn_tail = false;  // recovery would have cut a torn tail here, so this is damage
      r.problem = "damaged" + r.problem.substr(4);
    }
    if (visit.around && !r.problem.empty() && !r.torn_tail && !r.other_version) {
      add_damage(r, std::exchange(r.problem, {}));
      r.loose = true;
    }
    if (!r.problem.empty() || r.stopped) {
      return r;
    }
  }
  return r;
}

}  // namespace vedette::journal
