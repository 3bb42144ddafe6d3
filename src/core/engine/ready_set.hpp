// Purpose: the set of ready instances (up to 65,536) as a bitmap under a summary; releases all into
// a run queue in ascending order. Uses the processor's vector instructions; every kernel gives the
// same order (tests/unit/ready_set_test.cpp). Bound: the capacity given at init. Runs on: the
// engine thread.
#pragma once

#include <cstdint>
#include <span>

#include "base/arena.hpp"
#include "core/engine/release_kernel.hpp"

namespace vedette::engine {

class ReadySet {
 public:
  static constexpr std::size_t kCapacity = 65536;
  // Entries past the last id that a release may overwrite.
  static constexpr std::size_t kSlack = 32;

  static std::size_t bytes_needed(std::size_t capacity) {
    return arena_bytes<std::uint64_t>(words(capacity)) +
           arena_bytes<std::uint64_t>(words(words(capacity)));
  }
  void init(Arena& arena, std::size_t capacity, ReleaseKernel kernel = ReleaseKernel::scalar) {
    words_ = arena.make<std::uint64_t>(words(capacity));
    summary_ = arena.make<std::uint64_t>(words(words(capacity)));
    kernel_ = kernel;
  }

  void set(std::uint32_t id) {
    words_[id / 64] |= std::uint64_t{1} << id % 64;
    summary_[id / 4096] |= std::uint64_t{1} << id / 64 % 64;
  }
  // Leaves the summary bit set, which only means "maybe".
  void clear(std::uint32_t id) { words_[id / 64] &= ~(std::uint64_t{1} << id % 64); }
  bool test(std::uint32_t id) const { return (words_[id / 64] >> id % 64 & 1) != 0; }

  // Writes every ready id, ascending, to `queue`, which has kSlack entries more than there are
  // ready ids, and clears the set. Returns how many.
  std::size_t release(std::span<std::uint16_t> queue);

  void use(ReleaseKernel kernel) { kernel_ = kernel; }

 private:
  static constexpr std::size_t words(std::size_t bits) { return (bits + 63) / 64; }

  std::span<std::uint64_t> words_;
  std::span<std::uint64_t> summary_;  // bit w: words_[w] may be non-zero
  ReleaseKernel kernel_ = ReleaseKernel::scalar;
};

}  // namespace vedette::engine
