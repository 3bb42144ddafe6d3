// Purpose: reads a recorded file whole: plain, gzip or zstd, or from a pipe. In: a path. Out: its
// bytes, unpacked. Bound: UnpackBounds; each wait for a pipe lasts at most kPipeWaitMs. Fails as:
// Unread, which says what was read and what is missing; a damaged or truncated file yields nothing.
// Runs on: cold threads; may wait.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "platform/unpacker.hpp"

namespace vedette::platform {

struct Unread {
  enum class Kind : std::uint8_t { absent, unfit, io } kind = Kind::io;
  std::string text;
};
inline constexpr int kPipeWaitMs = 10'000;

Result<std::vector<std::uint8_t>, Unread> read_unpacked(const std::string& path,
                                                        const UnpackBounds& bounds);

}  // namespace vedette::platform
