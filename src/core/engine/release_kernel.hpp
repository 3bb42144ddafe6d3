// Purpose: the kernels that release a ready set, and which of them this processor can run. Queried
// once at start; every kernel gives the same order.
#pragma once

#include <cstdint>
#include <span>

namespace vedette::engine {

enum class ReleaseKernel : std::uint8_t { scalar = 0, sse, avx512, neon };

// In ascending order of speed; never empty.
std::span<const ReleaseKernel> release_kernels();

}  // namespace vedette::engine
