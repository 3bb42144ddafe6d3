#include "core/assess/assess.hpp"

#include <algorithm>
#include <bit>

#include "base/plausible.hpp"
#include "core/assess/reliance.hpp"

namespace vedette::assess {
namespace {

std::span<const plan::Op> ops_of(const plan::Expression* expression) {
  if (expression == nullptr || expression->ops()->size() == 0) {
    return {};
  }
  return {reinterpret_cast<const plan::Op*>(expression->ops()->Data()), expression->ops()->size()};
}

constexpr auto kKinds = static_cast<std::size_t>(IdentityKind::count);

std::size_t places_in(const plan::Plan& plan) {
  return plan.limits()->tracks() + 2 + plan.sources()->size() + plan.sinks()->size();
}

}  // namespace

std::size_t Assess::bytes_needed(const plan::Plan& plan) {
  return arena_bytes<Rule>(plan.assessments()->size()) +
         kKinds * Prefilter::bytes_needed(plan.assessments()->size()) +
         arena_bytes<RuleSet>(places_in(plan)) +
         arena_bytes<Instance>(places_in(plan) * plan.assessments()->size()) +
         arena_bytes<Held>(plan.assessments()->size());
}

void Assess::init(Arena& arena, const Site& site) {
  const plan::Plan& plan = *site.plan;
  tracks_ = plan.limits()->tracks();
  sources_ = plan.sources()->size();
  sinks_ = plan.sinks()->size();
  rules_ = arena.make<Rule>(plan.assessments()->size());
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    const plan::Assessment* a = plan.assessments()->Get(static_cast<flatbuffers::uoffset_t>(i));
    rules_[i] = {ops_of(a->when()),
                 ops_of(a->cheap_when()),
                 ops_of(a->alarm_when()),
                 ops_of(a->confidence()),
                 a->hold_ns(),
                 a->clear_ns(),
                 a->warn_confidence(),
                 a->alarm_confidence(),
                 a->kinds(),
                 a->source(),
                 static_cast<SubjectKind>(a->subject()),
                 a->safe(),
                 false};
    for (const auto ops :
         {rules_[i].when, rules_[i].cheap_when, rules_[i].alarm_when, rules_[i].confidence}) {
      rules_[i].relies_on_own =
          rules_[i].relies_on_own || relies_on_own(ops, rules_[i].subject, plan, site.zones);
    }
  }
  for (std::size_t kind = 0; kind < kKinds; ++kind) {
    prefilters_[kind].init(arena, rules_.size());
    for (std::size_t r = 0; r < rules_.size(); ++r) {
      if (rules_[r].subject == SubjectKind::track && (rules_[r].kinds >> kind & 1) != 0) {
        prefilters_[kind].add(r, rules_[r].when, site.zones);
      }
    }
  }
  instances_ = arena.make<Instance>(places_in(plan) * rules_.size());
  busy_ = arena.make<RuleSet>(places_in(plan));
  held_ = arena.make<Held>(rules_.size());
}

View Assess::view_of(const World& world, const Case& judged) {
  View view;
  view.world = &world;
  view.set(SubjectKind::own, world.own);
  if (judged.subject.kind == SubjectKind::pair) {
    view.set(SubjectKind::track, judged.object);
    view.set(SubjectKind::pair, judged.other);
    view.of_pair = true;
  } else {
    view.set(judged.subject.kind, judged.object);
  }
  view.second = judged.second;
  view.second_unseen = judged.second_unseen;
  return view;
}

std::size_t Assess::judge(const World& world, std::span<const Case> cases,
                          const Listener& listener) {
  for (std::size_t i = 0; i < cases.size(); ++i) {
    if (listener.before != nullptr && !listener.before(listener.context, i)) {
      return i;
    }
    const Case& judged = cases[i];
    const View view = view_of(world, judged);
    if (judged.subject.kind == SubjectKind::track) {
      if (view.track()->kind == IdentityKind::own) {
        judge_other(view, {judged.subject.key, kNoSource, SubjectKind::own, {}}, 0, listener);
      }
      judge_track(view, judged.subject, judged.place, listener);
    } else {
      judge_other(view, judged.subject, judged.place, listener);
    }
    if (listener.after != nullptr) {
      listener.after(listener.context, i);
    }
  }
  return cases.size();
}

