// Journal segments made by hand, from any events, with valid checksums and chain.
#pragma once

#include <cstring>
#include <vector>

#include "edge/journal/format.hpp"
#include "model/batch.hpp"

namespace vedette {

class MadeJournal {
 public:
  struct Event {
    std::uint64_t sequence;
    EventKind kind;
    std::vector<std::uint8_t> payload;
  };

  using Batch = std::vector<Event>;

  // The next segment, under a plan whose hash is that byte repeated.
  std::vector<std::uint8_t> segment(std::uint8_t plan, const std::vector<Batch>& batches) {
    bytes_.clear();
    ++number_;
    journal::SegmentHeader head{};
    std::memset(head.plan_hash, plan, sizeof head.plan_hash);
    add_block(journal::BlockKind::segment, bytes_vector(head), 0);
    for (const Batch& batch : batches) {
      add_block(journal::BlockKind::batches, bytes_of_batch(batch), batch_);
    }
    return bytes_;
  }

 private:
  template <typename T>
  static std::vector<std::uint8_t> bytes_vector(const T& value) {
    const auto* at = reinterpret_cast<const std::uint8_t*>(&value);
    return {at, at + sizeof value};
  }

  std::vector<std::uint8_t> bytes_of_batch(const Batch& events) {
    BatchHeader header{};
    header.magic = kBatchMagic;
    header.number = ++batch_;
    header.first_sequence = events.front().sequence;
    header.input_count = static_cast<std::uint32_t>(events.size());
    std::vector<std::uint8_t> batch(sizeof header);
    for (const Event& event : events) {
      EventHeader e{};
      e.sequence = event.sequence;
      e.kind = event.kind;
      e.payload_bytes = static_cast<std::uint16_t>(event.payload.size());
      const std::vector<std::uint8_t> head = bytes_vector(e);
      const std::size_t end = batch.size() + event_bytes(event.payload.size());
      batch.insert(batch.end(), head.begin(), head.end());
      batch.insert(batch.end(), event.payload.begin(), event.payload.end());
      batch.resize(end);
    }
    header.bytes = static_cast<std::uint32_t>(batch.size());
    std::memcpy(batch.data(), &header, sizeof header);
    return batch;
  }

  void add_block(journal::BlockKind kind, const std::vector<std::uint8_t>& payload,
                 std::uint64_t batch) {
    journal::BlockHeader header{};
    header.magic = journal::kBlockMagic;
    header.version = journal::kFormatVersion;
    header.kind = kind;
    header.segment = number_;
    header.block = ++block_;
    header.previous = chain_;
    header.length = static_cast<std::uint32_t>(payload.size());
    header.first_batch = header.last_batch = batch;
    header.crc = journal::block_crc(header, payload);
    chain_ = journal::chain_value(header);
    const std::size_t at = bytes_.size();
    bytes_.resize(at + journal::block_bytes(payload.size()));
    std::memcpy(bytes_.data() + at, &header, sizeof header);
    std::memcpy(bytes_.data() + at + sizeof header, payload.data(), payload.size());
  }

  std::vector<std::uint8_t> bytes_;
  std::uint64_t number_ = 0, block_ = 0, batch_ = 0, chain_ = 0;
};

}  // namespace vedette
