// Purpose: one engine with its own memory, a lane for critical events and one for the rest, for
// tests and fuzz targets.
#pragma once

#include <cstring>
#include <new>
#include <span>
#include <vector>

#include "core/engine/shard.hpp"
#include "model/derived.hpp"
#include "model/observation.hpp"

namespace vedette::tests {

class ShardInMemory {
 public:
  static std::size_t bytes_needed(const plan::Plan& plan) {
    return engine::Shard::bytes_needed(plan) + 4 * Lane::bytes_needed(kRecords, kLaneBytes) +
           Lane::bytes_needed(4, 2 * engine::batch_bytes_bound(plan)) + 2 * kCacheLineBytes;
  }

  // `ends`: whether the stepping thread also puts events.
  explicit ShardInMemory(const plan::Plan& plan, std::uint64_t node = 1, std::uint32_t epoch = 1,
                         Lane::Ends ends = Lane::Ends::together, std::uint8_t number = kFirstShard)
      : memory_(bytes_needed(plan) / 8 + 8) {
    Arena arena(memory_.data(), memory_.size() * 8);
    room_ = arena.room(engine::Shard::bytes_needed(plan));
    Arena room(room_.data(), room_.size());
    shard_.init(room, plan, node, epoch, engine::ReleaseKernel::scalar, number);
    commands_.init(arena, kRecords, kLaneBytes, ends);
    outcomes_.init(arena, kRecords, kLaneBytes, ends);
    critical_.init(arena, kRecords, kLaneBytes, ends);
    lane_.init(arena, kRecords, kLaneBytes, ends);
    batches_.init(arena, 4, 2 * engine::batch_bytes_bound(plan));
  }

  // False when the lane is full.
  bool put(const Observation& observation, std::int64_t at_ns, std::uint16_t source = 0,
           EventClass event_class = EventClass::normal, std::int64_t arrival_ns = 0) {
    ++record_;
    return put_same(observation, at_ns, source, event_class, arrival_ns);
  }
  // Puts them as one datagram.
  bool put_datagram(std::span<const Observation> observations, std::int64_t at_ns,
                    std::uint16_t source) {
    ++record_;
    for (const Observation& o : observations) {
      if (!put_same(o, at_ns, source, EventClass::normal, 0)) {
        return false;
      }
    }
    return true;
  }
  // Builds in place, as ingress does; false when the lane is full or `make` returns false.
  template <typename Make>
  bool put_made(Make&& make, std::int64_t at_ns, std::uint16_t source = 0,
                EventClass event_class = EventClass::normal, std::int64_t arrival_ns = 0) {
    ++record_;
    return make_same(make, at_ns, source, event_class, arrival_ns);
  }

  // Puts an action's outcome.
  bool put_outcome(std::uint64_t action, std::int64_t at_ns, Exit exit,
                   Reason reason = Reason::sink_failed) {
    ActionOutcome outcome{};
    outcome.action_sequence = action;
    outcome.exit = exit;
    outcome.reason = exit == Exit::success ? Reason::applied : reason;
    EventHeader header{};
    header.observed_ns = header.received_ns = at_ns;
    header.kind = EventKind::outcome;
    header.event_class = EventClass::high;
    header.source = kNoSource;
    header.cause = action;
    return put(outcomes_, header, outcome);
  }

  bool put_command(CommandKind kind, std::int64_t at_ns, std::uint64_t target = 0) {
    Command command{};
    command.kind = kind;
    command.target = target;
    EventHeader header{};
    header.observed_ns = header.received_ns = at_ns;
    header.kind = EventKind::command;
    header.event_class = EventClass::critical;
    header.source = kNoSource;
    return put(commands_, header, command);
  }

  bool put_requeue(std::uint64_t target, const ActionIntent& intent, std::int64_t at_ns) {
    Requeue order{};
    order.command.kind = CommandKind::requeue;
    order.command.target = target;
    order.intent = intent;
    EventHeader header{};
    header.observed_ns = header.received_ns = at_ns;
    header.kind = EventKind::command;
    header.event_class = EventClass::critical;
    header.source = kNoSource;
    return put(commands_, header, order);
  }