void Assess::judge_other(const View& view, const Subject& subject, std::uint32_t place,
                         const Listener& listener) {
  for (std::size_t r = 0; r < rules_.size(); ++r) {
    const Rule& rule = rules_[r];
    const bool of_it =
        rule.subject == subject.kind && (subject.kind == SubjectKind::own || rule.source == place);
    if (of_it && wanted(view, rule)) {
      judge_rule(view, subject, first_place(subject.kind) + place, r, listener);
    }
  }
}

void Assess::judge_track(const View& view, const Subject& subject, std::uint32_t track,
                         const Listener& listener) {
  const Prefilter& prefilter = prefilters_[static_cast<std::size_t>(view.track()->kind)];
  // It is built from the normal conditions only, and for one place per track.
  const bool filters = view.world->mode == Mode::normal && view.second == nullptr;
  const RuleSet may_hold = filters ? prefilter.may_hold(view) : prefilter.rules();
  // Where the condition does not hold, only an instance that is not idle can change.
  for (RuleSet left = may_hold | busy_[track]; left != 0; left &= left - 1) {
    const auto r = static_cast<std::size_t>(std::countr_zero(left));
    if ((may_hold >> r & 1) == 0) {
      change(view, subject, track, r, false, listener);
    } else if (!wanted(view, rules_[r])) {
      continue;
    } else if (view.second != nullptr) {
      judge_both(view, subject, track, r, listener);
    } else {
      judge_rule(view, subject, track, r, listener);
    }
  }
}

std::span<const plan::Op> Assess::condition_of(const View& view, const Rule& rule) const {
  const bool cheap = view.world->mode != Mode::normal && !rule.cheap_when.empty();
  return cheap ? rule.cheap_when : rule.when;
}

inline void Assess::judge_rule(const View& view, const Subject& subject, std::size_t place,
                               std::size_t r, const Listener& listener) {
  conclude(view, subject, place, r, evaluate(condition_of(view, rules_[r]), view), listener);
}

// Fast path: usually the condition is false and the instance idle.
inline void Assess::conclude(const View& view, const Subject& subject, std::size_t place,
                             std::size_t r, double when, const Listener& listener) {
  if (when == 1.0 || (when == 0.0 && instance(place, r).state != State::idle)) {
    change(view, subject, place, r, when == 1.0, listener);
  }
}

void Assess::judge_both(const View& view, const Subject& subject, std::size_t place, std::size_t r,
                        const Listener& listener) {
  const Rule& rule = rules_[r];
  const std::span<const plan::Op> condition = condition_of(view, rule);
  View other = view;
  other.set(SubjectKind::track, view.second);
  other.second = nullptr;
  other.of_second = true;
  other.approach_known = false;
  const double here = evaluate(condition, view);
  const double there = evaluate(condition, other);
  if (here == 1.0 && there == 1.0) {
    // Report the higher level of the two places.
    const bool graver = level_of(rule, other, confidence_in(rule, other)) >
                        level_of(rule, view, confidence_in(rule, view));
    change(graver ? other : view, subject, place, r, true, listener);
  } else if (here == 1.0 || there == 1.0) {
    change(there == 1.0 ? other : view, subject, place, r, true, listener);
  } else if (here == 0.0 && there == 0.0 && !view.second_unseen) {
    conclude(view, subject, place, r, 0.0, listener);
  }
}

