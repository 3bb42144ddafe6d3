#include "core/assess/pairs.hpp"

#include <algorithm>
#include <bit>

#include "model/limits.hpp"

namespace vedette::assess {
namespace {

bool of_pairs(const plan::Assessment& assessment) {
  return static_cast<SubjectKind>(assessment.subject()) == SubjectKind::pair;
}

std::size_t rules_in(const plan::Plan& plan) {
  std::size_t rules = 0;
  for (const plan::Assessment* a : *plan.assessments()) {
    rules += of_pairs(*a) ? 1 : 0;
  }
  return rules;
}

bool is_raised(const Assess::Instance& instance) {
  return instance.state >= Assess::State::active;
}

View view_of_pair(const World& world, const Track* a, const Track* b) {
  View view;
  view.world = &world;
  view.set(SubjectKind::own, world.own);
  view.set(SubjectKind::track, a);
  view.set(SubjectKind::pair, b);
  view.of_pair = true;
  return view;
}

}  // namespace

// Without a rule a plan pays nothing.
std::size_t Pairs::bytes_needed(const plan::Plan& plan) {
  const std::size_t rules = rules_in(plan);
  const std::size_t tracks = plan.limits()->tracks();
  return rules == 0 ? 0
                    : arena_bytes<Rule>(rules) + arena_bytes<Entry>(plan.limits()->pairs()) +
                          arena_bytes<std::uint16_t>(tracks) +
                          arena_bytes<std::uint64_t>((tracks + 63) / 64) +
                          Neighbours::bytes_needed(tracks);
}

void Pairs::init(Arena& arena, const Site& site) {
  const plan::Plan& plan = *site.plan;
  const std::size_t rules = rules_in(plan);
  if (rules == 0) {
    return;
  }
  rules_ = arena.make<Rule>(rules);
  std::size_t at = 0;
  double farthest = Neighbours::kLeastCubeM;
  for (flatbuffers::uoffset_t i = 0; i < plan.assessments()->size(); ++i) {
    const plan::Assessment& a = *plan.assessments()->Get(i);
    if (of_pairs(a)) {
      rules_[at++] = {a.within_m() * a.within_m(), a.kinds(), static_cast<std::uint16_t>(i)};
      farthest = std::max(farthest, a.within_m());
    }
  }
  const std::size_t tracks = plan.limits()->tracks();
  entries_ = arena.make<Entry>(plan.limits()->pairs());
  held_ = arena.make<std::uint16_t>(tracks);
  due_ = arena.make<std::uint64_t>((tracks + 63) / 64);
  neighbours_.init(arena, tracks, farthest);
}

DerivedBound Pairs::derived_bound(const plan::Plan& plan) {
  const std::size_t decided = plan.decisions()->size() * (event_bytes(sizeof(DecisionMade)) +
                                                          event_bytes(sizeof(ActionIntent)));
  return {0,
          rules_in(plan) == 0 ? 0 : kChanges * (event_bytes(sizeof(AssessmentChange)) + decided)};
}

void Pairs::on_change(void* context, const View& view, const AssessmentChange& change) {
  const Turn& turn = *static_cast<const Turn*>(context);
  --turn.self->budget_;
  turn.listener.changed(turn.listener.context, view, change);
}

void Pairs::part(Assess& assess, const World& world, const TrackTable& tracks,
                 const Assess::Listener& listener) {
  Turn turn{this, assess, world, tracks, listener};
  for (std::size_t i = count_; parted_ != 0 && budget_ != 0 && i-- > 0;) {
    Entry& entry = entries_[i];
    if (entry.at_a != kNone) {
      continue;
    }
    assess.end(view_of_pair(world, nullptr, nullptr), subject_of(entry),
               rules_[entry.rule].assessment, entry.instance, {nullptr, on_change, nullptr, &turn});
    --raised_;
    --parted_;
    remove(i);
  }
}

void Pairs::judge(Assess& assess, const World& world, const TrackTable& tracks, std::uint32_t track,
                  const Assess::Listener& listener) {
  if (none()) {
    return;
  }
  if (!placed(&tracks[track])) {
    neighbours_.drop(track);
  } else {
    refused_ += neighbours_.place(track, tracks[track].ecef) ? 0 : 1;
  }
  const Turn turn{this, assess, world, tracks, listener};
  mark_due(track, !judge_held(turn, track) || !judge_near(turn, track));
}

// Those that are not idle, near or not. False: the step's changes are spent.
bool Pairs::judge_held(const Turn& turn, std::uint32_t track) {
  for (std::size_t i = count_; held_[track] != 0 && i-- > 0;) {
    Entry& entry = entries_[i];
    if (entry.at_a != track && entry.at_b != track) {
      continue;
    }
    if (budget_ == 0) {
      return false;
    }
    const Track& a = turn.tracks[entry.at_a];
    const Track& b = turn.tracks[entry.at_b];
    judge_entry(turn, entry,
                placed(&a) && placed(&b) && applies(rules_[entry.rule], a, b, chord_squared(a, b)));
    if (entry.instance.state == Assess::State::idle) {
      remove(i);
    }
  }
  return true;
}

void Pairs::judge_entry(const Turn& turn, Entry& entry, bool near) {
  const View view = view_of_pair(turn.world, &turn.tracks[entry.at_a], &turn.tracks[entry.at_b]);
  const bool was = is_raised(entry.instance);
  Turn of = turn;
  turn.assess.judge_one(view, subject_of(entry), rules_[entry.rule].assessment, near,
                        entry.instance, {nullptr, on_change, nullptr, &of});
  const bool is = is_raised(entry.instance);
  raised_ += is && !was ? 1 : 0;
  raised_ -= was && !is ? 1 : 0;
}

// False: the step's changes are spent.
bool Pairs::judge_near(const Turn& turn, std::uint32_t track) {
  if (neighbours_.cube(track) == Neighbours::kNowhere) {
    return true;
  }
  std::array<Near, kMostNear> near;
  const std::size_t count = nearest(turn.tracks, track, near);
  for (std::size_t n = 0; n < count; ++n) {
    for (std::size_t r = 0; r < rules_.size(); ++r) {
      if (!applies(rules_[r], turn.tracks[track], turn.tracks[near[n].track], near[n].squared) ||
          holds(r, track, near[n].track)) {
        continue;
      }
      if (budget_ == 0) {
        return false;
      }
      refused_ += judge_new(turn, r, track, near[n].track) ? 0 : 1;
    }
  }
  return true;
}

// False: its condition holds, and there is no entry for it.
bool Pairs::judge_new(const Turn& turn, std::size_t rule, std::uint32_t track,
                      std::uint32_t other) {
  const bool first = turn.tracks[track].key < turn.tracks[other].key;
  const std::uint32_t a = first ? track : other;
  const std::uint32_t b = first ? other : track;
  if (count_ == entries_.size() || held_[a] == kMostHeld || held_[b] == kMostHeld) {
    return !turn.assess.holds(view_of_pair(turn.world, &turn.tracks[a], &turn.tracks[b]),
                              rules_[rule].assessment);
  }
  Entry& entry = entries_[count_];
  entry = {turn.tracks[a].key, turn.tracks[b].key, a, b, {}, static_cast<std::uint16_t>(rule), {}};
  judge_entry(turn, entry, true);
  if (entry.instance.state != Assess::State::idle) {
    ++count_;
    ++held_[a];
    ++held_[b];
  }
  return true;
}

// The nearest within any rule's distance, by distance, then by slot, so that the order in the grid
// does not matter.
std::size_t Pairs::nearest(const TrackTable& tracks, std::uint32_t track,
                           std::array<Near, kMostNear>& out) {
  double most = 0.0;
  for (const Rule& rule : rules_) {
    most = std::max(most, rule.within_squared);
  }
  const auto nearer = [](const Near& a, const Near& b) {
    return a.squared != b.squared ? a.squared < b.squared : a.track < b.track;
  };
  std::size_t count = 0;
  neighbours_.around(tracks[track].ecef, [&](std::uint32_t other) {
    const Near near{other == track ? 0.0 : chord_squared(tracks[track], tracks[other]), other};
    if (other == track || near.squared > most) {
      return;
    }
    // A heap: its first is the farthest.
    if (count < out.size()) {
      out[count++] = near;
      std::push_heap(out.begin(), out.begin() + count, nearer);
      return;
    }
    ++refused_;
    if (nearer(near, out[0])) {
      std::pop_heap(out.begin(), out.end(), nearer);
      out.back() = near;
      std::push_heap(out.begin(), out.end(), nearer);
    }
  });
  std::sort_heap(out.begin(), out.begin() + count, nearer);
  return count;
}

bool Pairs::holds(std::size_t rule, std::uint32_t track, std::uint32_t other) const {
  if (held_[track] == 0 || held_[other] == 0) {
    return false;
  }
  const auto entries = entries_.first(count_);
  return std::any_of(entries.begin(), entries.end(), [&](const Entry& e) {
    return e.rule == rule &&
           ((e.at_a == track && e.at_b == other) || (e.at_a == other && e.at_b == track));
  });
}

void Pairs::remove(std::size_t at) {
  const Entry& entry = entries_[at];
  if (entry.at_a != kNone) {
    --held_[entry.at_a];
    --held_[entry.at_b];
  }
  entries_[at] = entries_[--count_];
}

void Pairs::retire(std::uint32_t track) {
  if (none()) {
    return;
  }
  neighbours_.drop(track);
  mark_due(track, false);
  for (std::size_t i = count_; held_[track] != 0 && i-- > 0;) {
    Entry& entry = entries_[i];
    if (entry.at_a != track && entry.at_b != track) {
      continue;
    }
    if (!is_raised(entry.instance)) {
      remove(i);
      continue;
    }
    --held_[entry.at_a];
    --held_[entry.at_b];
    entry.at_a = entry.at_b = kNone;
    ++parted_;
  }
}

void Pairs::mark_due(std::uint32_t track, bool due) {
  std::uint64_t& word = due_[track / 64];
  const std::uint64_t bit = std::uint64_t{1} << (track % 64);
  due_count_ += due && (word & bit) == 0 ? 1 : 0;
  due_count_ -= !due && (word & bit) != 0 ? 1 : 0;
  word = due ? word | bit : word & ~bit;
}

std::uint32_t Pairs::due() const {
  for (std::size_t word = 0; due_count_ != 0 && budget_ != 0 && word < due_.size(); ++word) {
    if (due_[word] != 0) {
      return static_cast<std::uint32_t>(word * 64) +
             static_cast<std::uint32_t>(std::countr_zero(due_[word]));
    }
  }
  return kNone;
}

bool Pairs::alarm_stands(std::uint32_t track) const {
  if (none() || held_[track] == 0) {
    return false;
  }
  const auto entries = entries_.first(count_);
  return std::any_of(entries.begin(), entries.end(), [&](const Entry& e) {
    return (e.at_a == track || e.at_b == track) && is_raised(e.instance) &&
           e.instance.level == Level::alarm;
  });
}

}  // namespace vedette::assess
