// Loads the belief image at a start: whole, or not at all.
#include <cstring>

#include "node/plan_change.hpp"
#include "node/recovery.hpp"

namespace vedette::node {
namespace {

// Longest silence of the process that reads an image; a slow card needs less for a mebibyte.
constexpr int kImageWaitMs = 4000;

}  // namespace

std::uint64_t Recovery::begin_with_image(Stepped& stepped, std::uint64_t state_batch) {
  image::ImagePosition position{};
  std::vector<std::uint8_t> state;
  const image::Found found = image::read_image(
      shard_folder(data_), most_frozen_bytes(data_, rooms_.plan), kImageWaitMs, position, state);
  bool good = found == image::Found::whole;
  // One of the same batch as a segment's state may be from before the plan changed there.
  if (good && (position.batch <= state_batch || mismatches_.distrusts(position.batch))) {
    return 0;
  }
  if (good) {
    good = stepped.restart(state, plan_hash_of(position.plan_hash));
    const engine::Progress& progress = stepped.shard().progress();
    good = good && progress.batch_number == position.batch && progress.digest == position.digest;
    if (good) {
      return position.batch;
    }
    stepped.begin_again();
  }
  if (found == image::Found::unread) {
    report_.without.push_back("the belief image: the system could not start a process to read it");
  } else if (found != image::Found::none) {
    rooms_.mirror.imaging().writer().distrust_last();
    report_.without.push_back(
        "the last belief image: belief.mdb is damaged and is renamed to belief.mdb.damaged; the "
        "node restores belief from the journal");
  }
  return 0;
}

}  // namespace vedette::node
