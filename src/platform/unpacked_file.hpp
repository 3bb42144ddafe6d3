// Purpose: a file that somebody recorded, read whole: plain, packed by gzip, or out of a pipe.
// In: a path. Out: its bytes, unpacked. Bound: UnpackBounds; a pipe is waited for kPipeWaitMs at a
// time. Fails as: Unread, which says what was read and what is missing: of a file that is damaged
// or ends too soon nothing is given out. Runs on: cold threads; may wait.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace vedette::platform {

struct UnpackBounds {
  std::size_t bytes = 0;       // unpacked
  std::size_t ratio = 0;       // unpacked to packed, beyond the next
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
