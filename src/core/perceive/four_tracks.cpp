#include "core/perceive/four_tracks.hpp"

#include "core/perceive/four_tracks_kernel.hpp"

namespace vedette::perceive {
namespace {

#if VEDETTE_WIDE_VECTORS
const bool kHasWideVectors = __builtin_cpu_supports("avx2") != 0;
#endif

}  // namespace

unsigned take_ordinary(const std::array<Fix, kLanes>& fixes, unsigned wanted) {
#if VEDETTE_WIDE_VECTORS
  if (kHasWideVectors) {
    return take_ordinary_wide(fixes, wanted);
  }
#endif
  return take_ordinary_base(fixes, wanted);
}

unsigned take_ordinary_base(const std::array<Fix, kLanes>& fixes, unsigned wanted) {
  return take_ordinary_by<LanesOf<16>>(fixes, wanted);
}

}  // namespace vedette::perceive
