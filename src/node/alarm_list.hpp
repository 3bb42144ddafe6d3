// Purpose: what is alarming, as of one batch, with what people want to know of each alarm. The
// mirror copies it when somebody asks. In: a shard. Out: a list, most urgent first, and
// what delays held down; JSON. Bound:
// [limits] alarms, taken at init(). Runs on: whoever owns the shard makes it; see AskedAlarms.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "core/engine/shard.hpp"

namespace vedette::node {

struct AlarmList {
  struct Item {
    Alarm alarm;
    ActionIntent about;                  // name, position, speed, approach of its subject
    decltype(Track::name) other_name{};  // of a pair
  };
  std::uint64_t batch = 0;
  std::int64_t now_ns = 0;  // node time of that batch
  std::vector<Item> items;
  std::vector<assess::Assess::Held> held;  // by assessment

  static std::size_t bytes_needed(const plan::Plan& plan) {
    return plan.limits()->alarms() * sizeof(Item) +
           plan.assessments()->size() * sizeof(assess::Assess::Held);
  }
  void init(const plan::Plan& plan) {
    items.reserve(plan.limits()->alarms());
    held.reserve(plan.assessments()->size());
  }
  void copy(const engine::Shard& shard);
};

// Data of `vedette alarms`: the alarms, most urgent first, those that nobody has to act on last.
std::string alarms_json(AlarmList& list, const plan::Plan& plan);

// One list that passes between the main thread, which asks, and the mirror's, which answers.
class AskedAlarms {
 public:
  void init(const plan::Plan& plan) { list_.init(plan); }

  // --- The main thread.
  void ask() { turn_.store(Turn::asked, std::memory_order_release); }
  bool answered() const { return turn_.load(std::memory_order_acquire) == Turn::answered; }
  AlarmList& take() { return list_; }  // once answered, until the next ask()

  // --- The mirror's thread.
  void answer(const engine::Shard& shard) {
    if (turn_.load(std::memory_order_acquire) == Turn::asked) {
      list_.copy(shard);
      turn_.store(Turn::answered, std::memory_order_release);
    }
  }

 private:
  enum class Turn : std::uint8_t { nobody, asked, answered };
  AlarmList list_;
  std::atomic<Turn> turn_{Turn::nobody};
};

}  // namespace vedette::node
