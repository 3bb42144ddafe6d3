// Purpose: whether to believe the machine's clock, and where node time continues. Node time never
// goes back and never runs ahead of the clock by itself. A clock that jumps is bounded by the last
// record, reported, and followed only when a person confirms it or the kernel has reported it
// synchronised for an hour (limits::kClock...). In: readings of the clock, and the last record's
// time. Out: the start of node time, or a move. Bound: none. Runs on: the main thread; reads no
// clock itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace vedette::node {

class Timekeeper {
 public:
  // The start of node time. `last_ns`: of the last record; 0: none.
  std::int64_t begin(std::int64_t clock_ns, std::int64_t last_ns);
  // Call once a second while node time follows the clock; returns where to move it, if anywhere.
  std::optional<std::int64_t> look(std::int64_t clock_ns, std::int64_t node_ns,
                                   std::int64_t monotonic_ns, bool synchronised);
  // For a time stated by a person. Empty: node time moves to it; else why not.
  std::string admit(std::int64_t told_ns, std::int64_t node_ns);

  bool believed() const { return believed_; }
  std::int64_t offset_ns() const {
    return offset_ns_;
  }                          // of the clock from node time, as last seen
  std::string what() const;  // "jumped by +10 y; node time does not follow it"

 private:
  void see(std::int64_t clock_ns, std::int64_t node_ns);

  bool believed_ = true;
  std::int64_t clock_ns_ = 0;
  std::int64_t offset_ns_ = 0;
  std::int64_t holds_since_ns_ = 0;  // monotonic; 0: not synchronised
  std::int64_t held_offset_ns_ = 0;
};

// "+10 y", "-3 d", "+12 s": in the largest unit that gives at least two, or one year.
std::string span_text(std::int64_t ns);

}  // namespace vedette::node
