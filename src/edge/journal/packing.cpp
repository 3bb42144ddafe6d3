#include "edge/journal/packing.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "edge/journal/archiver.hpp"

namespace vedette::journal {
namespace {

static_assert(LastRecords::kWords < 256 && sizeof(BatchHeader) / 8 < LastRecords::kWords);

std::size_t slot_of(EventKind kind) {
  const auto number = static_cast<std::size_t>(kind);
  return 1 + (number & 7) + (number >= static_cast<std::size_t>(EventKind::first_derived) ? 8 : 0);
}

// Most packed bytes of a record: each eight words add a mask byte and four of lengths.
constexpr std::size_t packed_bound(std::size_t bytes) {
  return 2 + bytes + (bytes + 63) / 64 * 5;
}
// Whole words are stored, and the last may reach past the end.
constexpr std::size_t kSlack = 8;

std::uint64_t zigzag(std::uint64_t difference) {
  return difference << 1 ^ (0 - (difference >> 63));
}
std::uint64_t from_zigzag(std::uint64_t value) {
  return value >> 1 ^ (0 - (value & 1));
}

}  // namespace

void Packer::put(std::size_t slot, const std::uint8_t* record, std::size_t bytes) {
  const std::size_t words = bytes / 8;
  std::uint64_t* last = last_.of(slot, words);
  std::uint8_t* at = room_.data() + used_;
  *at++ = static_cast<std::uint8_t>(slot);
  *at++ = static_cast<std::uint8_t>(words);
  for (std::size_t first = 0; first < words; first += 8) {
    const std::size_t count = std::min<std::size_t>(8, words - first);
    std::uint64_t differences[8];
    unsigned differ = 0;
    std::size_t found = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const auto word = load_le<std::uint64_t>(record + 8 * (first + i));
      const std::uint64_t difference = word - last[first + i];
      last[first + i] = word;
      differences[found] = zigzag(difference);
      differ |= (difference != 0 ? 1U : 0U) << i;
      found += difference != 0 ? 1 : 0;
    }
    *at++ = static_cast<std::uint8_t>(differ);
    std::uint8_t* lengths = at;
    at += (found + 1) / 2;
    std::uint32_t all_lengths = 0;
    for (std::size_t i = 0; i < found; ++i) {
      const auto length = static_cast<unsigned>(71 - std::countl_zero(differences[i])) / 8;
      all_lengths |= (length - 1) << 4 * i;
      std::memcpy(at, &differences[i], 8);
      at += length;
    }
    for (std::size_t i = 0; i < (found + 1) / 2; ++i) {
      lengths[i] = static_cast<std::uint8_t>(all_lengths >> 8 * i);
    }
  }
  used_ = static_cast<std::size_t>(at - room_.data());
}

bool Packer::add(Bytes batch) {
  // An event's header is the shortest record.
  const std::size_t records = batch.size() / sizeof(EventHeader);
  if (room_.size() - used_ < packed_bound(batch.size()) + 7 * records + kSlack) {
    return false;
  }
  put(0, batch.data(), sizeof(BatchHeader));
  for (std::size_t at = sizeof(BatchHeader); at < batch.size();) {
    EventHeader event;
    std::memcpy(&event, batch.data() + at, sizeof event);
    const std::size_t bytes = event_bytes(event.payload_bytes);
    put(slot_of(event.kind), batch.data() + at, bytes);
    at += bytes;
  }
  return true;
}

bool unpack(Bytes packed, std::span<std::uint8_t> out) {
  LastRecords last;
  std::size_t in = 0;
  std::size_t made = 0;
  while (in < packed.size()) {
    if (packed.size() - in < 2) {
      return false;
    }
    const std::size_t slot = packed[in];
    const std::size_t words = packed[in + 1];
    in += 2;
    if (slot >= LastRecords::kSlots || words == 0 || words > LastRecords::kWords ||
        (out.size() - made) / 8 < words) {
      return false;
    }
    std::uint64_t* record = last.of(slot, words);
    for (std::size_t first = 0; first < words; first += 8) {
      if (in == packed.size()) {
        return false;
      }
      const unsigned differ = packed[in++];
      const auto found = static_cast<std::size_t>(std::popcount(differ));
      if (differ >> std::min<std::size_t>(8, words - first) != 0 ||
          packed.size() - in < (found + 1) / 2) {
        return false;
      }
      std::uint32_t lengths = 0;
      for (std::size_t i = 0; i < (found + 1) / 2; ++i) {
        lengths |= static_cast<std::uint32_t>(packed[in++]) << 8 * i;
      }
      for (unsigned left = differ; left != 0; left &= left - 1, lengths >>= 4) {
        const std::size_t length = (lengths & 7) + 1;
        if (packed.size() - in < length) {
          return false;
        }
        std::uint64_t value = 0;
        if (packed.size() - in >= 8) {
          value =
              load_le<std::uint64_t>(packed.data() + in) & ~std::uint64_t{0} >> (64 - 8 * length);
        } else {
          std::memcpy(&value, packed.data() + in, length);
        }
        in += length;
        record[first + static_cast<std::size_t>(std::countr_zero(left))] += from_zigzag(value);
      }
    }
    std::memcpy(out.data() + made, record, 8 * words);
    made += 8 * words;
  }
  return made == out.size();
}

Bytes batches_in(const BlockHeader& header, Bytes payload, std::vector<std::uint8_t>& room) {
  if (header.kind == BlockKind::batches) {
    return payload;
  }
  room.resize(header.unpacked_bytes <= kUnpackedBytes ? header.unpacked_bytes : 0);
  const bool whole = header.kind == BlockKind::packed ? unpack(payload, room)
                     : header.kind != BlockKind::archived || payload.size() < sizeof(ArchiveHead)
                         ? false
                         : inflate_batches(payload.subspan(sizeof(ArchiveHead)), room);
  return whole ? Bytes(room) : Bytes();
}

bool state_in(const BlockHeader& header, Bytes payload, std::vector<std::uint8_t>& room,
              Bytes& frozen) {
  constexpr std::size_t kHeads = sizeof(SegmentHeader) + sizeof(ArchiveHead);
  constexpr std::uint64_t kMostRatio = 1100;  // zlib's is 1,032
  if (payload.size() < sizeof(SegmentHeader)) {
    return false;
  }
  const std::uint64_t bytes = payload_as<SegmentHeader>(payload).frozen_bytes;
  if (header.unpacked_bytes == 0) {
    frozen = payload.subspan(sizeof(SegmentHeader));
    return frozen.size() == bytes;
  }
  if (header.unpacked_bytes != bytes || payload.size() < kHeads ||
      bytes > payload.size() * kMostRatio) {
    return false;
  }
  room.resize(bytes);
  frozen = room;
  return inflate_batches(payload.subspan(kHeads), room);
}

}  // namespace vedette::journal
