#include "core/engine/batch_builder.hpp"

#include <cstring>

#include "model/observation.hpp"

namespace vedette::engine {

bool BatchBuilder::begin(Lane& out, std::size_t max_bytes, std::size_t inputs,
                         const Progress& progress, std::uint32_t epoch, std::int64_t admitted_ns,
                         std::int64_t admitted_arrival_ns) {
  lane_ = out.reserve(max_bytes);
  if (lane_ == nullptr) {
    return false;
  }
  base_ = inputs > kSmallInputs ? lane_ : small_;
  max_bytes_ = max_bytes;
  used_ = settled_ = sizeof(BatchHeader);
  asked_ = 0;
  input_count_ = derived_count_ = 0;
  progress_ = progress;
  header_ = {};
  header_.magic = kBatchMagic;
  header_.number = progress.batch_number + 1;
  header_.first_sequence = progress.last_sequence + 1;
  header_.admitted_ns = admitted_ns;
  header_.admitted_arrival_ns = admitted_arrival_ns;
  header_.epoch = epoch;
  header_.digest_before = progress.digest;
  header_.cut = kNotCut;
  digest_ = RoundsDigest(header_.digest_before);
  return true;
}

EventHeader* BatchBuilder::append(std::size_t payload_bytes) {
  const std::size_t bytes = event_bytes(payload_bytes);
  if (bytes > max_bytes_ - used_) {
    return nullptr;
  }
  if (base_ == small_ && bytes > kSmallBytes - used_) {
    move_to_lane();
  }
  // The journal's core holds these lines: request each before writing it, and with a batch built in
  // the lane also those of events to come.
  const std::size_t wanted = used_ + bytes + (base_ == small_ ? 0 : kAheadBytes);
  for (; asked_ < wanted; asked_ += kCacheLineBytes) {
    prefetch_to_write(lane_ + asked_, 1);
  }
  auto* event = reinterpret_cast<EventHeader*>(base_ + used_);
  used_ += bytes;
  // Defines the padding, which is written to disk and hashed, before the payload overwrites the
  // rest.
  std::memset(base_ + used_ - 8, 0, 8);
  return event;
}

// Copies whole lines: memcpy branches by size, and rare branches miss the instruction cache.
void BatchBuilder::move_to_lane() {
  static_assert(sizeof(BatchHeader) % kCacheLineBytes == 0 && kSmallBytes % kCacheLineBytes == 0);
  static_assert(Lane::kAlignment == kCacheLineBytes, "a lane has room for whole lines");
  for (std::size_t at = sizeof(BatchHeader); at < used_; at += kCacheLineBytes) {
    std::memcpy(lane_ + at, small_ + at, kCacheLineBytes);
  }
  base_ = lane_;
}

EventHeader* BatchBuilder::add_input(const EventHeader& event, Bytes payload) {
  CHECK(derived_count_ == 0, "inputs come before derived events");
  EventHeader* at = append(payload.size());
  CHECK(at != nullptr, "batch smaller than the plan's bound");
  *at = event;
  at->sequence = ++progress_.last_sequence;
  at->payload_bytes = static_cast<std::uint16_t>(payload.size());
  at->state = StateWord::make(Phase::accepted);
  if (payload.size() == sizeof(Observation)) {  // nearly all; a constant size needs no call
    std::memcpy(payload_of(at), payload.data(), sizeof(Observation));
  } else if (!payload.empty()) {
    std::memcpy(payload_of(at), payload.data(), payload.size());
  }
  ++input_count_;
  ++progress_.accepted;
  ++progress_.waiting;
  return at;
}

EventHeader* BatchBuilder::begin_derived(EventKind kind, EventClass event_class,
                                         std::uint64_t cause, std::size_t payload_bytes) {
  EventHeader* at = append(payload_bytes);
  if (at == nullptr) {
    return nullptr;
  }
  *at = {};
  at->sequence = ++progress_.last_sequence;
  at->observed_ns = at->received_ns = header_.admitted_ns;
  at->cause = cause;
  at->payload_bytes = static_cast<std::uint16_t>(payload_bytes);
  at->source = kNoSource;
  at->kind = kind;
  at->event_class = event_class;
  at->state = StateWord::make(Phase::accepted);
  ++derived_count_;
  ++progress_.accepted;
  ++progress_.waiting;
  return at;
}

void BatchBuilder::dispatch(EventHeader& event) {
  CHECK(event.state.phase() == Phase::accepted, "dispatched once");
  event.state = StateWord::make(Phase::transient);
  --progress_.waiting;
  ++progress_.transient;
}

void BatchBuilder::resolve_earlier(Exit exit) {
  CHECK(exit != Exit::none && progress_.transient > 0, "something was under way");
  --progress_.transient;
  ++progress_.exits[static_cast<std::size_t>(exit) - 1];
}

void BatchBuilder::resolve_waiting(Exit exit) {
  CHECK(exit != Exit::none && progress_.waiting > 0, "something waited");
  --progress_.waiting;
  ++progress_.exits[static_cast<std::size_t>(exit) - 1];
}

void BatchBuilder::dispatch_waiting() {
  CHECK(progress_.waiting > 0, "something waited");
  --progress_.waiting;
  ++progress_.transient;
}

void BatchBuilder::digest_settled() {
  const std::size_t bytes =
      (used_ - settled_) / RoundsDigest::kRoundBytes * RoundsDigest::kRoundBytes;
  digest_.mix(Bytes(base_ + settled_, bytes));
  settled_ += bytes;
}

Bytes BatchBuilder::seal(Lane& out, Progress& progress, std::uint64_t belief, std::uint32_t quiet) {
  digest_settled();
  Digest digest(digest_.value());
  digest.mix(header_.number);
  digest.mix(header_.first_sequence);  // a batch without events shows it too
  digest.mix(static_cast<std::uint64_t>(header_.admitted_ns));
  digest.mix(static_cast<std::uint64_t>(header_.admitted_arrival_ns));
  digest.mix(header_.epoch);
  digest.mix(Bytes(base_ + settled_, used_ - settled_));  // the tail, less than a round
  digest.mix(std::uint64_t{header_.ticked} << 32 | header_.cut);
  digest.mix(belief);
  CHECK(progress_.accepted == progress_.waiting + progress_.transient + progress_.exits[0] +
                                  progress_.exits[1] + progress_.exits[2],
        "conservation: every accepted event waits, is under way, or has left");
  progress_.digest = digest.value();
  progress_.batch_number = header_.number;
  progress_.admitted_ns = header_.admitted_ns;
  header_.bytes = static_cast<std::uint32_t>(used_);
  header_.quiet = quiet;
  header_.input_count = input_count_;
  header_.derived_count = derived_count_;
  header_.digest = progress_.digest;
  header_.accepted = progress_.accepted;
  header_.waiting = progress_.waiting;
  header_.transient = progress_.transient;
  std::memcpy(header_.exits, progress_.exits, sizeof header_.exits);
  if (base_ == small_) {
    move_to_lane();
  }
  std::memcpy(lane_, &header_, sizeof header_);
  progress = progress_;
  out.commit(used_);
  base_ = nullptr;
  return {lane_, used_};
}

}  // namespace vedette::engine
