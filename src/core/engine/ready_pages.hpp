// Purpose: a ready set of any capacity: pages of up to 65,536 instances, released in ascending
// order as one set. Bound: the capacity given at init. Runs on: the engine thread.
#pragma once

#include <cstdint>
#include <span>

#include "core/engine/ready_set.hpp"

namespace vedette::engine {

class ReadyPages {
 public:
  static std::size_t bytes_needed(std::size_t capacity) {
    std::size_t bytes = arena_bytes<ReadySet>(pages(capacity));
    for (std::size_t p = 0; p < pages(capacity); ++p) {
      bytes += ReadySet::bytes_needed(page_size(capacity, p));
    }
    return bytes;
  }
  void init(Arena& arena, std::size_t capacity, ReleaseKernel kernel) {
    pages_ = arena.make<ReadySet>(pages(capacity));
    for (std::size_t p = 0; p < pages_.size(); ++p) {
      pages_[p].init(arena, page_size(capacity, p), kernel);
    }
  }

  void set(std::uint32_t id) { pages_[id / ReadySet::kCapacity].set(id % ReadySet::kCapacity); }
  void clear(std::uint32_t id) { pages_[id / ReadySet::kCapacity].clear(id % ReadySet::kCapacity); }
  bool test(std::uint32_t id) const {
    return pages_[id / ReadySet::kCapacity].test(id % ReadySet::kCapacity);
  }

  // Calls visit(id) for every ready id, ascending, and clears the set. `queue` has ReadySet::kSlack
  // entries more than there are ready ids.
  template <typename Visit>
  void release(std::span<std::uint16_t> queue, Visit&& visit) {
    for (std::size_t p = 0; p < pages_.size(); ++p) {
      const std::size_t released = pages_[p].release(queue);
      for (std::size_t i = 0; i < released; ++i) {
        visit(static_cast<std::uint32_t>(p * ReadySet::kCapacity + queue[i]));
      }
    }
  }

 private:
  static constexpr std::size_t pages(std::size_t capacity) {
    return (capacity + ReadySet::kCapacity - 1) / ReadySet::kCapacity;
  }
  static constexpr std::size_t page_size(std::size_t capacity, std::size_t page) {
    const std::size_t left = capacity - page * ReadySet::kCapacity;
    return left < ReadySet::kCapacity ? left : ReadySet::kCapacity;
  }

  std::span<ReadySet> pages_;
};

}  // namespace vedette::engine
