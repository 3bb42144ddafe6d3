// Purpose: which tracks may be near a track: a hashed grid of cubes over their places, WGS 84 at
// height 0, so that neither poles nor the date line differ from other places. In: a track's slot
// and place. Out: slots in its cube and the 26 around it. Bound: one place a track, kBucketTracks a
// bucket of the hash. When full: the track has no place, and nobody finds it. Runs on: the engine
// thread.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/arena.hpp"

namespace vedette::assess {

class Neighbours {
 public:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;
  static constexpr std::uint64_t kNowhere = 0;
  static constexpr std::size_t kBucketTracks = 128;
  static constexpr double kLeastCubeM = 10.0;  // 21 bits an axis reach around the globe

  static std::size_t bytes_needed(std::size_t tracks) {
    return arena_bytes<std::uint64_t>(tracks) + 2 * arena_bytes<std::uint32_t>(tracks) +
           arena_bytes<std::uint32_t>(buckets(tracks));
  }
  // `cube_m`: edge, at least the distance within which neighbours are sought and kLeastCubeM.
  void init(Arena& arena, std::size_t tracks, double cube_m);

  // False: its bucket is full, and the track is nowhere.
  bool place(std::uint32_t slot, const double (&ecef)[3]) { return put(slot, cube_of(ecef)); }
  void drop(std::uint32_t slot);
  std::uint64_t cube(std::uint32_t slot) const { return cubes_[slot]; }
  // A frozen cube; false where no engine can have placed a track.
  bool put(std::uint32_t slot, std::uint64_t cube);
  void clear();

  // Calls each(slot) for every track in the cubes around `ecef`, in no order.
  template <typename Each>
  void around(const double (&ecef)[3], Each&& each) const {
    const std::uint64_t centre = cube_of(ecef);
    for (std::uint64_t near = 0; near < 27; ++near) {
      const std::uint64_t cube = centre + (near % 3 - 1) + (near / 3 % 3 - 1) * kStepY +
                                 (near / 9 - 1) * kStepZ;  // steps of -1, 0, 1, modulo 2^64
      for (std::uint32_t slot = heads_[bucket(cube)]; slot != kNone; slot = next_[slot]) {
        if (cubes_[slot] == cube) {
          each(slot);
        }
      }
    }
  }

 private:
  static constexpr std::uint64_t kStepY = std::uint64_t{1} << 21;
  static constexpr std::uint64_t kStepZ = std::uint64_t{1} << 42;
  static constexpr std::uint64_t kPlaced = std::uint64_t{1} << 63;

  static std::size_t buckets(std::size_t tracks) { return std::bit_ceil(2 * tracks); }
  std::size_t bucket(std::uint64_t cube) const { return (cube * 0x9E3779B97F4A7C15ULL) >> shift_; }
  std::uint64_t cube_of(const double (&ecef)[3]) const;

  std::span<std::uint64_t> cubes_;  // by slot
  std::span<std::uint32_t> next_, previous_, heads_;
  double per_metre_ = 0.0;  // cubes
  unsigned shift_ = 63;
};

}  // namespace vedette::assess
