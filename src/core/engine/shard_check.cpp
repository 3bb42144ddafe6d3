// The self-check's item of a step: digests the next slices of the whole state.
#include "base/check.hpp"
#include "core/engine/shard.hpp"

namespace vedette::engine {
namespace {

constexpr std::size_t kLookBytes = 16;  // what a look at an empty slice costs, in bytes digested

}  // namespace

// Never runs in a cut batch, so the agenda is empty.
void Shard::check_slices() {
  SelfCheck& check = state_.self_check;
  const bool begins = check.due(step_.now_ns());
  if ((!begins && !check.unfinished()) || stop_before(EventClass::normal)) {
    return;
  }
  ++step_.items;
  const TrackTable& tracks = state_.tracks;
  if (begins) {
    check.begin_stint(step_.now_ns(), state_.stages.slices(tracks));
  }
  SliceDigest digest;
  if (check.stage() == 0 && check.slice() == 0) {
    digest.mix(state_.late_outcomes);
    digest.mix(state_.node_id);
  }
  std::uint32_t number = 0;
  std::size_t looks = 0;
  state_.stages.for_each([&](const auto& stage) {
    if (number++ != check.stage()) {
      return;
    }
    for (const std::size_t slices = stage.slices(tracks); check.slice() < slices; ++looks) {
      if (!check.unfinished() || digest.bytes() + looks * kLookBytes >= limits::kSlicesStepBytes) {
        return;
      }
      const std::size_t before = digest.bytes();
      stage.slice(check.slice(), tracks, digest);
      DCHECK(digest.bytes() - before <= limits::kSliceBytes, "a slice is a small part");
      if (digest.bytes() != before) {
        digest.mix(std::uint64_t{check.slice()});  // where it lies
      }
      check.next_slice();
    }
    check.next_stage();
  });
  if (check.stage() >= number) {
    check.end_round();
  }
  check.found(digest.value());
}

}  // namespace vedette::engine
