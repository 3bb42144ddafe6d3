#include "core/perceive/eviction.hpp"

#include <algorithm>
#include <bit>

namespace vedette::perceive {
namespace {

constexpr std::size_t words_for(std::size_t bits) {
  return (bits + 63) / 64;
}

// Order of eviction.
constexpr std::array kOrder{EvictionReason::without_position, EvictionReason::unconfirmed,
                            EvictionReason::lost};

}  // namespace

void Eviction::Set::set(std::uint32_t index) {
  words[index / 64] |= std::uint64_t{1} << index % 64;
  above[index / 4096] |= std::uint64_t{1} << index / 64 % 64;
  ++count;
}

void Eviction::Set::clear(std::uint32_t index) {
  std::uint64_t& word = words[index / 64];
  word &= ~(std::uint64_t{1} << index % 64);
  if (word == 0) {
    above[index / 4096] &= ~(std::uint64_t{1} << index / 64 % 64);
  }
  --count;
}

std::uint32_t Eviction::Set::next(std::uint32_t from) const {
  std::size_t word = from / 64;
  if (word >= words.size()) {
    return kNone;
  }
  std::uint64_t bits = words[word] & ~std::uint64_t{0} << from % 64;
  if (bits == 0) {
    // The first non-empty word after this one.
    std::size_t group = (word + 1) / 64;
    std::uint64_t groups =
        group < above.size() ? above[group] & ~std::uint64_t{0} << (word + 1) % 64 : 0;
    while (groups == 0 && ++group < above.size()) {
      groups = above[group];
    }
    if (groups == 0) {
      return kNone;
    }
    word = group * 64 + static_cast<std::size_t>(std::countr_zero(groups));
    bits = words[word];
  }
  return static_cast<std::uint32_t>(word * 64 + static_cast<std::size_t>(std::countr_zero(bits)));
}

std::size_t Eviction::bytes_needed(const plan::Plan& plan) {
  const std::size_t tracks = plan.limits()->tracks();
  return kKinds * kReasons *
             (arena_bytes<std::uint64_t>(words_for(tracks)) +
              arena_bytes<std::uint64_t>(words_for(words_for(tracks)))) +
         arena_bytes<std::uint8_t>(tracks);
}

void Eviction::init(Arena& arena, const Site& site) {
  const std::size_t tracks = site.plan->limits()->tracks();
  trackers_ = &site.rules.trackers;
  for (auto& of_kind : sets_) {
    for (Set& set : of_kind) {
      set.words = arena.make<std::uint64_t>(words_for(tracks));
      set.above = arena.make<std::uint64_t>(words_for(words_for(tracks)));
      set.count = 0;
    }
  }
  standing_ = arena.make<std::uint8_t>(tracks);
  hands_ = {};
  candidates_ = 0;
}

void Eviction::clear() {
  for (auto& of_kind : sets_) {
    for (Set& set : of_kind) {
      std::fill(set.words.begin(), set.words.end(), 0);
      std::fill(set.above.begin(), set.above.end(), 0);
      set.count = 0;
    }
  }
  std::fill(standing_.begin(), standing_.end(), std::uint8_t{0});
  hands_ = {};
  candidates_ = 0;
}

EvictionReason Eviction::standing_of(const Track& t) const {
  if (t.kind == IdentityKind::own) {
    return EvictionReason::none;
  }
  if (t.kind == IdentityKind::contact) {  // the contact tracker ends a live contact
    return t.state == TrackState::lost ? EvictionReason::lost : EvictionReason::none;
  }
  if (t.updates == 0) {
    return EvictionReason::without_position;
  }
  if (t.updates < (*trackers_)[static_cast<std::size_t>(t.kind)].confirm_updates) {
    return EvictionReason::unconfirmed;
  }
  return t.state == TrackState::lost ? EvictionReason::lost : EvictionReason::none;
}

void Eviction::put(std::uint32_t index, std::size_t kind, EvictionReason reason) {
  const auto now = static_cast<std::uint8_t>(
      reason == EvictionReason::none ? 0 : kind * 4 + static_cast<std::size_t>(reason));
  std::uint8_t& at = standing_[index];
  if (at == now) {
    return;
  }
  if (at != 0) {
    set_of(at / 4, static_cast<EvictionReason>(at % 4)).clear(index);
    --candidates_;
  }
  if (now != 0) {
    set_of(kind, reason).set(index);
    ++candidates_;
  }
  at = now;
}

void Eviction::note(std::uint32_t index, const Track& t) {
  put(index, static_cast<std::size_t>(t.kind), standing_of(t));
}

void Eviction::freeze(Freezer& out, const TrackTable& tracks) const {
  out.put(hands_);
  for (std::uint32_t i = 0; i < tracks.high_water(); ++i) {
    if (tracks.in_use(i)) {
      out.put(standing_[i]);
    }
  }
}

bool Eviction::thaw(Thawer& in, Thawing& with) {
  clear();
  const TrackTable& tracks = with.tracks;
  if (!with.carry.same()) {  // recomputed from the carried tracks
    for (std::uint32_t i = 0; i < tracks.high_water(); ++i) {
      if (tracks.in_use(i)) {
        note(i, tracks[i]);
      }
    }
    in.skip();
    return true;
  }
  hands_ = in.get<Hands>();
  for (std::uint32_t i = 0; i < tracks.high_water(); ++i) {
    if (!tracks.in_use(i)) {
      continue;
    }
    const auto at = in.get<std::uint8_t>();
    if (at == 0) {
      continue;
    }
    if (at % 4 == 0 || at / 4 != static_cast<std::uint8_t>(tracks[i].kind)) {
      return false;
    }
    put(i, at / 4U, static_cast<EvictionReason>(at % 4));
  }
  return in.ok();
}

bool Eviction::less(const Worth& a, const Worth& b) {
  if (a.stale != b.stale) {
    return a.stale;
  }
  if (!a.stale && a.updates != b.updates) {
    return a.updates < b.updates;
  }
  if (!a.stale && a.away != b.away) {
    return a.away > b.away;
  }
  return a.heard_ns < b.heard_ns;
}

// Clock algorithm: the least valuable of the next few; the hand goes round, so each has its turn.
std::uint32_t Eviction::least(const View& view, std::size_t kind, EvictionReason reason) {
  Set& set = set_of(kind, reason);
  std::uint32_t& hand = hands_[kind][static_cast<std::size_t>(reason) - 1];
  const Tracker& k = view.config->trackers[kind];
  std::uint32_t worst = kNone;
  Worth of_worst{};
  std::uint32_t at = hand;
  const std::size_t turns = std::min(limits::kEvictionCandidates, set.count);
  for (std::size_t i = 0; i < turns; ++i) {
    std::uint32_t index = set.next(at);
    index = index == kNone ? set.next(0) : index;
    if (index == kNone) {
      break;
    }
    at = index + 1;
    const Track& t = (*view.tracks)[index];
    const double unheard = seconds_between(t.heard_ns, view.now_ns);
    if ((reason == EvictionReason::lost && unheard <= k.lost_s) || view.keep(view.context, index)) {
      continue;
    }
    Worth worth{t.heard_ns, 0.0, t.updates,
                reason != EvictionReason::unconfirmed || unheard > k.coast_s};
    if (view.here != nullptr && t.updates != 0) {
      const Vector3 away{t.ecef[0] - view.here->x, t.ecef[1] - view.here->y,
                         t.ecef[2] - view.here->z};
      worth.away = dot(away, away);
    }
    if (worst == kNone || less(worth, of_worst)) {
      worst = index;
      of_worst = worth;
    }
  }
  hand = at;
  return worst;
}

std::optional<Eviction::Victim> Eviction::next(const View& view) {
  const TrackTable& tracks = *view.tracks;
  const TrackRoom& room = view.config->room;
  const bool full = TrackRoom::left(tracks) < TrackRoom::spare(tracks);
  // Which kinds may give way: when the table is full, those above their reserved places, the
  // largest first; when a share is full, that kind.
  std::array<bool, kKinds> asked{};
  bool any = full;
  for (std::size_t kind = 1; kind < kKinds; ++kind) {
    const auto k = static_cast<IdentityKind>(kind);
    asked[kind] = k != IdentityKind::own && room.left_of(k, tracks) < room.spare_of(k, tracks);
    any = any || asked[kind];
  }
  if (!any || candidates_ == 0) {
    return std::nullopt;
  }
  std::array<std::size_t, kKinds> order{};
  std::size_t count = 0;
  for (std::size_t kind = 1; kind < kKinds; ++kind) {
    const auto k = static_cast<IdentityKind>(kind);
    if (!asked[kind] && (!full || tracks.size_of(k) <= TrackRoom::kept_for(k, tracks))) {
      continue;
    }
    std::size_t at = count++;
    const auto held = [&](std::size_t of) { return tracks.size_of(static_cast<IdentityKind>(of)); };
    for (; at > 0 && held(order[at - 1]) < held(kind); --at) {
      order[at] = order[at - 1];
    }
    order[at] = kind;
  }
  for (const EvictionReason reason : kOrder) {
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint32_t track = least(view, order[i], reason);
      if (track != kNone) {
        return Victim{track, reason};
      }
    }
  }
  return std::nullopt;
}

}  // namespace vedette::perceive
