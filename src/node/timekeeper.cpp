#include "node/timekeeper.hpp"

#include <algorithm>

#include "base/math.hpp"
#include "base/text.hpp"
#include "model/limits.hpp"

namespace vedette::node {
namespace {

bool can_be(std::int64_t clock_ns) {
  return clock_ns >= limits::kClockLeastNs && clock_ns <= limits::kClockMostNs;
}

bool apart(std::int64_t offset_ns) {
  return offset_ns > limits::kClockAgreesNs || offset_ns < -limits::kClockAgreesNs;
}

std::string time_text(std::int64_t ns) {
  std::string text;
  append_time(text, ns);
  return text;
}

}  // namespace

std::string span_text(std::int64_t ns) {
  struct Unit {
    const char* name;
    std::int64_t seconds, from;  // used from twice its length on, except years
  };
  static constexpr Unit kUnits[] = {{" y", 31'557'600, 31'557'600},
                                    {" d", 86'400, 172'800},
                                    {" h", 3600, 7200},
                                    {" min", 60, 120},
                                    {" s", 1, 0}};
  const std::int64_t seconds = ns / 1'000'000'000;
  const std::int64_t many = seconds < 0 ? -seconds : seconds;
  const Unit* unit = kUnits;
  while (many < unit->from) {
    ++unit;
  }
  return (ns < 0 ? "-" : "+") + std::to_string((many + unit->seconds / 2) / unit->seconds) +
         unit->name;
}

void Timekeeper::see(std::int64_t clock_ns, std::int64_t node_ns) {
  clock_ns_ = clock_ns;
  offset_ns_ = sub_ns(clock_ns, node_ns);
}

std::int64_t Timekeeper::begin(std::int64_t clock_ns, std::int64_t last_ns) {
  const std::int64_t ahead_ns = sub_ns(clock_ns, last_ns);
  std::int64_t node_ns = clock_ns;
  if (last_ns < limits::kClockLeastNs) {  // no clock was ever believed
    believed_ = can_be(clock_ns);
    node_ns = believed_ ? clock_ns : std::max(last_ns, limits::kClockUnsetNs);
  } else if (ahead_ns < 0) {
    believed_ = !apart(ahead_ns);
    node_ns = last_ns;
  } else {
    believed_ = can_be(clock_ns) && ahead_ns <= limits::kClockLeapNs;
    node_ns = believed_ ? clock_ns : last_ns;
  }
  see(clock_ns, node_ns);
  return node_ns;
}

std::optional<std::int64_t> Timekeeper::look(std::int64_t clock_ns, std::int64_t node_ns,
                                             std::int64_t monotonic_ns, bool synchronised) {
  see(clock_ns, node_ns);
  const bool ahead = offset_ns_ > 0 && can_be(clock_ns);
  believed_ = !apart(offset_ns_);
  if (!believed_ && ahead && node_ns < limits::kClockLeastNs) {
    believed_ = true;  // the first credible one
    return clock_ns;
  }
  if (believed_ || !ahead || !synchronised) {
    holds_since_ns_ = 0;
    return std::nullopt;
  }
  if (holds_since_ns_ == 0 || apart(sub_ns(offset_ns_, held_offset_ns_))) {
    holds_since_ns_ = monotonic_ns;
    held_offset_ns_ = offset_ns_;
  }
  if (monotonic_ns - holds_since_ns_ < limits::kClockHoldsNs) {
    return std::nullopt;
  }
  holds_since_ns_ = 0;
  believed_ = true;
  return clock_ns;
}

std::string Timekeeper::admit(std::int64_t told_ns, std::int64_t node_ns) {
  if (!can_be(told_ns)) {
    return "the time " + time_text(told_ns) + " cannot be right: it is before " +
           time_text(limits::kClockLeastNs) + " or after " + time_text(limits::kClockMostNs);
  }
  if (told_ns < node_ns) {
    return "node time is " + span_text(sub_ns(node_ns, told_ns)).substr(1) +
           " later and never goes back; wait until then, or run with another --data";
  }
  see(clock_ns_, told_ns);
  believed_ = !apart(offset_ns_);
  holds_since_ns_ = 0;
  return {};
}

std::string Timekeeper::what() const {
  return can_be(clock_ns_) ? "jumped by " + span_text(offset_ns_) + "; node time does not follow it"
                           : "says " + time_text(clock_ns_) + "; node time does not follow it";
}

}  // namespace vedette::node
