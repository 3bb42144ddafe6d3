// Purpose: the alarms of a shard: what is alarming now, who has it, and what that does to
// decisions. In: changed assessments, commands of people, node time. Out: whether an assessment's
// decisions are made; changes, each to become an event; alarms to be announced again. Bound:
// [limits] alarms, and twice as many changes that wait to become events, kPerBatch a batch. When
// the table is full: the least urgent that has returned makes room, else the newcomer is refused
// and counted, and its decisions are made all the same. Runs on: the engine thread.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "model/alarm.hpp"
#include "model/derived.hpp"
#include "model/limits.hpp"
#include "model/stage.hpp"

namespace vedette::alarm {

class Alarms {
 public:
  static constexpr SectionName kSection{"alarms", 1};
  static constexpr std::size_t kPerBatch = 16;
  static constexpr std::size_t kAgainPerBatch = 2;

  static std::size_t bytes_needed(const plan::Plan& plan);
  void init(Arena& arena, const Site& site);
  static DerivedBound derived_bound(const plan::Plan& plan);

  // An assessment changed; `event`: its event. False: its decisions are not made, because the alarm
  // is shelved or suppressed, or because nobody was told of the one that clears.
  bool assessed(const AssessmentChange& change, std::uint64_t event, std::int64_t now_ns);

  // Commands. Reason::applied, unknown_subject where there is no such alarm, or superseded where it
  // was so already.
  Reason acknowledge(const AlarmOrder& order, std::uint64_t event, std::int64_t now_ns);
  Reason shelve(const AlarmOrder& order, std::uint64_t event, std::int64_t now_ns);
  Reason unshelve(const AlarmOrder& order, std::uint64_t event, std::int64_t now_ns);
  // Acknowledges all alarms of a track or of own ship; the number of them.
  std::size_t acknowledge_all(std::uint64_t key, const AlarmOrder& order, std::uint64_t event,
                              std::int64_t now_ns);

  // What becomes due with time: ends of shelving, escalations, expiries.
  void advance(std::int64_t now_ns);
  // The next change to become an event, and the event that it came from; false: none waits.
  struct Change {
    AlarmChange change;
    std::uint64_t cause;
  };
  bool take(Change& out);
  // The next alarm to be announced again: no longer shelved or suppressed, and still there.
  bool take_again(Alarm& out);
  // The action that an escalated alarm runs; kNoAction: none.
  std::uint16_t escalation_of(const Alarm& alarm) const {
    return alarm.assessment < rules_.size() ? rules_[alarm.assessment].escalate_to : kNoAction;
  }

  std::span<const Alarm> alarms() const { return alarms_.first(count_); }
  std::uint64_t refused() const { return refused_; }
  std::uint64_t lost() const { return lost_; }

  static std::size_t frozen_bytes_bound(const plan::Plan& plan);
  void freeze(Freezer& out, const TrackTable&) const;
  bool thaw(Thawer& in, Thawing& with);
  void digest(WordsDigest& digest) const {
    digest.mix(std::uint64_t{count_} << 32 | queued_);
    digest.mix(recorded_);
  }
  std::size_t slices(const TrackTable&) const { return 1 + count_ + queued_; }
  void slice(std::size_t at, const TrackTable&, SliceDigest& out) const;
  bool unfinished() const { return queued_ != 0 || again_ != 0; }

 private:
  static constexpr std::size_t kNone = ~std::size_t{0};
  struct Rule {
    std::uint64_t follows;  // bit of each assessment that it may merely follow from
    std::int64_t escalate_after_ns;
    std::uint16_t escalate_to;
    AlarmPriority priority;
    SubjectKind subject;
    bool is_alarm;
  };

  std::size_t find(std::uint16_t assessment, const Subject& subject) const;
  std::size_t find(std::uint64_t id) const;
  bool raise(const AssessmentChange& change, std::uint64_t event, std::int64_t now_ns);
  bool repeat(std::size_t at, const AssessmentChange& change, std::uint64_t event,
              std::int64_t now_ns);
  // True: the receivers of its decisions are to be told that it is over.
  bool clear(std::size_t at, std::uint64_t event, std::int64_t now_ns);
  bool make_room(const AssessmentChange& change, std::uint64_t event);
  void suppress(std::size_t at, std::uint64_t root, std::uint64_t event);
  void suppress_followers(const Alarm& root, std::uint64_t event);
  void release_followers(std::uint64_t root, std::uint64_t event, std::int64_t now_ns);
  std::uint64_t root_of(std::uint16_t assessment) const;
  void announce_again(Alarm& alarm, std::int64_t now_ns);
  void record(const Alarm& alarm, AlarmEvent change, std::uint64_t cause);
  void remove(std::size_t at);
  void find_due();
  std::int64_t due_of(const Alarm& alarm) const;
  static std::uint64_t key_of(std::uint16_t assessment, const Subject& subject);
  bool carried(Alarm& alarm, Thawing& with) const;

  std::span<Rule> rules_;
  std::span<Alarm> alarms_;           // in the order of their raising
  std::span<std::uint64_t> keys_;     // of each, so that a search reads little
  std::span<Change> changes_;         // a ring
  std::span<std::uint8_t> announce_;  // of each alarm: 1: again
  std::size_t count_ = 0;
  std::size_t first_ = 0;  // of the ring
  std::size_t queued_ = 0;
  std::size_t again_ = 0;
  std::uint64_t recorded_ = 0;    // changes ever
  std::uint64_t lost_ = 0;        // changes that found the ring full
  std::uint64_t refused_ = 0;     // alarms that found no place
  std::int64_t next_due_ns_ = 0;  // 0: none
};

}  // namespace vedette::alarm
