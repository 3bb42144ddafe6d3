// Purpose: batches in a fraction of their bytes, for a disk that is behind: each event as what
// differs from the last of its kind. (A general compressor takes twice as long for as much.)
//
// Packed are records: a batch's header, then its events one by one. A record is
//
//   slot (1) | words (1) | for each eight of its 64-bit words: which differ (1 byte, the first word
//   lowest) | of those, how many bytes each takes, less one (4 bits each, the first lowest; whole
//   bytes) | their bytes, least first
//
// What stands there is the difference to the same word of the last record of that slot in the same
// block (0 where that was shorter, or there is none), zigzag: 0, -1, 1, -2, ... as 0, 1, 2, 3.
// Slot 0 is for headers of batches; an event's follows from its kind, which a reader need not know.
// Bound: kSlots records of kWords words are remembered; one that is longer, or that has another
// slot, is not unpacked. Runs on: the journal thread; recovery.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/bytes.hpp"
#include "model/batch.hpp"

namespace vedette::journal {

// The last record of each slot.
class LastRecords {
 public:
  static constexpr std::size_t kSlots = 17;
  static constexpr std::size_t kWords = event_bytes(kPayloadBytes) / 8;

  void forget() { lengths_ = {}; }
  // For a record of `words` words: what it is compared with, of as many words.
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
  // Fills `room` from its start.
  void begin(std::span<std::uint8_t> room) {
    room_ = room;
    used_ = 0;
    last_.forget();
  }
  // False, and nothing is added, where the batch might not fit. It is a sound one.
  bool add(Bytes batch);
  std::size_t bytes() const { return used_; }

 private:
  void put(std::size_t slot, const std::uint8_t* record, std::size_t bytes);

  std::span<std::uint8_t> room_;
  std::size_t used_ = 0;
  LastRecords last_;
};

// False when `packed`, any bytes, is not exactly what makes so many.
bool unpack(Bytes packed, std::span<std::uint8_t> out);

}  // namespace vedette::journal
