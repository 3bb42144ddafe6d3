// Purpose: what a judgement is about, and its level.
#pragma once

#include <cstdint>

namespace vedette {

enum class Level : std::uint8_t { none = 0, info = 1, warn = 2, alarm = 3 };

enum class SubjectKind : std::uint8_t {
  track = 0,
  own = 1,
  source = 2,
  sink = 3,
  node = 4,
  pair = 5
};

// What the judgement is about: a track's key, own ship, a source's or sink's index, the node, or a
// pair of tracks by their keys, the lower first.
struct Subject {
  std::uint64_t key;
  std::uint16_t source;  // or sink
  SubjectKind kind;
  std::uint8_t reserved[5];
  std::uint64_t other = 0;  // of a pair

  friend constexpr bool operator==(const Subject& one, const Subject& two) {
    return one.kind == two.kind && one.key == two.key && one.source == two.source &&
           one.other == two.other;
  }
};

// Its key is that of a track or own ship.
constexpr bool of_track(const Subject& subject) {
  return subject.kind <= SubjectKind::own || subject.kind == SubjectKind::pair;
}

}  // namespace vedette
