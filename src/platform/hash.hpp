// Purpose: SHA-256 (FIPS 180-4) of a plan's bytes, by mbedTLS. Cold threads.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.hpp"

namespace vedette::platform {

using Sha256 = std::array<std::uint8_t, 32>;
Sha256 sha256(Bytes bytes);

}  // namespace vedette::platform
