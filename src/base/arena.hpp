// Purpose: one block of memory, carved at start-up and then sealed; it takes nothing back.
// In: a block. Out: aligned arrays. Bound: the block. When full: CHECK, because the plan sized it.
// Runs on: the starting thread only, before seal().
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <type_traits>

#include "base/bytes.hpp"
#include "base/check.hpp"

namespace vedette {

inline constexpr std::size_t kCacheLineBytes = 64;

class Arena {
 public:
  Arena(void* base, std::size_t bytes) : base_(static_cast<std::uint8_t*>(base)), bytes_(bytes) {}

  // Value-initialised array of `count` elements, on its own cache line.
  template <typename T>
  std::span<T> make(std::size_t count) {
    static_assert(std::is_trivially_destructible_v<T>, "an arena never runs destructors");
    CHECK(!sealed_, "arena used after it was sealed");
    used_ = align_up(used_, kCacheLineBytes);
    const std::size_t wanted = sizeof(T) * count;
    CHECK(wanted <= bytes_ - used_ && used_ <= bytes_, "arena smaller than the plan's sum");
    T* first = new (base_ + used_) T[count]();
    used_ += wanted;
    return {first, count};
  }

  // Bytes for an arena within this one, uninitialised.
  std::span<std::uint8_t> room(std::size_t bytes) {
    CHECK(!sealed_, "arena used after it was sealed");
    used_ = align_up(used_, kCacheLineBytes);
    CHECK(bytes <= bytes_ - used_ && used_ <= bytes_, "arena smaller than the plan's sum");
    const std::size_t at = used_;
    used_ += bytes;
    return {base_ + at, bytes};
  }

  void seal() { sealed_ = true; }

 private:
  std::uint8_t* base_;
  std::size_t bytes_;
  std::size_t used_ = 0;
  bool sealed_ = false;
};

// The most that make<T>(count) takes; for a room's bytes_needed().
template <typename T>
constexpr std::size_t arena_bytes(std::size_t count) {
  return align_up(sizeof(T) * count, kCacheLineBytes) + kCacheLineBytes;
}

}  // namespace vedette
