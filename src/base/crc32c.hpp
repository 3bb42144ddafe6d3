// Purpose: CRC-32C (Castagnoli, RFC 3720 appendix B.4) over bytes; the journal's block check.
#pragma once

#include <cstdint>

#include "base/bytes.hpp"

namespace vedette {

// Pass the previous return value as `seed` to continue a running check; 0 starts one.
// Uses the processor's CRC instruction where it has one.
std::uint32_t crc32c(Bytes bytes, std::uint32_t seed = 0);
std::uint32_t crc32c_by_table(Bytes bytes, std::uint32_t seed = 0);

}  // namespace vedette
