// Purpose: unpredictable bits from the kernel. Runs on: cold threads; waits at boot until the
// kernel has enough entropy.
#pragma once

#include <cstdint>
#include <optional>

namespace vedette::platform {

// Nothing if the system has none.
std::optional<std::uint64_t> random_bits();

}  // namespace vedette::platform
