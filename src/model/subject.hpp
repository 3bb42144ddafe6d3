// Purpose: what a judgement is about, and its level.
#pragma once

#include <cstdint>

namespace vedette {

enum class Level : std::uint8_t { none = 0, info = 1, warn = 2, alarm = 3 };

enum class SubjectKind : std::uint8_t { track = 0, own = 1, source = 2, sink = 3, node = 4 };

// What the judgement is about: a track's key, own ship, a source's or sink's index, or the node.
struct Subject {
  std::uint64_t key;
  std::uint16_t source;  // or sink
  SubjectKind kind;
  std::uint8_t reserved[5];
};

}  // namespace vedette
