// Purpose: one stage of the core alone: created for a site, frozen, and thawed into another.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "load_site.hpp"
#include "model/stage.hpp"

namespace vedette::tests {

template <typename Stage>
class OneStage {
 public:
  // Null stage() when the site does not compile.
  explicit OneStage(std::string_view site) : plan_(load_site(site, bytes_)) {
    if (plan_ == nullptr) {
      return;
    }
    memory_.resize(Stage::bytes_needed(*plan_) + Site::bytes_needed(*plan_) +
                   TrackTable::bytes_needed(plan_->limits()->tracks()) + 4096);
    Arena arena(memory_.data(), memory_.size());
    site_.init(arena, *plan_);
    tracks_.init(arena, plan_->limits()->tracks());
    stage_ = std::make_unique<Stage>();
    stage_->init(arena, site_);
  }
  const plan::Plan* plan() const { return plan_; }
  Stage& stage() { return *stage_; }

  std::vector<std::uint8_t> frozen() const {
    std::vector<std::uint8_t> out(Stage::frozen_bytes_bound(*plan_));
    Freezer freezer(out);
    stage_->freeze(freezer, tracks_);
    out.resize(freezer.ok() ? freezer.used() : 0);
    return out;
  }
  // `newest`: last sequence assigned.
  bool thaw(Bytes state, std::uint64_t newest = ~std::uint64_t{0}) {
    Thawer in(state);
    Carry carry;
    Thawing with{tracks_, newest, 0, carry, [](void*, const Leaver&) {}, nullptr};
    return stage_->thaw(in, with);
  }

 private:
  std::vector<std::uint8_t> bytes_, memory_;
  const plan::Plan* plan_ = nullptr;
  Site site_;
  TrackTable tracks_;
  std::unique_ptr<Stage> stage_;
};

}  // namespace vedette::tests
