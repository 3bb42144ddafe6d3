#include "node/imaging.hpp"

#include <algorithm>
#include <cstring>

#include "node/history_record.hpp"
#include "platform/clock.hpp"
#include "platform/hot_thread.hpp"
#include "platform/sandbox.hpp"

namespace vedette::node {
namespace {

constexpr std::int64_t kImageShare = 4;      // of its time at most a fifth goes to images
constexpr int kNice = 10;                    // journal and mirror run on the same cores
constexpr std::int64_t kRestNs = 5'000'000;  // nobody waits for an image

}  // namespace

std::size_t Imaging::bytes_needed(const plan::Plan& plan) {
  return image::ImageWriter::bytes_needed(engine::frozen_bytes_bound(plan),
                                          plan.limits()->tracks());
}

void Imaging::init(const plan::Plan& plan, const std::string& data) {
  data_ = data;
  set_checkpoint(plan.limits()->checkpoint_ns());
  next_ns_.store(checkpoint_ns(), std::memory_order_relaxed);
  writer_.init(shard_folder(data), plan.limits()->image_bytes(), plan.limits()->tracks());
}

bool Imaging::due(std::uint64_t batch, std::int64_t now_ns) const {
  return now_ns > next_ns_.load(std::memory_order_relaxed) && batch != batch_ && batch != 0 &&
         !stop_.load(std::memory_order_relaxed);
}

bool Imaging::turn(std::int64_t now_ns) {
  if (!state_.held_by(Holder::image)) {
    return false;
  }
  next_ns_.store(now_ns + checkpoint_ns(), std::memory_order_relaxed);
  write();
  state_.give_to(Holder::mirror);
  return true;
}

void Imaging::write() {
  image::ImagePosition position{};
  position.batch = batch_ = state_.batch();
  position.digest = state_.digest();
  std::memcpy(position.plan_hash, header_.plan_hash, sizeof position.plan_hash);
  const Bytes frozen = state_.frozen();
  const int error = writer_.write(position, frozen, engine::frozen_tracks(frozen));
  error_.store(error, std::memory_order_relaxed);
  bytes_.fetch_add(frozen.size() + engine::frozen_tracks(frozen).size() * sizeof(Track),
                   std::memory_order_relaxed);
  images_.store(images() + (error == 0 ? 1 : 0), std::memory_order_relaxed);
  keep_history(data_, {header_.epoch, segment_.load(std::memory_order_relaxed), state_.batch(),
                       state_.sequence()});
}

void Imaging::write_last(const engine::Shard& engine, std::uint64_t recorded_batch) {
  const std::uint64_t batch = engine.progress().batch_number;
  if (batch != batch_ && batch <= recorded_batch) {
    state_.freeze(engine);
    write();
  }
}

void Imaging::run() {
  platform::make_hot({"image", -1, 0});
  platform::give_way(kNice);
  platform::confine(platform::Confined::image);
  next_ns_.store(platform::monotonic_ns() + checkpoint_ns(), std::memory_order_relaxed);
  while (!stop_.load(std::memory_order_acquire)) {
    const std::int64_t since_ns = platform::monotonic_ns();
    if (turn(since_ns)) {
      const std::int64_t now_ns = platform::monotonic_ns();
      next_ns_.store(now_ns + std::max(checkpoint_ns(), kImageShare * (now_ns - since_ns)),
                     std::memory_order_relaxed);
    }
    platform::rest_ns(kRestNs);
  }
  ended_.store(true, std::memory_order_release);
}

}  // namespace vedette::node
