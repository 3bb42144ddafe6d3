// Purpose: how much a watch is alarmed, in the measures of EEMUA publication 191 (alarm systems)
// and ANSI/ISA-18.2, clause 16: announced alarms in 10 minutes, floods, priorities, the most
// frequent, chattering ones. In: changes of alarms, in order of time. Out: figures, text and JSON.
// Bound: one count for each 10 minutes and each alarm of the period. Runs on: cold threads.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "model/alarm.hpp"
#include "model/plan_generated.h"

namespace vedette::cli {

// People were told of the alarm by this change, anew or again.
bool announces(const AlarmChange& change);

class AlarmRates {
 public:
  static constexpr std::int64_t kWindowNs = 600'000'000'000;
  static constexpr std::uint32_t kFlood = 10;   // announced in a window: more is a flood
  static constexpr std::uint32_t kChatter = 3;  // of one alarm within kChatterNs
  static constexpr std::int64_t kChatterNs = 60'000'000'000;

  void take(const AlarmChange& change, std::int64_t at_ns, const plan::Plan& plan);
  // The period, if it is longer than from the first change to the last.
  void covers(std::int64_t from_ns, std::int64_t to_ns);

  std::uint64_t announced() const { return announced_; }
  double minutes() const;
  double average() const;  // in 10 minutes
  struct Window {
    std::int64_t from_ns = 0;
    std::uint32_t announced = 0;
  };
  Window busiest() const;
  double flood_share() const;  // of the windows
  std::uint64_t of(AlarmPriority priority) const {
    return by_priority_[static_cast<std::size_t>(priority)];
  }
  struct Named {
    std::string name;
    std::uint64_t count;
  };
  std::vector<Named> frequent() const;    // assessments, most first
  std::vector<Named> chattering() const;  // alarms, with the most in kChatterNs

  std::string text() const;
  void members(JsonWriter<std::string>& json) const;

 private:
  struct Recent {
    std::string name;  // assessment and subject
    std::vector<std::int64_t> at_ns;
    std::uint64_t most = 0;
  };

  std::uint64_t announced_ = 0;
  std::int64_t from_ns_ = 0, to_ns_ = 0;           // 0: nothing yet
  std::map<std::int64_t, std::uint32_t> windows_;  // by time / kWindowNs
  std::array<std::uint64_t, 4> by_priority_{};
  std::map<std::string, std::uint64_t> by_assessment_;
  std::map<std::uint64_t, Recent> recent_;  // by alarm
};

}  // namespace vedette::cli
