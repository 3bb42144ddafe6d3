// Where contacts are found again: the index of places, and all of them frozen and thawed.
#include <algorithm>
#include <cmath>

#include "base/math.hpp"
#include "perceive/contacts.hpp"

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

std::size_t Contacts::frozen_bytes_bound(std::size_t contacts, std::size_t sensors) {
  return sensors == 0 ? 0
                      : 256 +
                            contacts * (sizeof(Contact) + sizeof(Spot) + kPast * sizeof(Look) + 4 +
                                        2 * sizeof(Due) + 8 * sensors) +
                            sensors * (sizeof(SensorState) + kGroupPlots * sizeof(Plot));
}

void Contacts::freeze(Freezer& out) const {
  if (sensors_.empty()) {
    return;
  }
  out.put(counts_);
  out.put(high_water_);
  out.put(static_cast<std::uint32_t>(alive_));
  for (std::uint32_t i = 0; i < high_water_; ++i) {
    if (spots_[i].alive != 0) {
      out.put(i);
      out.put(contacts_[i]);
      out.put(spots_[i]);
      for (std::size_t s = 0; s < sensors_.size(); ++s) {
        out.put(seen_ns(i, s));
      }
      for (std::size_t k = 0; k < kPast; ++k) {
        out.put(past_[std::size_t{i} * kPast + k]);
      }
    }
  }
  out.put(static_cast<std::uint32_t>(due_count_));
  for (std::size_t i = 0; i < due_count_; ++i) {
    out.put(due_[(due_first_ + i) % due_.size()]);
  }
  for (std::size_t s = 0; s < states_.size(); ++s) {
    out.put(states_[s]);
    for (std::size_t p = 0; p < states_[s].group.count && states_[s].group.open; ++p) {
      out.put(plots_[s * kGroupPlots + p]);
    }
  }
}

bool Contacts::thaw(Thawer& in, const TrackTable& tracks) {
  if (sensors_.empty()) {
    return true;
  }
  counts_ = in.get<Counts>();
  high_water_ = in.get<std::uint32_t>();
  const auto alive = in.get<std::uint32_t>();
  if (high_water_ > contacts_.size() || alive > high_water_) {
    return false;
  }
  for (std::uint32_t i = 0; i < spots_.size(); ++i) {
    spots_[i] = {};
    free_[i / 64] |= std::uint64_t{1} << i % 64;
  }
  std::fill(cells_.begin(), cells_.end(), kNone);
  alive_ = 0;
  for (std::uint32_t n = 0; n < alive && in.ok(); ++n) {
    const auto i = in.get<std::uint32_t>();
    const auto c = in.get<Contact>();
    const auto spot = in.get<Spot>();
    if (i >= high_water_ || spots_[i].alive != 0 || spot.sensor >= sensors_.size() ||
        c.past_count == 0 || c.past_count > kPast || c.past_next >= kPast ||
        c.track >= tracks.capacity() || !tracks.in_use(c.track) || spot.alive == 0) {
      return false;
    }
    contacts_[i] = c;
    contacts_[i].due = kNone;
    spots_[i] = spot;
    spots_[i].cell = spots_[i].next = spots_[i].previous = kNone;
    free_[i / 64] &= ~(std::uint64_t{1} << i % 64);
    for (std::size_t s = 0; s < sensors_.size(); ++s) {
      seen_ns(i, s) = in.get<std::int64_t>();
    }
    ++alive_;
    for (std::size_t k = 0; k < kPast; ++k) {
      past_[std::size_t{i} * kPast + k] = in.get<Look>();
      if (past_[std::size_t{i} * kPast + k].count > kShares) {
        return false;
      }
    }
    place(i);
  }
  due_first_ = 0;
  due_count_ = in.get<std::uint32_t>();
  if (due_count_ > due_.size()) {
    return false;
  }
  for (std::size_t i = 0; i < due_count_; ++i) {
    due_[i] = in.get<Due>();
    if (due_[i].contact != kNone) {
      if (due_[i].contact >= high_water_ || spots_[due_[i].contact].alive == 0) {
        return false;
      }
      contacts_[due_[i].contact].due = static_cast<std::uint32_t>(i);
    }
    if (due_[i].event_class > EventClass::bulk) {
      return false;
    }
  }
  for (std::size_t s = 0; s < states_.size(); ++s) {
    states_[s] = in.get<SensorState>();
    if (states_[s].group.count > kGroupPlots || states_[s].group.event_class > EventClass::bulk) {
      return false;
    }
    for (std::size_t p = 0; p < states_[s].group.count && states_[s].group.open; ++p) {
      plots_[s * kGroupPlots + p] = in.get<Plot>();
    }
  }
  return in.ok();
}

}  // namespace vedette::perceive
