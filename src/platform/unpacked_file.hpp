// Purpose: reads a recorded file whole: plain, gzip, or from a pipe. In: a path. Out: its bytes,
// unpacked. Bound: UnpackBounds; each wait for a pipe lasts at most kPipeWaitMs. Fails as: Unread,
// which says what was read and what is missing; a damaged or truncated file yields nothing. Runs
// on: cold threads; may wait.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace vedette::platform {

struct UnpackBounds {
  std::size_t bytes = 0;       // unpacked
  std::size_t ratio = 0;       // unpacked to packed, above free_bytes
  std::size_t free_bytes = 0;  // unpacked whatever the ratio
};
struct Unread {
  enum class Kind : std::uint8_t { absent, unfit, io } kind = Kind::io;
  std::string text;
};
inline constexpr int kPipeWaitMs = 10'000;

Result<std::vector<std::uint8_t>, Unread> read_unpacked(const std::string& path,
                                                        const UnpackBounds& bounds);

}  // namespace vedette::platform
