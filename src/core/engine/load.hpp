// Purpose: whether the node keeps up, judged by data alone: how long after it was received an event
// is admitted, against its horizon. Late by half: overload, or safe mode where the event's class is
// high or critical. It goes back one step at a time, each after `recover` without anything late by
// an eighth.
// In: observations as they are admitted. Out: what becomes of each; the mode. Runs on: the engine
// thread.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/freeze.hpp"
#include "base/math.hpp"
#include "base/plausible.hpp"
#include "model/derived.hpp"
#include "model/event.hpp"

namespace vedette::engine {

class Load {
 public:
  enum class Verdict { work, sampled_out, shed };

  // `sample`: in overload each n-th record of its source is worked, 1 for every one.
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

  // Once a batch.
  void settle(std::int64_t now_ns, std::int64_t recover_ns) {
    if (state_.mode != Mode::normal && sub_ns(now_ns, trouble_ns_) >= recover_ns) {
      state_.mode = state_.mode == Mode::safe ? Mode::overload : Mode::normal;
      state_.cause = 0;
      state_.late_ns = 0;
      trouble_ns_ = now_ns;
    }
  }

  Mode mode() const { return state_.mode; }
  // True once after each change; `out` tells it.
  bool changed(ModeChange& out) {
    if (state_.mode == state_.previous) {
      return false;
    }
    out = state_;
    state_.previous = state_.mode;
    return true;
  }

  void freeze(Freezer& out) const {
    out.put(state_);
    out.put(trouble_ns_);
  }
  bool thaw(Thawer& in) {
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
