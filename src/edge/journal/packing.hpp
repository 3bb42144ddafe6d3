// Purpose: delta compression of batches, for a disk that is behind: each event as its differences
// to the last of its kind. (A general compressor takes twice as long for the same ratio.)
//
// Input is records: a batch's header, then its events. A packed record is
//
//   slot (1) | words (1) | for each eight of its 64-bit words: which differ (1 byte, the first word
//   lowest) | of those, how many bytes each takes, less one (4 bits each, the first lowest; whole
//   bytes) | their bytes, least first
//
// The bytes are the difference to the same word of the slot's last record in the block (0 if there
// is none or it was shorter), zigzag: 0, -1, 1, -2, ... as 0, 1, 2, 3. Slot 0 is for batch headers;
// an event's slot follows from its kind, which a reader need not know. Bound: kSlots records of
// kWords words; unpacking refuses longer ones and other slots. Runs on: the journal thread;
// recovery.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "edge/journal/format.hpp"
#include "model/batch.hpp"

namespace vedette::journal {

// The last record of each slot.
class LastRecords {
 public:
  static constexpr std::size_t kSlots = 17;
  static constexpr std::size_t kWords = event_bytes(kPayloadBytes) / 8;

  void forget() { lengths_ = {}; }
  // The slot's last record, extended with zeros to `words` words.
  std::uint64_t* of(std::size_t slot, std::size_t words) {
    for (std::size_t i = lengths_[slot]; i < words; ++i) {
      words_[slot][i] = 0;
    }
    lengths_[slot] = static_cast<std::uint8_t>(words);
    return words_[slot].data();
  }

 private:
  std::array<std::uint8_t, kSlots> lengths_{};
  std::array<std::array<std::uint64_t, kWords>, kSlots> words_{};
};

class Packer {
 public:
  // Packs into `room` from its start.
  void begin(std::span<std::uint8_t> room) {
    room_ = room;
    used_ = 0;
    last_.forget();
  }
  // False, adding nothing, if the batch might not fit. The batch must be valid.
  bool add(Bytes batch);
  std::size_t bytes() const { return used_; }

 private:
  void put(std::size_t slot, const std::uint8_t* record, std::size_t bytes);

  std::span<std::uint8_t> room_;
  std::size_t used_ = 0;
  LastRecords last_;
};

// False unless `packed`, any bytes, unpacks to exactly out.size() bytes.
bool unpack(Bytes packed, std::span<std::uint8_t> out);

// A block's batches, of any kind that holds them, in the payload or in `room`; empty if they do not
// unpack, or are too many for `room`'s bound, kUnpackedBytes.
Bytes batches_in(const BlockHeader& header, Bytes payload, std::vector<std::uint8_t>& room);

// The state behind a segment's header, in the payload or in `room`; false if it is not whole.
bool state_in(const BlockHeader& header, Bytes payload, std::vector<std::uint8_t>& room,
              Bytes& frozen);

}  // namespace vedette::journal