  // Puts an event as a sink made it, or one of this kind.
  bool put_input(Bytes event) {
    std::uint8_t* at = outcomes_.reserve(event.size());
    if (at == nullptr) {
      return false;
    }
    std::memcpy(at, event.data(), event.size());
    outcomes_.commit(event.size());
    return true;
  }
  template <typename Payload>
  bool put_input(const EventHeader& header, const Payload& payload) {
    return put(outcomes_, header, payload);
  }

  // One step whose batch goes to a lane that another thread drains; false while that is full.
  bool step_into(Lane& batches, std::int64_t now_ns) {
    Lane* const lanes[] = {&commands_, &critical_, &outcomes_, &lane_};
    return !shard_.step(lanes, batches, now_ns, 0).empty() || shard_.worked() || backlog() == 0;
  }
  // One step whose events are only visited.
  template <typename Visit>
  void step_into_nothing(std::int64_t now_ns, const engine::Urgency& urgency, Visit&& visit) {
    Lane* const lanes[] = {&commands_, &critical_, &outcomes_, &lane_};
    const Bytes batch = shard_.step(lanes, batches_, now_ns, 0, urgency);
    if (!batch.empty()) {
      for_each_event(batch, visit);
      batches_.peek();
      batches_.release();
    }
  }
  bool critical_waits() { return !critical_.peek().empty(); }

  // One step, and quiet ones before it; returns a copy of its batch, empty when there was nothing
  // to do.
  std::vector<std::uint8_t> step(std::int64_t now_ns, const engine::Urgency& urgency = {}) {
    Lane* const lanes[] = {&commands_, &critical_, &outcomes_, &lane_};
    Bytes batch = shard_.step(lanes, batches_, now_ns, 0, urgency);
    while (batch.empty() && shard_.worked()) {
      batch = shard_.step(lanes, batches_, now_ns, 0, urgency);
    }
    std::vector<std::uint8_t> copy(batch.size());
    if (!batch.empty()) {
      std::memcpy(copy.data(), batch.data(), batch.size());
      batches_.peek();
      batches_.release();
    }
    return copy;
  }

  // Events not admitted yet.
  std::size_t backlog() const {
    return commands_.size() + critical_.size() + outcomes_.size() + lane_.size();
  }
  engine::Shard& shard() { return shard_; }
  std::span<std::uint8_t> room() { return room_; }  // the shard's memory

 private:
  static constexpr std::size_t kRecords = 1024;
  static constexpr std::size_t kLaneBytes = std::size_t{1} << 19;

  bool put_same(const Observation& observation, std::int64_t at_ns, std::uint16_t source,
                EventClass event_class, std::int64_t arrival_ns) {
    const auto copy = [&](Observation& to) {
      to = observation;
      return true;
    };
    return make_same(copy, at_ns, source, event_class, arrival_ns);
  }
  template <typename Make>
  bool make_same(Make&& make, std::int64_t at_ns, std::uint16_t source, EventClass event_class,
                 std::int64_t arrival_ns) {
    Lane& lane = event_class == EventClass::critical ? critical_ : lane_;
    std::uint8_t* at = lane.reserve(event_bytes(sizeof(Observation)));
    if (at == nullptr || !make(*new (at + sizeof(EventHeader)) Observation)) {
      return false;
    }
    auto& header = *reinterpret_cast<EventHeader*>(at);
    header = {};
    header.observed_ns = header.received_ns = at_ns;
    header.arrival_ns = arrival_ns;
    header.kind = EventKind::observation;
    header.event_class = event_class;
    header.source = source;
    header.record = record_;
    header.payload_bytes = sizeof(Observation);
    lane.commit(event_bytes(sizeof(Observation)));
    return true;
  }
  template <typename Payload>
  static bool put(Lane& lane, EventHeader header, const Payload& payload) {
    header.payload_bytes = sizeof payload;
    std::uint8_t* at = lane.reserve(event_bytes(sizeof payload));
    if (at == nullptr) {
      return false;
    }
    std::memcpy(at, &header, sizeof header);
    std::memcpy(at + sizeof header, &payload, sizeof payload);
    lane.commit(event_bytes(sizeof payload));
    return true;
  }

  std::vector<std::uint64_t> memory_;
  std::span<std::uint8_t> room_;
  engine::Shard shard_;
  Lane commands_, critical_, outcomes_, lane_, batches_;
  std::uint64_t record_ = 0;
};

}  // namespace vedette::tests
