// Purpose: builds one batch and hands it to the journal: admits inputs from lanes by class, stamps
// sequence numbers, appends derived events, seals with the running digest. A small batch is built
// in private memory, because rewriting lane lines that the journal has read costs a miss each. A
// larger one moves to the lane; with many inputs waiting it begins there.
// In: lanes of events, or the inputs of a recorded batch. Out: the sealed batch in the batch lane.
// Bound: the plan's batch_events inputs and derived_bound() bytes of derived events. When full:
// begin() fails while the journal is behind, and nothing is admitted. Runs on: the engine thread.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

#include "base/digest.hpp"
#include "base/lane.hpp"
#include "model/batch.hpp"
#include "model/event.hpp"

namespace vedette::engine {

// The digest and the sequence continue from this; part of the frozen state.
struct Progress {
  std::uint64_t batch_number = 0;   // of the last sealed batch
  std::uint64_t last_sequence = 0;  // the shard is in its top bits (model/shard_id.hpp)
  std::uint64_t digest = 0;
  std::uint64_t accepted = 0;
  std::uint64_t waiting = 0;
  std::uint64_t transient = 0;
  std::uint64_t exits[3] = {};   // success, retraction, abandonment
  std::int64_t admitted_ns = 0;  // node time of that batch; a restart continues from it
};

class BatchBuilder {
 public:
  // False when the lane has no space for the largest batch. `inputs`: how many wait; decides only
  // where the batch is built.
  bool begin(Lane& out, std::size_t max_bytes, std::size_t inputs, const Progress& progress,
             std::uint32_t epoch, std::int64_t admitted_ns, std::int64_t admitted_arrival_ns);

  // Copies one input and stamps it; the caller enforces the bounds. The pointer is valid until the
  // next event is added.
  EventHeader* add_input(const EventHeader& event, Bytes payload);
  // Offset of an event, for work that comes after others were added.
  std::size_t place_of(const EventHeader& event) const {
    return static_cast<std::size_t>(reinterpret_cast<const std::uint8_t*>(&event) - base_);
  }
  EventHeader& event_at(std::size_t place) {
    return *reinterpret_cast<EventHeader*>(base_ + place);
  }
  // Appends a derived event caused by `cause`; null when the batch is full.
  template <typename Payload>
  EventHeader* add_derived(EventKind kind, EventClass event_class, std::uint64_t cause,
                           const Payload& payload) {
    const Bytes bytes = bytes_of(payload).first(bytes_in_event(payload));
    EventHeader* at = begin_derived(kind, event_class, cause, bytes.size());
    if (at != nullptr) {
      std::memcpy(payload_of(at), bytes.data(), bytes.size());
    }
    return at;
  }
  template <typename Payload>
  static constexpr std::size_t bytes_in_event(const Payload& payload) {
    if constexpr (std::is_same_v<Payload, ActionIntent>) {
      return bytes_of_event(payload);
    } else {
      return sizeof payload;
    }
  }
  void resolve(EventHeader& event, Exit exit, Reason reason) {
    CHECK(event.state.phase() != Phase::resolved, "an event exits exactly once");
    CHECK(exit != Exit::none, "an exit has a name");
    event.state = StateWord::make(Phase::resolved, exit, reason);
    --progress_.waiting;
    ++progress_.exits[static_cast<std::size_t>(exit) - 1];
  }
  // The event stays under way after this batch; a later one calls resolve_earlier() with its exit.
  void dispatch(EventHeader& event);
  void resolve_earlier(Exit exit);
  // The exit of an event that waited since an earlier batch.
  void resolve_waiting(Exit exit);
  // An event that waited since an earlier batch goes under way.
  void dispatch_waiting();

  // Digests what was appended so far, which no longer changes, so that sealing a long batch takes
  // no longer than a short one. The digest does not depend on when this is called.
  void settle() {
    if (used_ - settled_ >= kSettleBytes) {
      digest_settled();
    }
  }
  // Mixes the rest into the digest, fills the header and publishes; returns the sealed batch.
  // `belief`: digest of the state that the batch touched. `quiet`: steps before it without a batch.
  Bytes seal(Lane& out, Progress& progress, std::uint64_t belief, std::uint32_t quiet = 0);

  std::size_t inputs() const { return input_count_; }
  std::size_t derived() const { return derived_count_; }
  std::int64_t admitted_ns() const { return header_.admitted_ns; }
  const BatchHeader& header() const { return header_; }
  // How many subjects were judged before the cut.
  void cut_at(std::uint32_t judged) { header_.cut = judged; }
  void tick() { header_.ticked = 1; }
  bool ticked() const { return header_.ticked != 0; }

 private:
  // Least amount to digest at once: short enough not to delay, long enough to pay for a call.
  static constexpr std::size_t kSettleBytes = 1024;

  // Fits one event and its consequences many times; a longer batch moves to the lane.
  static constexpr std::size_t kSmallBytes = 4 << 10;
  static constexpr std::size_t kSmallInputs = kSmallBytes / 256;  // more than an observation's size
  // A few events: working them takes as long as fetching a line from another core.
  static constexpr std::size_t kAheadBytes = 1024;

  EventHeader* append(std::size_t payload_bytes);
  EventHeader* begin_derived(EventKind kind, EventClass event_class, std::uint64_t cause,
                             std::size_t payload_bytes);
  void move_to_lane();
  void digest_settled();

  alignas(kCacheLineBytes) std::uint8_t small_[kSmallBytes];
  std::uint8_t* lane_ = nullptr;  // space for the largest batch
  std::uint8_t* base_ = nullptr;  // where it is built: small_ or lane_
  std::size_t used_ = 0;
  std::size_t settled_ = 0;  // digested
  std::size_t asked_ = 0;    // bytes of the lane prefetched
  RoundsDigest digest_;      // of the events
  std::size_t max_bytes_ = 0;
  std::uint32_t input_count_ = 0;
  std::uint32_t derived_count_ = 0;
  BatchHeader header_{};
  Progress progress_{};
};

}  // namespace vedette::engine
