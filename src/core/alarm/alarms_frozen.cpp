// The list of alarms as bytes, and back, also under another plan.
#include "base/plausible.hpp"
#include "core/alarm/alarms.hpp"

namespace vedette::alarm {
namespace {

struct FrozenHead {
  std::uint64_t count, queued, recorded, lost, refused;
};

bool plausible_alarm(const Alarm& a, const Thawing& with) {
  return a.id <= with.newest && a.root <= with.newest && plausible(a.confidence, 1.0) &&
         plausible_ns(a.raised_ns) && plausible_ns(a.changed_ns) &&
         plausible_ns(a.acknowledged_ns) && plausible_ns(a.shelved_until_ns) &&
         plausible_ns(a.escalates_ns) && a.level <= Level::alarm && a.active <= 1 &&
         a.escalated <= 1 && a.told <= AlarmTold::cleared && a.subject.kind <= SubjectKind::pair;
}

}  // namespace

std::size_t Alarms::frozen_bytes_bound(const plan::Plan& plan) {
  return sizeof(FrozenHead) +
         std::size_t{plan.limits()->alarms()} * (sizeof(Alarm) + 8 + 2 * sizeof(Change));
}

void Alarms::freeze(Freezer& out, const TrackTable&) const {
  out.put(FrozenHead{count_, queued_, recorded_, lost_, refused_});
  for (std::size_t i = 0; i < count_; ++i) {
    out.put(alarms_[i]);
    out.put(std::uint64_t{announce_[i]});
  }
  for (std::size_t i = 0; i < queued_; ++i) {
    out.put(changes_[(first_ + i) % changes_.size()]);
  }
}

void Alarms::slice(std::size_t at, const TrackTable&, SliceDigest& out) const {
  if (at == 0) {
    out.mix(FrozenHead{count_, queued_, recorded_, lost_, refused_});
  } else if (at <= count_) {
    out.mix(alarms_[at - 1]);
    out.mix(announce_[at - 1]);
  } else {
    out.mix(changes_[(first_ + at - 1 - count_) % changes_.size()]);
  }
}

// Maps an alarm to the plan that thaws it; false: it has no place there.
bool Alarms::carried(Alarm& alarm, Thawing& with) const {
  const std::uint16_t assessment = with.carry.assessment(alarm.assessment);
  if (assessment >= rules_.size() || !rules_[assessment].is_alarm ||
      rules_[assessment].subject != alarm.subject.kind) {
    return false;
  }
  alarm.assessment = assessment;
  if (alarm.subject.kind == SubjectKind::source) {
    const std::uint16_t source = with.carry.source(alarm.subject.source);
    if (source == Carry::kGone) {
      return false;
    }
    alarm.subject.source = source;
    alarm.subject.key = source;
    return true;
  }
  if (alarm.subject.kind == SubjectKind::sink) {
    const std::uint16_t sink = with.carry.sink(alarm.subject.source);
    alarm.subject.source = sink;
    alarm.subject.key = sink;
    return sink != Carry::kGone;
  }
  if (alarm.subject.kind == SubjectKind::node) {
    return true;
  }
  if (alarm.subject.kind == SubjectKind::pair && alarm.active != 0) {
    return with.tracks.find(alarm.subject.key) != TrackTable::kNone &&
           with.tracks.find(alarm.subject.other) != TrackTable::kNone;
  }
  // A condition whose track left can never clear.
  return alarm.active == 0 || with.tracks.find(alarm.subject.key) != TrackTable::kNone;
}

bool Alarms::thaw(Thawer& in, Thawing& with) {
  count_ = first_ = queued_ = again_ = 0;
  const auto head = in.get<FrozenHead>();
  if (!in.ok() || head.count > limits::kAlarms || head.queued > 2 * limits::kAlarms ||
      (with.carry.same() && (head.count > alarms_.size() || head.queued > changes_.size()))) {
    return false;
  }
  recorded_ = head.recorded;
  lost_ = head.lost;
  refused_ = head.refused;
  for (std::uint64_t i = 0; i < head.count; ++i) {
    auto alarm = in.get<Alarm>();
    const auto again = in.get<std::uint64_t>();
    if (!in.ok() || again > 1 || !plausible_alarm(alarm, with) ||
        (with.carry.same() &&
         (alarm.assessment >= rules_.size() || !rules_[alarm.assessment].is_alarm))) {
      return false;
    }
    if ((with.carry.same() || carried(alarm, with)) && count_ < alarms_.size()) {
      alarms_[count_] = alarm;
      keys_[count_] = key_of(alarm.assessment, alarm.subject);
      announce_[count_] = static_cast<std::uint8_t>(again);
      again_ += again;
      ++count_;
    } else {
      alarm.assessment = kNoAssessment;
      alarm.active = 0;
      record(alarm, AlarmEvent::removed, alarm.id);
    }
  }
  for (std::uint64_t i = 0; i < head.queued; ++i) {
    const auto change = in.get<Change>();
    if (!in.ok() || change.change.change < AlarmEvent::raised ||
        change.change.change > AlarmEvent::removed) {
      return false;
    }
    if (with.carry.same() && queued_ < changes_.size()) {
      changes_[queued_++] = change;
    }
  }
  find_due();
  return in.ok();
}

}  // namespace vedette::alarm
