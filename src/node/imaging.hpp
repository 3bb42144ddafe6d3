// Purpose: writes the belief image and the data folder's history on a thread of its own, so that a
// slow disk holds up neither the mirror nor the journal.
// In: the mirror's frozen state, while this room holds it. Out: belief.mdb, history.
// Bound: one image at a time, at most a fifth of the time; its memory is the image writer's. When
// an image takes long: the mirror freezes no other state meanwhile, and the journal asks the engine
// for a copy if it must have one. Fails as: error(), until an image is written.
// Runs on: turn() and run() on the image thread; due() on the mirror's.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "edge/image/image.hpp"
#include "edge/journal/format.hpp"
#include "node/handed_state.hpp"

namespace vedette::node {

class Imaging {
 public:
  static std::size_t bytes_needed(const plan::Plan& plan);

  explicit Imaging(HandedState& state) : state_(state) {}
  void init(const plan::Plan& plan, const std::string& data);
  void begin(const journal::SegmentHeader& header) { header_ = header; }
  image::ImageWriter& writer() { return writer_; }

  // The mirror's thread, while the mirror holds the state: whether an image after `batch` is due.
  bool due(std::uint64_t batch, std::int64_t now_ns) const;

  void run();
  void end() { stop_.store(true, std::memory_order_release); }
  bool ended() const { return ended_.load(std::memory_order_acquire); }
  // Writes the state that this room holds; false if it holds none.
  bool turn(std::int64_t now_ns);
  // The main thread, once all others have ended: the image as of the engine's last batch.
  void write_last(const engine::Shard& engine, std::uint64_t recorded_batch);

  // --- Any thread.
  // The journal's segment that is being written.
  void set_segment(std::uint64_t segment) { segment_.store(segment, std::memory_order_relaxed); }
  int error() const { return error_.load(std::memory_order_relaxed); }
  std::uint64_t images() const { return images_.load(std::memory_order_relaxed); }
  // Of all images, without what the library adds.
  std::uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  void set_checkpoint(std::int64_t ns) { checkpoint_ns_.store(ns, std::memory_order_relaxed); }

 private:
  static constexpr std::uint64_t kNone = ~std::uint64_t{0};
  std::int64_t checkpoint_ns() const { return checkpoint_ns_.load(std::memory_order_relaxed); }
  void write();

  HandedState& state_;
  std::string data_;
  journal::SegmentHeader header_{};
  image::ImageWriter writer_;
  std::uint64_t batch_ = kNone;           // of the last image; read by whoever holds the state
  std::atomic<std::int64_t> next_ns_{0};  // no image is due before
  std::atomic<std::int64_t> checkpoint_ns_{0};
  std::atomic<std::uint64_t> segment_{0}, images_{0}, bytes_{0};
  std::atomic<int> error_{0};
  std::atomic<bool> stop_{false}, ended_{false};
};

}  // namespace vedette::node
