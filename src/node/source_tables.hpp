// Purpose: whether what decoding of a source remembers runs full: messages in parts, aircraft.
// In: what each lost so far, at every tick. Out: a change, as an event's payload. Bound: two tables
// a source. Runs on: the engine's thread.
#pragma once

#include <array>
#include <cstdint>

#include "model/derived.hpp"
#include "model/limits.hpp"

namespace vedette::node {

class SourceTables {
 public:
  // What was lost up to now, as after a start, is no news.
  struct Lost {
    std::uint64_t unfinished, aircraft;
  };
  // `tell(const SourceFull&)`: a table of the source began or ceased to be full.
  template <typename Tell>
  void look(std::uint16_t source, const Lost& lost, std::int64_t now_ns, Tell&& tell) {
    look(tables_[source][0], Cause::parts_full, source, lost.unfinished, kManyUnfinished, now_ns,
         tell);
    look(tables_[source][1], Cause::aircraft_full, source, lost.aircraft, 1, now_ns, tell);
  }
  // Of any source.
  bool full(Cause cause) const {
    for (const auto& of_source : tables_) {
      if (of_source[cause == Cause::parts_full ? 0 : 1].full) {
        return true;
      }
    }
    return false;
  }

 private:
  // Some parts are lost on the air and the next message finds theirs unfinished; so many within
  // kCrowdedNs are pushed out.
  static constexpr std::uint64_t kManyUnfinished = 64;
  struct Table {
    std::uint64_t before = 0;     // lost when the window began
    std::int64_t since_ns = 0;    // the window's beginning
    std::int64_t reached_ns = 0;  // when it last lost too many
    bool full = false;
  };
  template <typename Tell>
  static void look(Table& t, Cause cause, std::uint16_t source, std::uint64_t lost,
                   std::uint64_t many, std::int64_t now_ns, Tell&& tell) {
    if (lost - t.before >= many) {
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
      tell(SourceFull{lost, source, cause, static_cast<std::uint8_t>(full ? 1 : 0), {}});
    }
  }

  std::array<std::array<Table, 2>, limits::kSources> tables_{};
};

}  // namespace vedette::node
