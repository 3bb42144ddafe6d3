// Purpose: puts an event into a lane between the node's threads and counts what finds it full.
// In: a header and its payload, of header.payload_bytes. Runs on: the lane's writing thread; no
// allocation.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>

#include "base/check.hpp"
#include "base/lane.hpp"
#include "model/event.hpp"

namespace vedette::node {

// False when the lane is full: nothing is in it then, and `full` is one more. One writer.
inline bool post(Lane& lane, const EventHeader& header, Bytes payload,
                 std::atomic<std::uint64_t>& full) {
  CHECK(header.payload_bytes == payload.size(), "a header says how long its payload is");
  std::uint8_t* at = lane.reserve(event_bytes(payload.size()));
  if (at == nullptr) {
    full.store(full.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    return false;
  }
  std::memcpy(at, &header, sizeof header);
  std::memcpy(at + sizeof header, payload.data(), payload.size());
  lane.commit(event_bytes(payload.size()));
  return true;
}

}  // namespace vedette::node
