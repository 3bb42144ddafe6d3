#include "journal/reader.hpp"

#include <algorithm>
#include <cstring>

#include "base/text.hpp"
#include "journal/packing.hpp"
#include "model/batch.hpp"
#include "platform/file.hpp"

namespace vedette::journal {
namespace {

// The block at `at`, of whatever version, or null when nothing there verifies.
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

// What stands where no valid block begins: nothing, an unfinished write, or damage.
void judge_end(Bytes bytes, std::size_t at, std::uint64_t segment, ReadResult& r) {
  // Most of a segment may be zeros still: they are compared with themselves, one byte apart.
  const Bytes rest = bytes.subspan(at);
  if (rest.empty() ||
      (rest[0] == 0 && std::memcmp(rest.data(), rest.data() + 1, rest.size() - 1) == 0)) {
    return;
  }
  for (std::size_t later = at + limits::kBlockAlignment;
       later + sizeof(BlockHeader) <= bytes.size(); later += limits::kBlockAlignment) {
    const BlockHeader* header = block_at(bytes, later, segment);
    if (header != nullptr && header->block > r.last_block) {
      r.problem = "damaged: " + place(segment, at) + ", block " + std::to_string(r.last_block + 1) +
                  " (after batch " + std::to_string(r.last_batch) + ") does not verify, block " +
                  std::to_string(header->block) + " behind it does";
      return;
    }
  }
  r.problem = "torn: " + place(segment, at) + ", bytes after batch " +
              std::to_string(r.last_batch) + " are no whole block";
  r.torn_tail = true;
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
    if (!sound || (r.last_batch != 0 && header.number != r.last_batch + 1)) {
      r.problem = "damaged: " + place(segment, at) + ", the batch after " +
                  std::to_string(r.last_batch) + " is not in order";
      return false;
    }
    const Bytes batch = payload.first(header.bytes);
    bool accepted = false;
    if (!for_each_event(batch, [&](const EventHeader& e, Bytes) {
          accepted = accepted || comes_from_outside(e.kind);
        })) {
      r.problem = "damaged: " + place(segment, at) + ", batch " + std::to_string(header.number) +
                  " holds something that is not an event";
      return false;
    }
    if (r.last_batch == 0) {
      for (ReadResult::Segment& s : r.segments) {
        s.first_batch = s.first_batch == 0 ? header.number : s.first_batch;
      }
    }
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

std::string segment_name(std::uint64_t number) {
  std::string name = "0000000000000000.seg";
  for (std::size_t i = 16; i-- > 0; number >>= 4) {
    name[i] = "0123456789abcdef"[number & 15];
  }
  return name;
}

std::vector<std::uint64_t> list_segments(const std::string& folder) {
  std::vector<std::uint64_t> numbers;
  for (const std::string& name : platform::list_folder(folder)) {
    if (name.size() == 20 && name.ends_with(".seg")) {
      if (const auto number = parse_unsigned(std::string_view(name).substr(0, 16), 16)) {
        numbers.push_back(*number);
      }
    }
  }
  return numbers;
}

namespace {

// Enough of the segment to judge the block at `at`, or all of it.
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

ReadResult read_segment(Bytes bytes, std::uint64_t number, ReadResult r, const Visit& visit,
                        const Await& await) {
  std::size_t at = 0;
  std::vector<std::uint8_t> unpacked;
  r.last_segment = number;
  r.valid_bytes = 0;
  while (at < bytes.size()) {
    if (await && !await_block(bytes, at, await)) {
      return r;  // who waits for the bytes knows why
    }
    const BlockHeader* header = block_at(bytes, at, number);
    if (header == nullptr) {
      if (!await || await(bytes.size())) {
        judge_end(bytes, at, number, r);
      }
      return r;
    }
    if (header->version != kFormatVersion) {
      r.other_version = true;
      r.problem = place(number, at) + " is of version " + std::to_string(header->version) +
                  " of the journal, and this program has version " +
                  std::to_string(kFormatVersion) + ": only the program that wrote it reads it";
      return r;
    }
    const bool first = r.last_block == 0;
    if (!first && (header->block != r.last_block + 1 || header->previous != r.chain)) {
      r.problem = "damaged: " + place(number, at) + ", block " + std::to_string(header->block) +
                  " does not follow block " + std::to_string(r.last_block);
      return r;
    }
    if ((at == 0) != (header->kind == BlockKind::segment)) {
      r.problem =
          "damaged: " + place(number, at) + ", a segment begins with its header and only there";
      return r;
    }
    r.last_block = header->block;
    r.chain = chain_value(*header);
    r.closed = header->kind == BlockKind::close;
    const Bytes payload = bytes.subspan(at + sizeof(BlockHeader), header->length);
    if (header->kind == BlockKind::segment) {
      SegmentHeader s{};
      if (payload.size() >= sizeof s) {
        std::memcpy(&s, payload.data(), sizeof s);
      }
      if (payload.size() < sizeof s || s.frozen_bytes != payload.size() - sizeof s) {
        r.problem = "damaged: " + place(number, at) + ", the segment's header is short";
        return r;
      }
      r.header = s;
      if (r.last_batch != 0 && s.frozen_batch > r.last_batch) {
        r.unrecorded += s.frozen_batch - r.last_batch;
        r.last_batch = s.frozen_batch;
      }
      r.segments.push_back({number, r.last_batch == 0 ? 0 : r.last_batch + 1});
      r.epoch = std::max(r.epoch, s.epoch);
      if (r.idle.segment == 0) {
        r.idle = {number, header->block, header->previous};
      }
      if (visit.segment && !visit.segment(s, payload.subspan(sizeof s), number)) {
        r.stopped = true;
        return r;
      }
    } else if (header->kind == BlockKind::batches &&
               !visit_batches(payload, visit, r, number, at)) {
      return r;
    } else if (header->kind == BlockKind::packed) {
      const std::size_t whole = header->unpacked_bytes;
      unpacked.resize(whole <= kUnpackedBytes ? whole : 0);
      if (unpacked.empty() || !unpack(payload, unpacked)) {
        r.problem = "damaged: " + place(number, at) + ", what is packed there does not unpack";
        return r;
      }
      if (!visit_batches(unpacked, visit, r, number, at)) {
        return r;
      }
    }
    at += block_bytes(header->length);
    r.valid_bytes = at;
    r.bytes += block_bytes(header->length);
  }
  return r;
}

ReadResult read_segment_file(const std::string& folder, std::uint64_t number, ReadResult r,
                             const Visit& visit, platform::FileInReading& file) {
  const std::string path = folder + "/" + segment_name(number);
  const auto size = file.start(path, std::size_t{2} << 30);
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

namespace {

// The first batch of a segment, by its first two blocks' headers; 0 when they do not say.
std::uint64_t first_batch_of(const std::string& folder, std::uint64_t number) {
  const std::string path = folder + "/" + segment_name(number);
  BlockHeader head{};
  const std::span<std::uint8_t> bytes(reinterpret_cast<std::uint8_t*>(&head), sizeof head);
  const auto read = [&](std::uint64_t at) {
    return platform::read_at(path, at, bytes) && head.magic == kBlockMagic &&
           head.version == kFormatVersion && head.segment == number;
  };
  const bool follows = read(0) && head.kind == BlockKind::segment && read(block_bytes(head.length));
  return follows && (head.kind == BlockKind::batches || head.kind == BlockKind::packed)
             ? head.first_batch
             : 0;
}

}  // namespace

SegmentState newest_state(const std::string& folder, const std::vector<std::uint64_t>& segments) {
  SegmentState state;
  for (std::size_t i = segments.size(); i-- > 0;) {
    const std::string path = folder + "/" + segment_name(segments[i]);
    std::vector<std::uint8_t> bytes(sizeof(BlockHeader));
    const auto* head = reinterpret_cast<const BlockHeader*>(bytes.data());
    std::uint8_t last = 0;  // no room is made for what a length says that the file does not hold
    if (!platform::read_at(path, 0, bytes) || head->magic != kBlockMagic ||
        !platform::read_at(path, block_bytes(head->length) - 1, {&last, 1})) {
      continue;
    }
    bytes.resize(block_bytes(head->length));
    head = platform::read_at(path, 0, bytes) ? block_at(bytes, 0, segments[i]) : nullptr;
    if (head == nullptr || head->version != kFormatVersion || head->kind != BlockKind::segment ||
        head->length <= sizeof state.header) {
      continue;  // it has no state, or no whole one
    }
    const Bytes payload(bytes.data() + sizeof(BlockHeader), head->length);
    std::memcpy(&state.header, payload.data(), sizeof state.header);
    const Bytes frozen = payload.subspan(sizeof state.header);
    if (state.header.frozen_bytes == frozen.size()) {
      state.frozen.assign(frozen.begin(), frozen.end());
      // What is not written yet is zeros.
      std::vector<std::uint8_t> later(limits::kBlockAlignment);
      state.much_follows =
          i + 1 != segments.size() ||
          (platform::read_at(path, block_bytes(head->length) + kMuchBytes, later) &&
           std::any_of(later.begin(), later.end(), [](std::uint8_t b) { return b != 0; }));
      return state;
    }
  }
  return {};
}

ReadResult read_journal(const std::string& folder, const Visit& visit, std::uint64_t after_batch) {
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
      platform::read_ahead(folder + "/" + segment_name(segments[i + 1]));
    }
    const std::uint64_t before = r.last_block;
    r = read_segment_file(folder, segments[i], std::move(r), visit, file);
    if (r.torn_tail && r.last_block == before && i + 1 == segments.size() && i > 0) {
      return r;  // killed while the segment was being begun
    }
    if (r.torn_tail && i + 1 < segments.size()) {
      r.torn_tail = false;  // recovery cuts a tail before it goes on: here something else happened
      r.problem = "damaged" + r.problem.substr(4);
    }
    if (!r.problem.empty() || r.stopped) {
      return r;
    }
  }
  return r;
}

}  // namespace vedette::journal
