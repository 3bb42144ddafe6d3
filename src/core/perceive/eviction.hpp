// Purpose: which track gives its place when the table runs full: the one of least worth. First one
// without a position, then an unconfirmed one (stale before fewer positions before farther away),
// then one that is lost and as long unheard. A confirmed track that is heard never is; own ship and
// one with an alarm never are.
// In: every track whose state changed. Out: the track to give up next. Bound: one bit a track, kind
// and standing; kEvictionCandidates compared for each answer. When full: nothing to fill.
// Runs on: the engine's step; the same answer on every CPU, and again in a replay.
#pragma once

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
  // What makes room is judged as any other, and told of as one of a track's changes.
  static DerivedBound derived_bound(const plan::Plan&) { return {}; }

  // The track began or changed its state.
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
    const Vector3* here;  // own ship, or the post; null: not known
    // Must not go: an alarm stands, or its judgement is under way.
    bool (*keep)(void* context, std::uint32_t track);
    void* context;
  };
  // The track that gives way; nothing where all have their places, or none may go.
  std::optional<Victim> next(const View& view);

  // Whose place could be had at all, for who wants to know that a flood is one of these.
  std::size_t candidates() const { return candidates_; }

  static std::size_t frozen_bytes_bound(const plan::Plan& plan) {
    return sizeof(Hands) + plan.limits()->tracks();
  }
  void freeze(Freezer& out, const TrackTable& tracks) const;
  bool thaw(Thawer& in, Thawing& with);
  void digest(Digest&) const {}  // follows from the tracks
  bool unfinished() const { return false; }

 private:
  static constexpr std::size_t kKinds = static_cast<std::size_t>(IdentityKind::count);
  static constexpr std::size_t kReasons = 3;
  static constexpr std::uint32_t kNone = TrackTable::kNone;
  using Hands = std::array<std::array<std::uint32_t, kReasons>, kKinds>;

  // Of one kind and standing, a bit for each track, and above that a bit for each word with any.
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
  Hands hands_{};                     // where the next search begins
  std::span<std::uint8_t> standing_;  // by track: its kind * 4 + reason; 0: keeps its place
  std::size_t candidates_ = 0;
};

}  // namespace vedette::perceive
