#include "core/assess/four_screens_kernel.hpp"

namespace vedette::assess {
namespace {

#if VEDETTE_WIDE_VECTORS
const bool kHasWideVectors = __builtin_cpu_supports("avx2") != 0;
#endif

}  // namespace

void Screens::ask_four(std::span<const Zone> zones, const View& view, const FourTracks& tracks,
                       NumbersOfFour& numbers) const {
#if VEDETTE_WIDE_VECTORS
  if (kHasWideVectors) {
    ask_four_wide(zones, view, tracks, numbers);
    return;
  }
#endif
  ask_four_base(zones, view, tracks, numbers);
}

void Screens::ask_four_base(std::span<const Zone> zones, const View& view, const FourTracks& tracks,
                            NumbersOfFour& numbers) const {
  ask_four_by<LanesOf<16>>(zones, view, tracks, numbers);
}

}  // namespace vedette::assess
