#include "edge/codec/aircraft_table.hpp"

namespace vedette::codec {

std::size_t AircraftTable::bytes_needed(std::size_t placed, std::size_t fresh) {
  return arena_bytes<Aircraft>(placed + fresh) + IdMap::bytes_needed(placed + fresh);
}

void AircraftTable::init(Arena& arena, std::size_t placed, std::size_t fresh) {
  aircraft_ = arena.make<Aircraft>(placed + fresh);
  map_.init(arena, placed + fresh);
  placed_ = {};
  fresh_ = {};
  placed_.capacity = static_cast<std::uint32_t>(placed);
  fresh_.first = placed_.capacity;
  fresh_.capacity = static_cast<std::uint32_t>(fresh);
}

std::uint32_t AircraftTable::take_free(List& list) {
  if (list.free != kNone) {
    const std::uint32_t slot = list.free;
    list.free = aircraft_[slot].newer;
    return slot;
  }
  return list.used < list.capacity ? list.first + list.used++ : kNone;
}

void AircraftTable::append(List& list, std::uint32_t slot) {
  aircraft_[slot].older = list.newest;
  aircraft_[slot].newer = kNone;
  (list.newest != kNone ? aircraft_[list.newest].newer : list.oldest) = slot;
  list.newest = slot;
  ++list.count;
}

void AircraftTable::unlink(List& list, std::uint32_t slot) {
  const Aircraft& a = aircraft_[slot];
  (a.older != kNone ? aircraft_[a.older].newer : list.oldest) = a.newer;
  (a.newer != kNone ? aircraft_[a.newer].older : list.newest) = a.older;
  --list.count;
}

AircraftTable::Aircraft& AircraftTable::heard(std::uint32_t icao, std::int64_t now_ns) {
  std::uint32_t slot = map_.find(icao);
  if (slot != kNone) {
    List& list = list_of(slot);
    if (list.newest != slot) {
      unlink(list, slot);
      append(list, slot);
    }
    aircraft_[slot].heard_ns = now_ns;
    return aircraft_[slot];
  }
  slot = take_free(fresh_);
  if (slot == kNone) {
    slot = fresh_.oldest;
    forgotten_ += now_ns - aircraft_[slot].heard_ns <= kPairNs ? 1 : 0;
    map_.erase(aircraft_[slot].icao);
    unlink(fresh_, slot);
  }
  aircraft_[slot] = {};
  aircraft_[slot].icao = icao;
  aircraft_[slot].heard_ns = now_ns;
  map_.insert(icao, slot);
  append(fresh_, slot);
  return aircraft_[slot];
}

bool AircraftTable::last_place(std::int64_t now_ns, std::int64_t age_ns, double& latitude,
                               double& longitude) const {
  latitude = last_latitude_;
  longitude = last_longitude_;
  return last_ns_ != 0 && now_ns - last_ns_ <= age_ns;
}

void AircraftTable::place(Aircraft& aircraft, double latitude, double longitude,
                          std::int64_t now_ns) {
  last_latitude_ = latitude;
  last_longitude_ = longitude;
  last_ns_ = now_ns;
  aircraft.latitude = latitude;
  aircraft.longitude = longitude;
  aircraft.placed_ns = now_ns;
  const auto from = static_cast<std::uint32_t>(&aircraft - aircraft_.data());
  if (from < placed_.capacity) {
    return;
  }
  std::uint32_t to = take_free(placed_);
  if (to == kNone) {
    to = placed_.oldest;
    if (now_ns - aircraft_[to].heard_ns <= kStillHeardNs) {
      ++turned_away_;
      return;
    }
    map_.erase(aircraft_[to].icao);
    unlink(placed_, to);
  }
  unlink(fresh_, from);
  aircraft_[to] = aircraft;
  append(placed_, to);
  map_.insert(aircraft.icao, to);
  aircraft.newer = fresh_.free;
  fresh_.free = from;
}

}  // namespace vedette::codec
