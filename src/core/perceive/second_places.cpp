#include "core/perceive/second_places.hpp"

#include <algorithm>

#include "base/plausible.hpp"

namespace vedette::perceive {
namespace {

std::size_t room_for(std::size_t tracks) {
  return std::min(tracks, limits::kSecondPlaces);
}

// Copies the fields that belong to a place.
void take_place(Track& to, const Track& from) {
  to.position_event = from.position_event;
  to.previous_event = from.previous_event;
  to.observed_ns = from.observed_ns;
  to.filter_ns = from.filter_ns;
  to.latitude = from.latitude;
  to.longitude = from.longitude;
  to.velocity_east = from.velocity_east;
  to.velocity_north = from.velocity_north;
  to.variance_position = from.variance_position;
  to.covariance = from.covariance;
  to.variance_velocity = from.variance_velocity;
  to.altitude = from.altitude;
  to.last_nis = from.last_nis;
  std::copy(std::begin(from.ecef), std::end(from.ecef), std::begin(to.ecef));
  std::copy(std::begin(from.normal), std::end(from.normal), std::begin(to.normal));
  to.parallel = from.parallel;
  to.meridian = from.meridian;
}

}  // namespace

std::size_t SecondPlaces::bytes_needed(std::size_t tracks) {
  return arena_bytes<SecondPlace>(room_for(tracks));
}

void SecondPlaces::init(Arena& arena, std::size_t tracks) {
  places_ = arena.make<SecondPlace>(room_for(tracks));
}

SecondPlace* SecondPlaces::find(const Track& track, std::uint32_t index) const {
  if (!doubted(track, Doubt::second)) {
    return nullptr;
  }
  for (SecondPlace& p : places_) {
    if (p.used != 0 && p.index == index && p.track.key == track.key) {
      return &p;
    }
  }
  return nullptr;
}

SecondPlace* SecondPlaces::add(Track& track, std::uint32_t index, std::int64_t now_ns) {
  // Reuses an entry whose track has left its slot.
  SecondPlace* free = nullptr;
  for (SecondPlace& p : places_) {
    if (p.used != 0 && p.index == index) {
      p = {};
      --held_;
    }
    free = free == nullptr && p.used == 0 ? &p : free;
  }
  if (free == nullptr) {
    ++refused_;
    return nullptr;
  }
  set_doubt(track, Doubt::second, true);
  *free = {track, now_ns, index, 1, 0, {}};
  ++held_;
  return free;
}

void SecondPlaces::drop(Track& track, std::uint32_t index) {
  if (SecondPlace* place = find(track, index)) {
    *place = {};
    --held_;
  }
  set_doubt(track, Doubt::second, false);
}

void SecondPlaces::swap(Track& track, SecondPlace& place) {
  const Track kept = place.track;
  take_place(place.track, track);
  take_place(track, kept);
}

SecondPlaces::Aged SecondPlaces::age(Track& track, std::uint32_t index, const Tracker& tracker,
                                     std::int64_t now_ns) {
  SecondPlace* place = find(track, index);
  if (place == nullptr) {
    set_doubt(track, Doubt::second, false);
    return Aged::dropped;
  }
  const double keep_s = std::max(tracker.half_life_s, tracker.lost_s);
  const std::int64_t heard_ns = std::max(place->since_ns, place->track.observed_ns);
  if (seconds_between(heard_ns, now_ns) > keep_s) {
    drop(track, index);
    return Aged::dropped;
  }
  if (seconds_between(track.observed_ns, now_ns) > keep_s) {
    swap(track, *place);
    drop(track, index);
    return Aged::moved;
  }
  return Aged::nothing;
}

std::size_t SecondPlaces::frozen_bytes_bound(const plan::Plan& plan) {
  return 2 * sizeof(std::uint64_t) +
         room_for(plan.limits()->tracks()) * (sizeof(std::uint64_t) + sizeof(SecondPlace));
}

void SecondPlaces::freeze(Freezer& out, const TrackTable&) const {
  out.put(refused_);
  out.put(static_cast<std::uint64_t>(held_));
  for (std::size_t i = 0; i < places_.size(); ++i) {
    if (places_[i].used != 0) {
      out.put(static_cast<std::uint64_t>(i));
      out.put(places_[i]);
    }
  }
}

bool SecondPlaces::thaw(Thawer& in, Thawing& with) {
  std::fill(places_.begin(), places_.end(), SecondPlace{});
  refused_ = in.get<std::uint64_t>();
  const auto count = in.get<std::uint64_t>();
  held_ = 0;
  if (count > limits::kSecondPlaces || (with.carry.same() && count > places_.size())) {
    return false;
  }
  for (std::size_t i = 0; i < count; ++i) {
    const auto at = in.get<std::uint64_t>();
    auto place = in.get<SecondPlace>();
    if (!in.ok() || place.used != 1 || place.index >= limits::kTracks ||
        !plausible_ns(place.since_ns) || !plausible(place.track)) {
      return false;
    }
    place.index = with.carry.slot(place.index);
    const std::size_t to = with.carry.same() ? at : held_;
    if (place.index < with.tracks.capacity() && to < places_.size() && places_[to].used == 0) {
      places_[to] = place;
      ++held_;
    } else if (with.carry.same()) {
      return false;
    }
  }
  if (!with.carry.same()) {
    forget_doubts(with.tracks);
  }
  return in.ok();
}

// For tracks whose second place was not carried.
void SecondPlaces::forget_doubts(TrackTable& tracks) const {
  for (std::uint32_t i = 0; i < tracks.high_water(); ++i) {
    if (tracks.in_use(i) && find(tracks[i], i) == nullptr) {
      set_doubt(tracks[i], Doubt::second, false);
    }
  }
}

}  // namespace vedette::perceive
