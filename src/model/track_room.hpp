// Purpose: whom the track table takes while it runs full: at most a share for each kind, some
// places that are each kind's alone, one of them own ship's, and some that wait for newcomers with
// a position. In: the table, a newcomer. Out: whether it may begin a track, and if not by which
// bound. Runs on: the engine's step; a function of the table alone.
#pragma once

#include <array>
#include <cstdint>

#include "model/event.hpp"
#include "model/limits.hpp"
#include "model/track_table.hpp"

namespace vedette {

struct TrackRoom {
  // Tracks of a kind at most; 0: the usual share.
  std::array<std::uint32_t, static_cast<std::size_t>(IdentityKind::count)> most{};

  std::size_t most_of(IdentityKind kind, const TrackTable& tracks) const {
    const std::size_t said = most[static_cast<std::size_t>(kind)];
    return said != 0 ? said : limits::usual_share(tracks.capacity());
  }
  // Places that are the kind's alone.
  static std::size_t kept_for(IdentityKind kind, const TrackTable& tracks) {
    const std::size_t capacity = tracks.capacity();
    return kind != IdentityKind::own ? limits::kept_for_kind(capacity) : capacity > 1 ? 1 : 0;
  }
  // Places of the table that are left to a kind, and to none in particular; and of its share.
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
  // Places that are kept free: of the table, and of a kind's share.
  static std::size_t spare(const TrackTable& tracks) {
    return limits::spare_tracks(tracks.capacity());
  }
  std::size_t spare_of(IdentityKind kind, const TrackTable& tracks) const {
    return limits::spare_tracks(most_of(kind, tracks));
  }

  // Reason::none: it may begin a track. One without a position takes no spare place.
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
