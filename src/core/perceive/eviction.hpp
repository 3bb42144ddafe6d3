// Purpose: chooses the least valuable track to evict when the table fills up: first tracks without
// a position, then unconfirmed ones (stale, then fewer positions, then farther away), then those
// lost and unheard for longer than lost_s. Never a confirmed track that is heard, own ship, or a
// track with an alarm. In: every track whose state changed. Out: the next track to evict. Bound:
// one bit a track, kind and reason; kEvictionCandidates compared for each answer. When full:
// nothing to fill. Runs on: the engine's step; the same answer on every CPU and in a replay.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "base/geo.hpp"
#include "core/perceive/perceive.hpp"
#include "model/derived.hpp"
#include "model/stage.hpp"

namespace vedette::perceive {

class Eviction {
 public:
  static constexpr SectionName kSection{"eviction", 1};

  static std::size_t bytes_needed(const plan::Plan& plan);
  void init(Arena& arena, const Site& site);
  // Evicted tracks count among the judged, and the eviction among their changes.
  static DerivedBound derived_bound(const plan::Plan&) { return {}; }

  // Call when a track began or changed its state.
  void note(std::uint32_t index, const Track& track);
  void forget(std::uint32_t index) { put(index, 0, EvictionReason::none); }

  struct Victim {
    std::uint32_t track;
    EvictionReason why;
  };
  struct View {
    const TrackingRules* config;
    const TrackTable* tracks;
    std::int64_t now_ns;
    const Vector3* here;  // own ship or the post; null: unknown
    // Whether the track must stay: an alarm is raised, or a judgement is due.
    bool (*keep)(void* context, std::uint32_t track);
    void* context;
  };
  // The track to evict; nothing if there is enough room or none may go.
  std::optional<Victim> next(const View& view);

  // How many tracks could be evicted at all.
  std::size_t candidates() const { return candidates_; }

  static std::size_t frozen_bytes_bound(const plan::Plan& plan) {
    return sizeof(Hands) + plan.limits()->tracks();
  }
  void freeze(Freezer& out, const TrackTable& tracks) const;
  bool thaw(Thawer& in, Thawing& with);
  void digest(WordsDigest&) const {}  // derived from the tracks
  std::size_t slices(const TrackTable& tracks) const {
    return 1 + (tracks.high_water() + kTogether - 1) / kTogether;
  }
  void slice(std::size_t at, const TrackTable&, SliceDigest& out) const {
    if (at == 0) {
      out.mix(hands_);
      return;
    }
    const std::span<const std::uint8_t> rest = standing_.subspan((at - 1) * kTogether);
    out.mix(Bytes(rest).first(std::min(rest.size(), kTogether)));  // 0 for a free slot
  }
  bool unfinished() const { return false; }

 private:
  static constexpr std::size_t kKinds = static_cast<std::size_t>(IdentityKind::count);
  static constexpr std::size_t kReasons = 3;
  static constexpr std::size_t kTogether = 64;  // tracks of one slice
  static constexpr std::uint32_t kNone = TrackTable::kNone;
  using Hands = std::array<std::array<std::uint32_t, kReasons>, kKinds>;

  // One bit for each track of a kind and reason; `above` has one for each non-empty word.
  struct Set {
    std::span<std::uint64_t> words, above;
    std::size_t count = 0;
    void set(std::uint32_t index);
    void clear(std::uint32_t index);
    std::uint32_t next(std::uint32_t from) const;  // kNone: none from there on
  };
  struct Worth {
    std::int64_t heard_ns;
    double away;  // squared
    std::uint32_t updates;
    bool stale;
  };

  EvictionReason standing_of(const Track& track) const;
  void put(std::uint32_t index, std::size_t kind, EvictionReason reason);
  void clear();
  Set& set_of(std::size_t kind, EvictionReason reason) {
    return sets_[kind][static_cast<std::size_t>(reason) - 1];
  }
  static bool less(const Worth& a, const Worth& b);
  std::uint32_t least(const View& view, std::size_t kind, EvictionReason reason);

  const Trackers* trackers_ = nullptr;
  std::array<std::array<Set, kReasons>, kKinds> sets_{};
  Hands hands_{};                     // where the next searches begin
  std::span<std::uint8_t> standing_;  // by track: kind * 4 + reason; 0: not evictable
  std::size_t candidates_ = 0;
};

}  // namespace vedette::perceive
