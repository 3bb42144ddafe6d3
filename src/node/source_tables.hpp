// Purpose: whether a source's decoder tables (message parts, aircraft) are full. In: its losses so
// far, at every tick. Out: a change, as an event's payload. Bound: one table a source. Runs on: the
// engine's thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "edge/codec/plain_codec.hpp"
#include "model/derived.hpp"
#include "model/limits.hpp"

namespace vedette::node {

class SourceTables {
 public:
  // `lost`: the codec's total. Calls `tell(const SourceFull&)` when the table becomes full or
  // ceases to be.
  template <typename Tell>
  void look(std::uint16_t source, codec::Crowding crowding, std::uint64_t lost, std::int64_t now_ns,
            Tell&& tell) {
    if (crowding.many == 0) {
      return;
    }
    Table& t = tables_[source];
    t.cause = crowding.cause;
    if (lost - t.before >= crowding.many) {
      t.reached_ns = now_ns;
      t.before = lost;
      t.since_ns = now_ns;
    } else if (now_ns - t.since_ns >= limits::kCrowdedNs) {
      t.before = lost;
      t.since_ns = now_ns;
    }
    const bool full = t.reached_ns != 0 && now_ns - t.reached_ns < limits::kCrowdedNs;
    if (full != t.full) {
      t.full = full;
      tell(SourceFull{lost, source, t.cause, static_cast<std::uint8_t>(full ? 1 : 0), {}});
    }
  }
  // Whether any source's table is full.
  bool full(Cause cause) const {
    return std::any_of(tables_.begin(), tables_.end(),
                       [&](const Table& t) { return t.full && t.cause == cause; });
  }

 private:
  struct Table {
    std::uint64_t before = 0;     // at the window's start
    std::int64_t since_ns = 0;    // window's start
    std::int64_t reached_ns = 0;  // when a window last lost too many
    Cause cause = Cause::count;
    bool full = false;
  };

  std::array<Table, limits::kSources> tables_{};
};

}  // namespace vedette::node
