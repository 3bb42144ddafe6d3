// What a start takes of the belief image: all of it, or nothing.
#include <cstring>

#include "node/node.hpp"

namespace vedette::node {
namespace {

// So long may the process that reads an image say nothing: a slow card takes less for a mebibyte.
constexpr int kImageWaitMs = 4000;

}  // namespace

std::uint64_t Node::begin_with_image(Stepped& stepped, std::uint64_t least_batch) {
  image::ImagePosition position{};
  std::vector<std::uint8_t> state;
  const image::Found found = image::read_image(options_.data, engine::frozen_bytes_bound(plan_),
                                               kImageWaitMs, position, state);
  const bool ours =
      std::memcmp(position.plan_hash, segment_header_.plan_hash, sizeof position.plan_hash) == 0;
  bool good = found == image::Found::whole;
  if (good && (!ours || position.batch < least_batch)) {
    return 0;
  }
  if (good) {
    const engine::Progress& progress = shard_.progress();
    good = stepped.thaw(state) && progress.batch_number == position.batch &&
           progress.digest == position.digest;
    if (good) {
      return position.batch;
    }
    stepped.init(plan_, segment_header_.node, 1);
  }
  if (found == image::Found::unread) {
    without_.push_back("the belief image: no process could be started to read it");
  } else if (found != image::Found::none) {
    image_.distrust_last();
    without_.push_back(
        "the last belief image: belief.mdb does not verify and goes aside as belief.mdb.damaged; "
        "the journal gives belief back");
  }
  return 0;
}

}  // namespace vedette::node