void Assess::retire(const World& world, const Case& going, const Listener& listener) {
  const View view = view_of(world, going);
  const std::uint32_t track = going.place;
  for (std::size_t r = 0; r < rules_.size(); ++r) {
    Instance& at = instance(track, r);
    if (at.state == State::active || at.state == State::clearing) {
      announce(view, going.subject, r, Transition::cleared, at, listener);
      --raised_;
    }
    at = {};
  }
  busy_[track] = 0;
}

bool Assess::alarm_stands(std::uint32_t track) const {
  for (RuleSet busy = busy_[track]; busy != 0; busy &= busy - 1) {
    const Instance& at =
        instances_[track * rules_.size() + static_cast<std::size_t>(std::countr_zero(busy))];
    if (at.level == Level::alarm && (at.state == State::active || at.state == State::clearing)) {
      return true;
    }
  }
  return false;
}

Level Assess::level_of(const Rule& rule, const View& view, double confidence) const {
  if (!rule.alarm_when.empty() && evaluate(rule.alarm_when, view) == 1.0) {
    return Level::alarm;
  }
  if (confidence >= rule.alarm_confidence) {
    return Level::alarm;
  }
  return confidence >= rule.warn_confidence ? Level::warn : Level::info;
}

double Assess::confidence_in(const Rule& rule, const View& view) const {
  const Track* track = view.track();
  const FieldContext& at = view.world->at;
  const auto of = [&](const Track* t) {
    return t == nullptr
               ? 1.0
               : confidence_of(*t, at.trackers[static_cast<std::size_t>(t->kind)], at.now_ns);
  };
  const bool pair = rule.subject == SubjectKind::pair;
  const double confidence = !rule.confidence.empty() ? evaluate(rule.confidence, view)
                            : pair                   ? std::min(of(track), of(view.other()))
                                                     : of(track);
  const double most = in_doubt(rule, view) ? kDoubtedConfidence : 1.0;
  return confidence >= 0.0 ? (confidence <= most ? confidence : most) : 0.0;  // NaN gives 0
}

void Assess::judge_one(const View& view, const Subject& subject, std::size_t r, bool applies,
                       Instance& at, const Listener& listener) {
  if (applies && !wanted(view, rules_[r])) {
    return;
  }
  const double when = applies ? evaluate(condition_of(view, rules_[r]), view) : 0.0;
  if (when == 1.0 || (when == 0.0 && at.state != State::idle)) {
    turn(view, subject, r, at, when == 1.0, listener);
  }
}

void Assess::change(const View& view, const Subject& subject, std::size_t place, std::size_t r,
                    bool holds, const Listener& listener) {
  Instance& at = instance(place, r);
  const bool was = at.state >= State::active;
  turn(view, subject, r, at, holds, listener);
  const bool is = at.state >= State::active;
  raised_ += is && !was ? 1 : 0;
  raised_ -= was && !is ? 1 : 0;
  const RuleSet bit = RuleSet{1} << r;
  busy_[place] = at.state == State::idle ? busy_[place] & ~bit : busy_[place] | bit;
}

void Assess::turn(const View& view, const Subject& subject, std::size_t r, Instance& at, bool holds,
                  const Listener& listener) {
  const Rule& rule = rules_[r];
  if (!holds) {
    if (at.state == State::pending) {
      ++held_[r].brief;
      at = {};
    } else if (at.state == State::active) {
      at.state = State::clearing;
      at.since_ns = view.world->at.now_ns;
    }
    if (at.state == State::clearing &&
        sub_ns(view.world->at.now_ns, at.since_ns) >= rule.clear_ns) {
      announce(view, subject, r, Transition::cleared, at, listener);
      at = {};
    }
    return;
  }
  const double confidence = confidence_in(rule, view);
  at.confidence = confidence;
  if (at.state == State::idle) {
    at.state = State::pending;
    at.since_ns = view.world->at.now_ns;
  }
  const Level level = level_of(rule, view, confidence);
  if (at.state == State::pending) {
    if (sub_ns(view.world->at.now_ns, at.since_ns) >= rule.hold_ns) {
      at.state = State::active;
      at.level = level;
      announce(view, subject, r, Transition::raised, at, listener);
    }
    return;
  }
  held_[r].returned += at.state == State::clearing ? 1 : 0;
  at.state = State::active;
  // Up at once; down only after the lower level has held for the clearing time.
  if (level >= at.level) {
    at.lower_since_ns = 0;
  } else if (at.lower_since_ns == 0) {
    at.lower_since_ns = view.world->at.now_ns;
  }
  const bool lower =
      level < at.level && sub_ns(view.world->at.now_ns, at.lower_since_ns) >= rule.clear_ns;
  if (level > at.level || lower) {
    at.level = level;
    at.lower_since_ns = 0;
    announce(view, subject, r, Transition::level_changed, at, listener);
  }
}

