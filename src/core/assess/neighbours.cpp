#include "core/assess/neighbours.hpp"

#include <bit>

#include "base/math.hpp"

namespace vedette::assess {

void Neighbours::init(Arena& arena, std::size_t tracks, double cube_m) {
  cubes_ = arena.make<std::uint64_t>(tracks);
  next_ = arena.make<std::uint32_t>(tracks);
  previous_ = arena.make<std::uint32_t>(tracks);
  heads_ = arena.make<std::uint32_t>(buckets(tracks));
  per_metre_ = 1.0 / cube_m;
  shift_ = 64U - static_cast<unsigned>(std::countr_zero(buckets(tracks)));
  clear();
}

void Neighbours::clear() {
  std::fill(heads_.begin(), heads_.end(), kNone);
  std::fill(cubes_.begin(), cubes_.end(), kNowhere);
}

std::uint64_t Neighbours::cube_of(const double (&ecef)[3]) const {
  std::uint64_t cube = kPlaced;
  for (unsigned axis = 0; axis < 3; ++axis) {
    const std::int64_t at = to_int64(ecef[axis] * per_metre_ + 1'048'576.0);
    cube |= (static_cast<std::uint64_t>(at) & (kStepY - 1)) << (21 * axis);
  }
  return cube;
}

bool Neighbours::put(std::uint32_t slot, std::uint64_t cube) {
  if (cubes_[slot] == cube) {
    return true;
  }
  drop(slot);
  if ((cube & kPlaced) == 0) {
    return false;
  }
  std::uint32_t& head = heads_[bucket(cube)];
  std::size_t held = 0;
  for (std::uint32_t other = head; other != kNone; other = next_[other]) {
    ++held;
  }
  if (held >= kBucketTracks) {
    return false;
  }
  cubes_[slot] = cube;
  previous_[slot] = kNone;
  next_[slot] = head;
  if (head != kNone) {
    previous_[head] = slot;
  }
  head = slot;
  return true;
}

void Neighbours::drop(std::uint32_t slot) {
  if (cubes_[slot] == kNowhere) {
    return;
  }
  if (previous_[slot] != kNone) {
    next_[previous_[slot]] = next_[slot];
  } else {
    heads_[bucket(cubes_[slot])] = next_[slot];
  }
  if (next_[slot] != kNone) {
    previous_[next_[slot]] = previous_[slot];
  }
  cubes_[slot] = kNowhere;
}

}  // namespace vedette::assess
