// Purpose: actions that have been ordered and not yet answered for, with their horizons.
// Bound: the plan's pending_actions. When full: add() fails and the action is abandoned as
// sink-full. Runs on: the engine thread.
#pragma once

#include <cstdint>
#include <span>

#include "base/arena.hpp"
#include "base/freeze.hpp"

namespace vedette::engine {

struct PendingAction {
  std::uint64_t sequence = 0;   // 0: free
  std::int64_t horizon_ns = 0;  // node time by which it must be answered for
};

class Pending {
 public:
  static std::size_t bytes_needed(std::size_t capacity) {
    return arena_bytes<PendingAction>(capacity);
  }
  void init(Arena& arena, std::size_t capacity) { actions_ = arena.make<PendingAction>(capacity); }

  bool add(std::uint64_t sequence, std::int64_t horizon_ns) {
    for (PendingAction& a : actions_) {
      if (a.sequence == 0) {
        a = {sequence, horizon_ns};
        ++size_;
        return true;
      }
    }
    return false;
  }
  // False when it was not waiting any more: a late outcome of an action already given up.
  bool remove(std::uint64_t sequence) {
    for (PendingAction& a : actions_) {
      if (a.sequence == sequence && sequence != 0) {
        a = {};
        --size_;
        return true;
      }
    }
    return false;
  }
  // Sequence of one action past its horizon, the lowest first; 0 for none.
  std::uint64_t overdue(std::int64_t now_ns) const {
    std::uint64_t lowest = 0;
    for (const PendingAction& a : actions_) {
      if (a.sequence != 0 && a.horizon_ns <= now_ns && (lowest == 0 || a.sequence < lowest)) {
        lowest = a.sequence;
      }
    }
    return lowest;
  }
  std::size_t size() const { return size_; }
  std::span<const PendingAction> all() const { return actions_; }

  void freeze(Freezer& out) const {
    out.put(static_cast<std::uint64_t>(size_));
    for (const PendingAction& a : actions_) {
      out.put(a);
    }
  }
  void thaw(Thawer& in) {
    size_ = in.get<std::uint64_t>();
    for (PendingAction& a : actions_) {
      a = in.get<PendingAction>();
    }
  }

 private:
  std::span<PendingAction> actions_;
  std::size_t size_ = 0;
};

}  // namespace vedette::engine
