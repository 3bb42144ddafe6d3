// Purpose: whether the machine's clock is believed, and where node time goes on from. Node time
// never goes back and never runs ahead of the clock by itself; a clock that leaps is bounded by the
// last record, named, and followed only when somebody says that it is right or when the kernel has
// said so for an hour (limits::kClock...). In: readings of the clock, and the last record's time.
// Out: where node time begins or goes on to. Bound: none. Runs on: the main thread; reads no clock
// itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace vedette::node {

class Timekeeper {
 public:
  // Where node time begins. `last_ns`: of the last record; 0: there is none.
  std::int64_t begin(std::int64_t clock_ns, std::int64_t last_ns);
  // Once a second while the node runs by the clock; where node time is to go on to, if anywhere.
  std::optional<std::int64_t> look(std::int64_t clock_ns, std::int64_t node_ns,
                                   std::int64_t monotonic_ns, bool synchronised);
  // Somebody says what time it is. Empty: node time goes on to it; else why not.
  std::string admit(std::int64_t told_ns, std::int64_t node_ns);

  bool believed() const { return believed_; }
  std::int64_t offset_ns() const {
    return offset_ns_;
  }                          // of the clock from node time, as last seen
  std::string what() const;  // "time: jumped +10 y, not believed"

 private:
  void see(std::int64_t clock_ns, std::int64_t node_ns);

  bool believed_ = true;
  std::int64_t clock_ns_ = 0;
  std::int64_t offset_ns_ = 0;
  std::int64_t holds_since_ns_ = 0;  // monotonic; 0: it does not
  std::int64_t held_offset_ns_ = 0;
};

// "+10 y", "-3 d", "+12 s": in the largest unit of which there are two, or one year.
std::string span_text(std::int64_t ns);

}  // namespace vedette::node
