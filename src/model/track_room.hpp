// Purpose: admission to the track table while it fills up: a share for each kind, places reserved
// for each kind, one of them for own ship, and spare places for newcomers with a position.
// In: the table, a newcomer. Out: whether it may begin a track, else which bound refuses it.
// Runs on: the engine's step; a function of the table alone.
#pragma once

#include <array>
#include <cstdint>

#include "model/event.hpp"
#include "model/limits.hpp"
#include "model/track_table.hpp"

namespace vedette {

struct TrackRoom {
  // Most tracks of a kind; 0: the default share.
  std::array<std::uint32_t, static_cast<std::size_t>(IdentityKind::count)> most{};

  std::size_t most_of(IdentityKind kind, const TrackTable& tracks) const {
    const std::size_t said = most[static_cast<std::size_t>(kind)];
    return said != 0 ? said : limits::usual_share(tracks.capacity());
  }
  // Places reserved for the kind.
  static std::size_t kept_for(IdentityKind kind, const TrackTable& tracks) {
    const std::size_t capacity = tracks.capacity();
    return kind != IdentityKind::own ? limits::kept_for_kind(capacity) : capacity > 1 ? 1 : 0;
  }
  // Free places open to a kind, or to no kind in particular; then what is left of its share.
  static std::size_t left(IdentityKind kind, const TrackTable& tracks) {
    std::size_t taken = tracks.size();
    for (std::size_t k = 1; k < static_cast<std::size_t>(IdentityKind::count); ++k) {
      const auto other = static_cast<IdentityKind>(k);
      const std::size_t kept = kept_for(other, tracks);
      const std::size_t held = tracks.size_of(other);
      taken += other != kind && held < kept ? kept - held : 0;
    }
    return taken < tracks.capacity() ? tracks.capacity() - taken : 0;
  }
  static std::size_t left(const TrackTable& tracks) { return left(IdentityKind::none, tracks); }
  std::size_t left_of(IdentityKind kind, const TrackTable& tracks) const {
    const std::size_t share = most_of(kind, tracks);
    const std::size_t held = tracks.size_of(kind);
    return held < share ? share - held : 0;
  }
  // Places kept free: in the table, and in a kind's share.
  static std::size_t spare(const TrackTable& tracks) {
    return limits::spare_tracks(tracks.capacity());
  }
  std::size_t spare_of(IdentityKind kind, const TrackTable& tracks) const {
    return limits::spare_tracks(most_of(kind, tracks));
  }

  // Reason::none: it may begin a track. Only one with a position takes a spare place.
  Reason refuses(IdentityKind kind, bool placed, const TrackTable& tracks) const {
    if (kind == IdentityKind::own) {
      return tracks.size() < tracks.capacity() ? Reason::none : Reason::belief_full;
    }
    if (left(kind, tracks) <= (placed ? 0 : spare(tracks))) {
      return Reason::belief_full;
    }
    return left_of(kind, tracks) <= (placed ? 0 : spare_of(kind, tracks)) ? Reason::kind_full
                                                                          : Reason::none;
  }
};

}  // namespace vedette
