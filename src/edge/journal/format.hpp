// Purpose: the journal on disk.
//
// DIR/shard-N/journal/<16 hex digits>.seg, written in order, each preallocated full of zeros. A
// segment is a chain of blocks, each at a multiple of 4,096 bytes:
//
//   BlockHeader (64) | payload (`length` bytes) | zeros to the next multiple of 4,096
//
// A segment's first block is a SegmentHeader, optionally with a frozen state from which a replay
// can start when older segments are gone. A state after the last batch of the previous segment ends
// a gap: the disk took nothing for longer than batches could wait, those in between are not
// recorded, and a replay continues from that state. Blocks of kind `batches` hold whole batches
// (model/batch.hpp), kind `packed` holds them compressed (journal/packing.hpp), `close` ends a run
// that stopped in order. A segment that is no longer written is rewritten with `archived` blocks,
// each of which stands for several, and with its state deflated (journal/archiver.hpp). Each block
// carries the chain value of the previous one, across segments. An invalid block is a torn tail,
// which is cut off, unless something valid follows: then it is damage.
#pragma once

#include <cstdint>
#include <type_traits>

#include "base/crc32c.hpp"
#include "base/digest.hpp"
#include "model/batch.hpp"
#include "model/limits.hpp"
#include "model/shard_id.hpp"

namespace vedette::journal {

inline constexpr std::uint32_t kBlockMagic = 0x4B424456;  // "VDBK"
// Raise it for any change of how a journal reads: the layout of blocks, batches or events. Journals
// of other versions are left alone. Engine semantics have kStepVersion (model/batch.hpp), the
// frozen state a version for each room (base/sections.hpp).
inline constexpr std::uint16_t kFormatVersion = 10;

enum class BlockKind : std::uint16_t {
  segment = 1,
  batches = 2,
  close = 3,
  packed = 4,
  archived = 5
};

// Most bytes of one packed or archived block's batches, unpacked.
inline constexpr std::size_t kUnpackedBytes = 4 << 20;

// Magic, version, segment, length and CRC keep their offsets in every version, so that each version
// recognises the others.
struct BlockHeader {
  std::uint32_t magic;
  std::uint16_t version;
  BlockKind kind;
  std::uint64_t segment;      // number of the file
  std::uint64_t block;        // from 1, without gaps, across segments
  std::uint64_t previous;     // chain value of the previous block; 0 for the first
  std::uint32_t length;       // of the payload
  std::uint32_t crc;          // CRC-32C of header (with this field 0) and payload
  std::uint64_t first_batch;  // in the payload, 0 for none
  std::uint64_t last_batch;
  std::uint64_t unpacked_bytes;  // for a packed or archived payload or state, else 0
};
static_assert(sizeof(BlockHeader) == 64 && std::is_trivially_copyable_v<BlockHeader>);

// Before an archived block's deflated batches, or a segment's deflated state: the last of the
// blocks that it stands for. Its own header has the number of the first one, and the chain value
// before it.
struct ArchiveHead {
  std::uint64_t last_block;
  std::uint64_t chain;  // of that block
};
static_assert(sizeof(ArchiveHead) == 16);

constexpr bool holds_batches(BlockKind kind) {
  return kind == BlockKind::batches || kind == BlockKind::packed || kind == BlockKind::archived;
}

struct SegmentHeader {
  std::uint8_t plan_hash[32];  // SHA-256 of the plan's bytes
  std::uint64_t node;
  std::uint32_t epoch;
  std::uint32_t frozen_bytes;  // of the state after this header, 0 for none
  std::uint64_t frozen_batch;  // last batch in that state
  std::uint32_t step_version = kStepVersion;
  std::uint8_t shard = kFirstShard;  // whose batches follow
  std::uint8_t reserved[3] = {};
};
static_assert(sizeof(SegmentHeader) == 64);

inline std::uint32_t block_crc(BlockHeader header, Bytes payload) {
  header.crc = 0;
  return crc32c(payload, crc32c({reinterpret_cast<const std::uint8_t*>(&header), sizeof header}));
}

// The header's CRC covers the payload.
inline std::uint64_t chain_value(const BlockHeader& header) {
  Digest digest;
  digest.mix(Bytes(reinterpret_cast<const std::uint8_t*>(&header), sizeof header));
  return digest.value();
}

constexpr std::size_t block_bytes(std::size_t length) {
  return align_up(sizeof(BlockHeader) + length, limits::kBlockAlignment);
}

}  // namespace vedette::journal
