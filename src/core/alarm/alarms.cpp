#include "core/alarm/alarms.hpp"

#include <algorithm>
#include <bit>

#include "base/math.hpp"

namespace vedette::alarm {
namespace {

std::size_t places(const plan::Plan& plan) {
  return plan.limits()->alarms();
}

}  // namespace

std::size_t Alarms::bytes_needed(const plan::Plan& plan) {
  return arena_bytes<Rule>(plan.assessments()->size()) + arena_bytes<Alarm>(places(plan)) +
         arena_bytes<std::uint64_t>(places(plan)) + arena_bytes<Change>(2 * places(plan)) +
         arena_bytes<std::uint8_t>(places(plan));
}

void Alarms::init(Arena& arena, const Site& site) {
  const plan::Plan& plan = *site.plan;
  rules_ = arena.make<Rule>(plan.assessments()->size());
  std::size_t at = 0;
  for (const plan::Assessment* a : *plan.assessments()) {
    rules_[at++] = {a->follows(),
                    a->escalate_after_ns(),
                    a->escalate_to(),
                    static_cast<AlarmPriority>(a->priority()),
                    static_cast<SubjectKind>(a->subject()),
                    a->is_alarm()};
  }
  alarms_ = arena.make<Alarm>(places(plan));
  keys_ = arena.make<std::uint64_t>(places(plan));
  changes_ = arena.make<Change>(2 * places(plan));
  announce_ = arena.make<std::uint8_t>(places(plan));
}

// An escalation orders an action; an alarm that is announced again runs its decisions.
DerivedBound Alarms::derived_bound(const plan::Plan& plan) {
  const std::size_t decided = plan.decisions()->size() * event_bytes(sizeof(DecisionMade)) +
                              orders_of_decisions(plan) * event_bytes(sizeof(ActionIntent));
  return {0, kPerBatch * (event_bytes(sizeof(AlarmChange)) + event_bytes(sizeof(ActionIntent))) +
                 kAgainPerBatch * decided};
}

std::uint64_t Alarms::key_of(std::uint16_t assessment, const Subject& subject) {
  return subject.key ^ std::uint64_t{assessment} << 40 ^
         static_cast<std::uint64_t>(subject.kind) << 50 ^ std::uint64_t{subject.source} << 24 ^
         std::rotl(subject.other, 29);
}

std::size_t Alarms::find(std::uint16_t assessment, const Subject& subject) const {
  const std::uint64_t key = key_of(assessment, subject);
  for (std::size_t i = 0; i < count_; ++i) {
    const Alarm& a = alarms_[i];
    if (keys_[i] == key && a.assessment == assessment && a.subject == subject) {
      return i;
    }
  }
  return kNone;
}

std::size_t Alarms::find(std::uint64_t id) const {
  for (std::size_t i = 0; i < count_; ++i) {
    if (alarms_[i].id == id) {
      return i;
    }
  }
  return kNone;
}

void Alarms::record(const Alarm& alarm, AlarmEvent change, std::uint64_t cause) {
  if (queued_ == changes_.size()) {
    ++lost_;
    return;
  }
  changes_[(first_ + queued_) % changes_.size()] = {{alarm, change, {}}, cause};
  ++queued_;
  ++recorded_;
}

bool Alarms::take(Change& out) {
  if (queued_ == 0) {
    return false;
  }
  out = changes_[first_];
  first_ = (first_ + 1) % changes_.size();
  --queued_;
  return true;
}

bool Alarms::take_again(Alarm& out) {
  for (std::size_t i = 0; i < count_ && again_ != 0; ++i) {
    if (announce_[i] != 0) {
      announce_[i] = 0;
      --again_;
      alarms_[i].told = AlarmTold::raised;
      out = alarms_[i];
      return true;
    }
  }
  return false;
}

void Alarms::remove(std::size_t at) {
  again_ -= announce_[at];
  const auto shift = [&](auto& list) {
    std::copy(list.begin() + static_cast<std::ptrdiff_t>(at) + 1,
              list.begin() + static_cast<std::ptrdiff_t>(count_),
              list.begin() + static_cast<std::ptrdiff_t>(at));
  };
  shift(alarms_);
  shift(keys_);
  shift(announce_);
  --count_;
}

std::int64_t Alarms::due_of(const Alarm& alarm) const {
  std::int64_t due = alarm.shelved_until_ns;
  const auto sooner = [&](std::int64_t ns) { due = ns != 0 && (due == 0 || ns < due) ? ns : due; };
  sooner(alarm.state() == AlarmState::unacknowledged ? alarm.escalates_ns : 0);
  sooner(alarm.state() == AlarmState::returned ? add_ns(alarm.changed_ns, limits::kAlarmKeepNs)
                                               : 0);
  return due;
}

void Alarms::find_due() {
  next_due_ns_ = 0;
  for (const Alarm& alarm : alarms()) {
    const std::int64_t due = due_of(alarm);
    next_due_ns_ = due != 0 && (next_due_ns_ == 0 || due < next_due_ns_) ? due : next_due_ns_;
  }
}

// The alarm that this assessment's would merely follow from; 0: none.
std::uint64_t Alarms::root_of(std::uint16_t assessment) const {
  const std::uint64_t follows = rules_[assessment].follows;
  for (std::size_t i = 0; i < count_ && follows != 0; ++i) {
    const Alarm& a = alarms_[i];
    if (a.active != 0 && a.root == 0 && (follows >> a.assessment & 1) != 0) {
      return a.id;
    }
  }
  return 0;
}

bool Alarms::assessed(const AssessmentChange& change, std::uint64_t event, std::int64_t now_ns) {
  if (!rules_[change.assessment].is_alarm) {
    return true;
  }
  const std::size_t at = find(change.assessment, change.subject);
  bool announced = true;
  if (change.transition == Transition::cleared) {
    if (at != kNone) {
      announced = clear(at, event, now_ns);
    }
  } else if (at == kNone) {
    announced = raise(change, event, now_ns);
  } else {
    announced = repeat(at, change, event, now_ns);
  }
  find_due();
  return announced;
}

bool Alarms::raise(const AssessmentChange& change, std::uint64_t event, std::int64_t now_ns) {
  if (count_ == alarms_.size() && !make_room(change, event)) {
    ++refused_;
    return true;
  }
  const Rule& rule = rules_[change.assessment];
  Alarm alarm{};
  alarm.id = event;
  alarm.subject = change.subject;
  alarm.confidence = change.confidence;
  alarm.own_in_doubt = change.own_in_doubt;
  alarm.raised_ns = alarm.changed_ns = now_ns;
  alarm.escalates_ns = rule.escalate_after_ns != 0 ? add_ns(now_ns, rule.escalate_after_ns) : 0;
  alarm.raises = 1;
  alarm.assessment = change.assessment;
  alarm.level = change.level;
  alarm.active = 1;
  const std::uint64_t root = root_of(change.assessment);
  alarm.told = root == 0 ? AlarmTold::raised : AlarmTold::never;
  alarms_[count_] = alarm;
  keys_[count_] = key_of(change.assessment, change.subject);
  announce_[count_] = 0;
  ++count_;
  record(alarm, AlarmEvent::raised, event);
  if (root != 0) {
    suppress(count_ - 1, root, event);
    return false;
  }
  suppress_followers(alarm, event);
  return true;
}

// The condition came back, or its level changed.
bool Alarms::repeat(std::size_t at, const AssessmentChange& change, std::uint64_t event,
                    std::int64_t now_ns) {
  Alarm& alarm = alarms_[at];
  const bool came_back = alarm.active == 0;
  const bool graver = change.level > alarm.level;
  alarm.level = change.level;
  alarm.confidence = change.confidence;
  alarm.own_in_doubt = change.own_in_doubt;
  if (came_back) {
    alarm.active = 1;
    ++alarm.raises;
    alarm.changed_ns = now_ns;
  }
  if (came_back || graver) {
    alarm.acknowledged_ns = 0;
    const std::int64_t after_ns = rules_[alarm.assessment].escalate_after_ns;
    alarm.escalates_ns = after_ns != 0 && alarm.escalated == 0 ? add_ns(now_ns, after_ns) : 0;
  }
  const std::uint64_t root = came_back && alarm.root == 0 ? root_of(alarm.assessment) : 0;
  const bool tell = alarm.root == 0 && root == 0 && alarm.shelved_until_ns == 0;
  alarm.told = tell ? AlarmTold::raised : alarm.told;
  record(alarm, came_back ? AlarmEvent::repeated : AlarmEvent::level_changed, event);
  if (root != 0) {
    suppress(at, root, event);
  } else if (came_back && alarm.root == 0) {
    suppress_followers(alarm, event);
  }
  return tell;
}

bool Alarms::clear(std::size_t at, std::uint64_t event, std::int64_t now_ns) {
  Alarm& alarm = alarms_[at];
  alarm.active = 0;
  alarm.changed_ns = now_ns;
  again_ -= announce_[at];
  announce_[at] = 0;
  // Also of one that was shelved or suppressed since: who was told of it must hear that it is over.
  const bool tell = alarm.told == AlarmTold::raised;
  const bool over = alarm.told == AlarmTold::never || alarm.acknowledged_ns != 0;
  alarm.told = tell ? AlarmTold::cleared : alarm.told;
  alarm.root = 0;
  record(alarm, AlarmEvent::cleared, event);
  const std::uint64_t id = alarm.id;
  if (over) {  // what nobody was told of, nobody has to acknowledge
    remove(at);
  }
  release_followers(id, event, now_ns);
  return tell;
}

// For a newcomer: the least urgent alarm that has returned goes, the oldest of those.
bool Alarms::make_room(const AssessmentChange& change, std::uint64_t event) {
  std::size_t victim = kNone;
  for (std::size_t i = 0; i < count_; ++i) {
    const bool returned = alarms_[i].active == 0;
    if (returned && (victim == kNone || rules_[alarms_[i].assessment].priority <
                                            rules_[alarms_[victim].assessment].priority)) {
      victim = i;
    }
  }
  if (victim == kNone ||
      rules_[alarms_[victim].assessment].priority > rules_[change.assessment].priority) {
    return false;
  }
  record(alarms_[victim], AlarmEvent::expired, event);
  remove(victim);
  return true;
}

void Alarms::suppress(std::size_t at, std::uint64_t root, std::uint64_t event) {
  alarms_[at].root = root;
  again_ -= announce_[at];
  announce_[at] = 0;
  record(alarms_[at], AlarmEvent::suppressed, event);
}

// Those that came before their root and that nobody has taken over yet.
void Alarms::suppress_followers(const Alarm& root, std::uint64_t event) {
  const std::uint64_t id = root.id;
  const std::uint16_t assessment = root.assessment;
  for (std::size_t i = 0; i < count_; ++i) {
    const Alarm& a = alarms_[i];
    if (a.id != id && a.active != 0 && a.root == 0 && a.acknowledged_ns == 0 &&
        (rules_[a.assessment].follows >> assessment & 1) != 0) {
      suppress(i, id, event);
    }
  }
}

void Alarms::release_followers(std::uint64_t root, std::uint64_t event, std::int64_t now_ns) {
  for (std::size_t i = 0; i < count_; ++i) {
    Alarm& a = alarms_[i];
    if (a.root != root) {
      continue;
    }
    a.root = 0;
    if (const std::uint64_t other = root_of(a.assessment); other != 0 && other != a.id) {
      suppress(i, other, event);
      continue;
    }
    record(a, AlarmEvent::released, event);
    announce_again(a, now_ns);
  }
}

void Alarms::announce_again(Alarm& alarm, std::int64_t now_ns) {
  const std::int64_t after_ns = rules_[alarm.assessment].escalate_after_ns;
  alarm.escalates_ns = after_ns != 0 && alarm.escalated == 0 ? add_ns(now_ns, after_ns) : 0;
  const auto at = static_cast<std::size_t>(&alarm - alarms_.data());
  if (alarm.state() == AlarmState::unacknowledged && announce_[at] == 0) {
    announce_[at] = 1;
    ++again_;
  }
}

Reason Alarms::acknowledge(const AlarmOrder& order, std::uint64_t event, std::int64_t now_ns) {
  const std::size_t at = find(order.command.target);
  if (at == kNone) {
    return Reason::unknown_subject;
  }
  Alarm& alarm = alarms_[at];
  if (alarm.acknowledged_ns != 0) {
    return Reason::superseded;
  }
  alarm.acknowledged_ns = now_ns;
  alarm.escalates_ns = 0;
  alarm.by = order.by;
  alarm.note = order.note;
  again_ -= announce_[at];
  announce_[at] = 0;
  record(alarm, AlarmEvent::acknowledged, event);
  if (alarm.active == 0) {
    remove(at);
  }
  find_due();
  return Reason::applied;
}

std::size_t Alarms::acknowledge_all(std::uint64_t key, const AlarmOrder& order, std::uint64_t event,
                                    std::int64_t now_ns) {
  std::size_t done = 0;
  for (std::size_t i = count_; i-- > 0;) {  // backwards, because one that has returned leaves
    const Alarm& a = alarms_[i];
    if (of_track(a.subject) && (a.subject.key == key || a.subject.other == key) &&
        a.acknowledged_ns == 0) {
      AlarmOrder one = order;
      one.command.target = a.id;
      acknowledge(one, event, now_ns);
      ++done;
    }
  }
  return done;
}

Reason Alarms::shelve(const AlarmOrder& order, std::uint64_t event, std::int64_t now_ns) {
  const std::size_t at = find(order.command.target);
  if (at == kNone || order.for_ns <= 0 || order.for_ns > limits::kShelveMostNs) {
    return Reason::unknown_subject;
  }
  Alarm& alarm = alarms_[at];
  alarm.shelved_until_ns = add_ns(now_ns, order.for_ns);
  alarm.by = order.by;
  alarm.note = order.note;
  again_ -= announce_[at];
  announce_[at] = 0;
  record(alarm, AlarmEvent::shelved, event);
  find_due();
  return Reason::applied;
}

Reason Alarms::unshelve(const AlarmOrder& order, std::uint64_t event, std::int64_t now_ns) {
  const std::size_t at = find(order.command.target);
  if (at == kNone) {
    return Reason::unknown_subject;
  }
  Alarm& alarm = alarms_[at];
  if (alarm.shelved_until_ns == 0) {
    return Reason::superseded;
  }
  alarm.shelved_until_ns = 0;
  alarm.by = order.by;
  alarm.note = order.note;
  record(alarm, AlarmEvent::unshelved, event);
  announce_again(alarm, now_ns);
  find_due();
  return Reason::applied;
}

void Alarms::advance(std::int64_t now_ns) {
  if (next_due_ns_ == 0 || now_ns < next_due_ns_) {
    return;
  }
  for (std::size_t i = 0; i < count_;) {
    Alarm& a = alarms_[i];
    const std::int64_t due = due_of(a);
    if (due == 0 || due > now_ns) {
      ++i;
      continue;
    }
    if (a.shelved_until_ns != 0 && a.shelved_until_ns <= now_ns) {
      a.shelved_until_ns = 0;
      record(a, AlarmEvent::unshelved, a.id);
      announce_again(a, now_ns);
    } else if (a.state() == AlarmState::unacknowledged) {
      a.escalates_ns = 0;
      a.escalated = 1;
      record(a, AlarmEvent::escalated, a.id);
    } else {
      record(a, AlarmEvent::expired, a.id);
      remove(i);
    }
  }
  find_due();
}

}  // namespace vedette::alarm
