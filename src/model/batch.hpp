// Purpose: the batch, the unit of order: what one engine step admitted together and the events
// derived from it, laid out in memory as it is stored.
//
//   BatchHeader (128) | inputs: input_count events | derived: derived_count events
//
// Every event is an EventHeader and its payload, padded to eight bytes. A step that takes no input
// and tells nothing is quiet: no batch has it. Its time follows from the state, so that the next
// batch only counts it; the digest covers it.
#pragma once

#include <cstdint>
#include <type_traits>

#include "base/bytes.hpp"
#include "model/event.hpp"

namespace vedette {

inline constexpr std::uint32_t kNotCut = 0xFFFFFFFF;
inline constexpr std::uint32_t kBatchMagic = 0x48435442;  // "BTCH"

// Raise it for any change that makes the engine derive something else from the same inputs:
// arithmetic, the work of a step, the digest. A journal of another version is not replayed. Blocks
// and the sections of a frozen state have versions of their own.
inline constexpr std::uint32_t kStepVersion = 3;

struct BatchHeader {
  std::uint32_t magic;
  std::uint32_t bytes;               // all of the batch, a multiple of eight
  std::uint64_t number;              // from 1, without gaps
  std::uint64_t first_sequence;      // of the first input; derived events follow on
  std::int64_t admitted_ns;          // node time: the only clock the engine has
  std::int64_t admitted_arrival_ns;  // monotonic time of admission; 0 when node time is stepped
  std::uint32_t input_count;
  std::uint32_t derived_count;
  // Waiting events worked and subjects judged before the batch was cut for something urgent; else
  // kNotCut.
  std::uint32_t cut;
  std::uint32_t epoch;
  std::uint64_t digest_before;
  std::uint64_t digest;  // running digest after this batch
  // Conservation: accepted = waiting + transient + success + retraction + abandonment.
  std::uint64_t accepted;
  std::uint64_t waiting;
  std::uint64_t transient;
  std::uint64_t exits[3];  // success, retraction, abandonment
  std::uint32_t quiet;     // steps before this batch that took no input and told nothing
  std::uint32_t ticked;    // 1: node time reached the next tick
};
static_assert(sizeof(BatchHeader) == 128 && std::is_trivially_copyable_v<BatchHeader>);

inline constexpr std::size_t kSmallestBatchBytes = sizeof(BatchHeader) + kEventBytes;  // one event

// Walks consecutive batches; stops at the first that is not whole.
template <typename Visit>
void for_each_batch(Bytes batches, Visit&& visit) {
  while (batches.size() >= sizeof(BatchHeader)) {
    BatchHeader header;
    std::memcpy(&header, batches.data(), sizeof header);
    if (header.magic != kBatchMagic || header.bytes < sizeof header ||
        header.bytes > batches.size() || header.bytes % 8 != 0) {
      return;
    }
    visit(header, batches.first(header.bytes));
    batches = batches.subspan(header.bytes);
  }
}

// Walks the events of a batch that may be damaged; false when an event overruns the batch.
template <typename Visit>
bool for_each_event(Bytes batch, Visit&& visit) {
  const auto header = [&] {
    BatchHeader h;
    std::memcpy(&h, batch.data(), sizeof h);
    return h;
  };
  if (batch.size() < sizeof(BatchHeader)) {
    return false;
  }
  const BatchHeader h = header();
  if (h.magic != kBatchMagic || h.bytes != batch.size()) {
    return false;
  }
  std::size_t at = sizeof(BatchHeader);
  const std::uint64_t count = std::uint64_t{h.input_count} + h.derived_count;
  for (std::uint64_t i = 0; i < count; ++i) {
    if (batch.size() - at < sizeof(EventHeader)) {
      return false;
    }
    const auto* event = reinterpret_cast<const EventHeader*>(batch.data() + at);
    const std::size_t bytes = event_bytes(event->payload_bytes);
    if (event->payload_bytes > kPayloadBytes || batch.size() - at < bytes) {
      return false;
    }
    visit(*event, Bytes(payload_of(event), event->payload_bytes));
    at += bytes;
  }
  return at == batch.size();
}

}  // namespace vedette