void Assess::announce(const View& view, const Subject& subject, std::size_t rule,
                      Transition transition, const Instance& at, const Listener& listener) const {
  AssessmentChange change{};
  change.subject = subject;
  change.confidence = at.confidence;
  change.assessment = static_cast<std::uint16_t>(rule);
  change.transition = transition;
  change.level = at.level;
  change.second = view.of_second ? 1 : 0;
  change.own_in_doubt = in_doubt(rules_[rule], view) ? 1 : 0;
  std::size_t n = 0;
  if (view.track() != nullptr && subject.kind == SubjectKind::track) {
    change.causes[n++] = view.track()->position_event;
    if (view.track()->identity_event != 0) {
      change.causes[n++] = view.track()->identity_event;
    }
  }
  if (subject.kind == SubjectKind::pair && view.track() != nullptr && view.other() != nullptr) {
    change.causes[n++] = view.track()->position_event;
    change.causes[n++] = view.other()->position_event;
  }
  if (view.own() != nullptr && subject.kind <= SubjectKind::own) {
    change.causes[n++] = view.own()->position_event;
  }
  if (subject.kind == SubjectKind::source) {
    change.causes[n++] = view.source()->last_event;
  }
  listener.changed(listener.context, view, change);
}

namespace {

struct FrozenHead {
  std::uint32_t rules;
  std::uint32_t sources;
  std::uint32_t high_water;  // of the track table
  std::uint32_t tracks;      // with an instance that is not idle
  std::uint64_t raised;
  std::uint64_t sinks;
};

}  // namespace

std::size_t Assess::frozen_bytes_bound(const plan::Plan& plan) {
  return sizeof(FrozenHead) + plan.assessments()->size() * sizeof(Held) +
         plan.limits()->tracks() * sizeof(std::uint64_t) +
         places_in(plan) * plan.assessments()->size() * sizeof(Instance);
}

// Skips tracks whose instances are all idle: the most.
void Assess::freeze(Freezer& out, const TrackTable& tracks) const {
  const std::size_t rules = rules_.size();
  const auto put = [&](std::size_t place, std::size_t count) {
    out.put_bytes({reinterpret_cast<const std::uint8_t*>(instances_.data() + place * rules),
                   count * rules * sizeof(Instance)});
  };
  FrozenHead head{static_cast<std::uint32_t>(rules),
                  static_cast<std::uint32_t>(sources_),
                  tracks.high_water(),
                  0,
                  raised_,
                  sinks_};
  for (std::uint32_t i = 0; i < tracks.high_water(); ++i) {
    head.tracks += tracks.in_use(i) && busy_[i] != 0 ? 1 : 0;
  }
  out.put(head);
  for (const Held& held : held_) {
    out.put(held);
  }
  for (std::uint32_t i = 0; i < tracks.high_water(); ++i) {
    if (tracks.in_use(i) && busy_[i] != 0) {
      out.put(std::uint64_t{i});
      put(i, 1);
    }
  }
  put(tracks_, others());
}

