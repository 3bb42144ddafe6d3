// Spatial index of contacts.
#include <algorithm>
#include <cmath>

#include "base/math.hpp"
#include "core/perceive/contacts.hpp"

namespace vedette::perceive {

std::uint32_t Contacts::bucket_of(std::int64_t x, std::int64_t y, std::int64_t z) const {
  const auto u = [](std::int64_t v) { return static_cast<std::uint64_t>(v); };
  std::uint64_t h =
      u(x) * 0x9E3779B97F4A7C15ULL ^ u(y) * 0xC2B2AE3D27D4EB4FULL ^ u(z) * 0x165667B19E3779F9ULL;
  h ^= h >> 29;
  return static_cast<std::uint32_t>(h & (cells_.size() - 1));
}

void Contacts::place(std::uint32_t index) {
  Spot& spot = spots_[index];
  const auto cell = [&](double metres) { return to_int64(std::floor(metres / cell_m_)); };
  const std::uint32_t bucket =
      bucket_of(cell(spot.ecef[0]), cell(spot.ecef[1]), cell(spot.ecef[2]));
  if (bucket == spot.cell) {
    return;
  }
  unlink(index);
  spot.cell = bucket;
  spot.previous = kNone;
  spot.next = cells_[bucket];
  if (spot.next != kNone) {
    spots_[spot.next].previous = index;
  }
  cells_[bucket] = index;
}

void Contacts::unlink(std::uint32_t index) {
  Spot& spot = spots_[index];
  if (spot.cell == kNone) {
    return;
  }
  if (spot.next != kNone) {
    spots_[spot.next].previous = spot.previous;
  }
  if (spot.previous != kNone) {
    spots_[spot.previous].next = spot.next;
  } else {
    cells_[spot.cell] = spot.next;
  }
  spot.cell = spot.next = spot.previous = kNone;
}

}  // namespace vedette::perceive
