#include "core/engine/release_kernel.hpp"

namespace vedette::engine {

std::span<const ReleaseKernel> release_kernels() {
#if defined(__x86_64__)
  static constexpr ReleaseKernel kAll[] = {ReleaseKernel::scalar, ReleaseKernel::sse,
                                           ReleaseKernel::avx512};
  const bool sse = __builtin_cpu_supports("ssse3") && __builtin_cpu_supports("popcnt");
  const bool avx512 = sse && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("avx512f");
  return std::span(kAll).first(avx512 ? 3 : sse ? 2 : 1);
#elif defined(__aarch64__)
  static constexpr ReleaseKernel kAll[] = {ReleaseKernel::scalar, ReleaseKernel::neon};
  return kAll;
#else
  static constexpr ReleaseKernel kAll[] = {ReleaseKernel::scalar};
  return kAll;
#endif
}

}  // namespace vedette::engine
