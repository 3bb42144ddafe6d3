// Purpose: a frozen state that passes from thread to thread, one holder at a time, without a lock.
// In: a shard, frozen by the holder. Out: its bytes, and the batch that they follow.
// Bound: the plan's frozen state, taken at init(). Runs on: whichever thread holds it.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "core/engine/shard.hpp"

namespace vedette::node {

enum class Holder : std::uint8_t {
  nobody,
  mirror,
  engine,
  journal,
  image,
  offered  // to the mirror, which has not taken it yet: others may take it back
};

class HandedState {
 public:
  explicit HandedState(Holder first) : holder_(first) {}
  void init(std::size_t bytes) { bytes_.resize(bytes); }

  bool held_by(Holder who) const { return holder_.load(std::memory_order_acquire) == who; }
  // For the holder. Pairs with the acquire in held_by(): the next holder sees what it wrote.
  void give_to(Holder next) { holder_.store(next, std::memory_order_release); }
  // For the mirror and the journal: who gets it behind the journal.
  void set_next(Holder next) { next_ = next; }
  void give_to_next() { give_to(next_); }
  // False if `from` no longer holds it.
  bool take(Holder from, Holder to) {
    return holder_.compare_exchange_strong(from, to, std::memory_order_acq_rel);
  }

  // For the holder alone.
  void freeze(const engine::Shard& shard) {
    Freezer freezer(bytes_);
    shard.freeze(freezer);
    CHECK(freezer.ok(), "frozen state within the plan's bound");
    used_ = freezer.used();
    batch_ = shard.progress().batch_number;
    digest_ = shard.progress().digest;
    sequence_ = shard.progress().last_sequence;
  }
  Bytes frozen() const { return Bytes(bytes_).first(used_); }
  std::uint64_t batch() const { return batch_; }
  std::uint64_t digest() const { return digest_; }
  std::uint64_t sequence() const { return sequence_; }

 private:
  std::vector<std::uint8_t> bytes_;
  std::size_t used_ = 0;
  std::uint64_t batch_ = 0;
  std::uint64_t digest_ = 0;
  std::uint64_t sequence_ = 0;
  Holder next_ = Holder::nobody;
  alignas(kCacheLineBytes) std::atomic<Holder> holder_;  // the engine reads it each turn
};

}  // namespace vedette::node
