// Purpose: whether the node keeps up, judged by data alone: an event's delay from receipt to
// admission, against its horizon. Late by half of it: overload, or safe mode for class high or
// critical. The mode recovers step by step, each after `recover` without a delay of an eighth. In:
// observations as they are admitted. Out: a verdict on each; the mode. Runs on: the engine thread.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/math.hpp"
#include "base/plausible.hpp"
#include "model/derived.hpp"
#include "model/event.hpp"
#include "model/stage.hpp"

namespace vedette::engine {

class Load {
 public:
  static constexpr SectionName kSection{"load", 1};

  static std::size_t bytes_needed(const plan::Plan&) { return 0; }
  void init(Arena&, const Site&) {}
  static DerivedBound derived_bound(const plan::Plan&) {
    return {0, event_bytes(sizeof(ModeChange))};
  }

  enum class Verdict { work, sampled_out, shed };

  // `sample`: in overload only each n-th record of the source is worked; 1: all.
  Verdict admit(const EventHeader& event, std::int64_t horizon_ns, std::uint32_t sample,
                std::int64_t now_ns) {
    const std::int64_t late_ns = std::max<std::int64_t>(sub_ns(now_ns, event.received_ns), 0);
    const Mode wanted = event.event_class <= EventClass::high ? Mode::safe : Mode::overload;
    if (late_ns > horizon_ns / 2 && wanted > state_.mode) {
      state_.mode = wanted;
      state_.cause = event.sequence;
      state_.late_ns = late_ns;
      state_.event_class = event.event_class;
    }
    if (state_.mode == Mode::normal) {
      return Verdict::work;
    }
    if (late_ns > horizon_ns / 8) {
      trouble_ns_ = now_ns;
    }
    const EventClass sheds = state_.mode == Mode::safe ? EventClass::normal : EventClass::bulk;
    if (event.event_class >= sheds && late_ns > horizon_ns / 4) {
      return Verdict::shed;
    }
    return sample > 1 && event.record % sample != 0 ? Verdict::sampled_out : Verdict::work;
  }

  // Call once a batch.
  void settle(std::int64_t now_ns, std::int64_t recover_ns) {
    if (state_.mode != Mode::normal && sub_ns(now_ns, trouble_ns_) >= recover_ns) {
      state_.mode = state_.mode == Mode::safe ? Mode::overload : Mode::normal;
      state_.cause = 0;
      state_.late_ns = 0;
      trouble_ns_ = now_ns;
    }
  }

  Mode mode() const { return state_.mode; }
  // True once after each change, which `out` describes.
  bool changed(ModeChange& out) {
    if (state_.mode == state_.previous) {
      return false;
    }
    out = state_;
    state_.previous = state_.mode;
    return true;
  }

  static std::size_t frozen_bytes_bound(const plan::Plan&) {
    return sizeof state_ + sizeof trouble_ns_;
  }
  void freeze(Freezer& out, const TrackTable&) const {
    out.put(state_);
    out.put(trouble_ns_);
  }
  void digest(WordsDigest& digest) const { digest.mix(static_cast<std::uint64_t>(state_.mode)); }
  std::size_t slices(const TrackTable&) const { return 1; }
  void slice(std::size_t, const TrackTable&, SliceDigest& out) const {
    out.mix(state_);
    out.mix(trouble_ns_);
  }
  bool unfinished() const { return false; }
  bool thaw(Thawer& in, Thawing&) {
    state_ = in.get<ModeChange>();
    trouble_ns_ = in.get<std::int64_t>();
    return state_.mode <= Mode::safe && state_.previous <= Mode::safe &&
           state_.event_class <= EventClass::bulk && plausible_ns(state_.late_ns) &&
           plausible_ns(trouble_ns_);
  }

 private:
  ModeChange state_{};
  std::int64_t trouble_ns_ = 0;
};

}  // namespace vedette::engine