// Own ship, sources, sinks and the node first, then the tracks.
void Assess::slice(std::size_t at, const TrackTable& tracks, SliceDigest& out) const {
  const bool of_track = at >= others();
  const std::size_t place = of_track ? at - others() : tracks_ + at;
  if (of_track && !tracks.in_use(static_cast<std::uint32_t>(place))) {
    return;
  }
  out.mix(busy_[place]);
  if (busy_[place] != 0) {
    out.mix({reinterpret_cast<const std::uint8_t*>(instances_.data() + place * rules_.size()),
             rules_.size() * sizeof(Instance)});
  }
}

bool Assess::plausible(const Instance& at) {
  return at.state <= State::clearing && at.level <= Level::alarm && plausible_ns(at.since_ns) &&
         plausible_ns(at.lower_since_ns) && vedette::plausible(at.confidence, 1.0);
}

bool Assess::thaw_place(Thawer& in, std::size_t rules, std::size_t place, Carry& carry) {
  for (std::size_t r = 0; r < rules; ++r) {
    const auto at = in.get<Instance>();
    if (!plausible(at)) {
      return false;
    }
    if (at.state == State::idle) {
      continue;
    }
    const std::uint16_t rule = carry.assessment(static_cast<std::uint16_t>(r));
    const bool stays = place != kNowhere && rule < rules_.size();
    const bool raised = at.state >= State::active;
    carry.report.raised.kept += stays && raised ? 1 : 0;
    carry.report.raised.left += !stays && raised ? 1 : 0;
    if (stays) {
      instance(place, rule) = at;
      busy_[place] |= RuleSet{1} << rule;
      raised_ += raised ? 1 : 0;
    } else if (carry.same()) {
      return false;
    }
  }
  return in.ok();
}

bool Assess::thaw(Thawer& in, Thawing& with) {
  std::fill(instances_.begin(), instances_.end(), Instance{});
  std::fill(busy_.begin(), busy_.end(), RuleSet{0});
  raised_ = 0;
  Carry& carry = with.carry;
  const auto frozen = in.get<FrozenHead>();
  if (frozen.rules > limits::kAssessments || frozen.sources > limits::kSources ||
      frozen.sinks > limits::kSinks ||
      (carry.same() &&
       (frozen.rules != rules_.size() || frozen.sources != sources_ || frozen.sinks != sinks_)) ||
      frozen.high_water > limits::kTracks) {
    return false;
  }
  std::fill(held_.begin(), held_.end(), Held{});
  for (std::uint16_t old = 0; old < frozen.rules; ++old) {
    const auto held = in.get<Held>();
    if (const std::uint16_t now = carry.assessment(old); now < held_.size()) {
      held_[now] = held;
    }
  }
  for (std::uint32_t old = 0; old < frozen.tracks; ++old) {
    const auto slot = in.get<std::uint64_t>();
    if (!in.ok() || slot >= frozen.high_water) {
      return false;
    }
    const std::uint32_t now = carry.slot(static_cast<std::uint32_t>(slot));
    const bool there = now < with.tracks.high_water() && with.tracks.in_use(now);
    if ((!there && carry.same()) || !thaw_place(in, frozen.rules, there ? now : kNowhere, carry)) {
      return false;
    }
  }
  if (!thaw_place(in, frozen.rules, tracks_, carry)) {
    return false;
  }
  for (std::uint16_t old = 0; old < frozen.sources; ++old) {
    const std::uint16_t now = carry.source(old);
    if (!thaw_place(in, frozen.rules, now < sources_ ? tracks_ + 1 + now : kNowhere, carry)) {
      return false;
    }
  }
  for (std::uint16_t old = 0; old < frozen.sinks; ++old) {
    const std::uint16_t now = carry.sink(old);
    const std::size_t first = first_place(SubjectKind::sink);
    if (!thaw_place(in, frozen.rules, now < sinks_ ? first + now : kNowhere, carry)) {
      return false;
    }
  }
  if (!thaw_place(in, frozen.rules, first_place(SubjectKind::node), carry)) {
    return false;
  }
  return in.ok() && raised_ + carry.report.raised.left == frozen.raised;
}

}  // namespace vedette::assess
