// The life of an alarm, against a reference that keeps whole histories and looks everything up.
#include "core/alarm/alarms.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <tuple>

#include "one_stage.hpp"
#include "test.hpp"

using namespace vedette;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

// 0 close: escalates, follows 2; 1 fast: follows 2 and 3; 2 silent; 3 lost: follows 2; 4 a notice.
std::string site(int alarms) {
  return "site = \"alarms\"\n[limits]\ntracks = 64\nalarms = " + std::to_string(alarms) + R"(
[source.in]
driver = "udp"
listen = "127.0.0.1:1"
codec = "ais"
[assess.close]
of = "track"
when = "track.updates >= 1"
priority = "high"
escalate_after = "60 s"
escalate_to = "tell"
follows = ["silent"]
[assess.fast]
of = "track"
when = "track.speed > 2 m/s"
follows = ["silent", "lost"]
priority = "low"
[assess.silent]
of = "source.in"
when = "source.age > 10 s"
priority = "critical"
[assess.lost]
of = "track"
when = "track.updates >= 3"
follows = ["silent"]
[assess.seen]
of = "track"
when = "track.updates >= 2"
notice = true
[decide.close]
on = "close"
run = "tell"
[decide.fast]
on = "fast"
run = "tell"
[decide.silent]
on = "silent"
run = "tell"
[decide.lost]
on = "lost"
run = "tell"
[decide.seen]
on = "seen"
run = "tell"
[action.tell]
sink = "log"
[sink.log]
driver = "log"
)";
}

class Room : public tests::OneStage<alarm::Alarms> {
 public:
  explicit Room(int alarms = 256) : OneStage(site(alarms)) { REQUIRE(plan() != nullptr); }
  alarm::Alarms* operator->() { return &stage(); }
};

Subject about(std::uint16_t assessment, std::uint64_t which) {
  return assessment == 2
             ? Subject{0, 0, SubjectKind::source, {}}
             : Subject{track_key(IdentityKind::vessel, which), kNoSource, SubjectKind::track, {}};
}

AssessmentChange change(std::uint16_t assessment, std::uint64_t which, Transition transition,
                        Level level = Level::warn) {
  AssessmentChange c{};
  c.subject = about(assessment, which);
  c.assessment = assessment;
  c.transition = transition;
  c.level = level;
  c.confidence = 0.5;
  return c;
}

AlarmOrder order(std::uint64_t alarm, std::int64_t for_ns = 0) {
  AlarmOrder o{};
  o.command.target = alarm;
  o.for_ns = for_ns;
  o.by.assign("mate");
  return o;
}

// What a person should see of one alarm.
struct Seen {
  std::uint64_t id;
  bool active, acknowledged;
  std::int64_t shelved_until;
  std::uint64_t root;
  unsigned raises;
  bool operator==(const Seen&) const = default;
};

// Written from the description: one entry a subject and assessment, everything by search.
class Reference {
 public:
  using Key = std::pair<int, std::uint64_t>;
  struct Entry {
    Seen seen;
    Level level;
    std::int64_t escalates, changed;
    bool escalated;
    bool open = false;  // receivers were told that it is there, and not that it is over
    bool told = false;  // ever
  };
  std::map<Key, Entry> entries;
  std::vector<std::uint64_t> escalations;
  std::vector<std::uint64_t> again;  // to be announced again

  static bool follows(int one, int other) {
    return (other == 2 && (one == 0 || one == 1 || one == 3)) || (other == 3 && one == 1);
  }
  std::uint64_t root_of(int assessment) const {
    std::uint64_t root = 0;  // the first raised
    for (const auto& [key, e] : entries) {
      if (e.seen.active && e.seen.root == 0 && follows(assessment, key.first)) {
        root = root == 0 ? e.seen.id : std::min(root, e.seen.id);
      }
    }
    return root;
  }
  void suppress_followers(int assessment, std::uint64_t id) {
    for (auto& [key, e] : entries) {
      if (e.seen.active && e.seen.root == 0 && !e.seen.acknowledged && e.seen.id != id &&
          follows(key.first, assessment)) {
        e.seen.root = id;
      }
    }
  }
  bool raise(int assessment, std::uint64_t which, Level level, std::uint64_t event,
             std::int64_t now) {
    const Key key{assessment, which};
    const std::int64_t escalates = assessment == 0 ? now + 60 * kSecond : 0;
    const auto at = entries.find(key);
    if (at == entries.end()) {
      Entry e{{event, true, false, 0, root_of(assessment), 1}, level, escalates, now, false};
      const bool told = e.seen.root == 0;
      e.open = e.told = told;
      entries[key] = e;
      if (told) {
        suppress_followers(assessment, event);
      }
      return told;
    }
    Entry& e = at->second;
    const bool back = !e.seen.active;
    if (back || level > e.level) {
      e.seen.acknowledged = false;
      e.escalates = e.escalated ? 0 : escalates;
    }
    e.level = level;
    if (back) {
      e.seen.active = true;
      ++e.seen.raises;
      e.changed = now;
      if (e.seen.root == 0) {
        e.seen.root = root_of(assessment);
        if (e.seen.root == 0) {
          suppress_followers(assessment, e.seen.id);
        }
      }
    }
    const bool told = e.seen.root == 0 && e.seen.shelved_until == 0;
    e.open = e.open || told;
    e.told = e.told || told;
    return told;
  }
  bool clear(int assessment, std::uint64_t which, std::int64_t now) {
    const auto at = entries.find({assessment, which});
    if (at == entries.end()) {
      return true;
    }
    Entry& e = at->second;
    const bool told = e.open;
    const std::uint64_t id = e.seen.id;
    const bool leaves = !e.told || e.seen.acknowledged;
    e.open = false;
    e.seen.active = false;
    e.seen.root = 0;
    e.changed = now;
    if (leaves) {
      entries.erase(at);
    }
    std::vector<std::pair<std::uint64_t, Key>> freed;  // in the order of their raising
    for (const auto& [key, other] : entries) {
      if (other.seen.root == id) {
        freed.push_back({other.seen.id, key});
      }
    }
    std::sort(freed.begin(), freed.end());
    for (const auto& [unused, key] : freed) {
      Entry& other = entries[key];
      other.seen.root = 0;
      other.seen.root = root_of(key.first);
      if (other.seen.root == 0) {
        other.escalates = key.first == 0 && !other.escalated ? now + 60 * kSecond : 0;
        announce(other);
      }
    }
    return told;
  }
  void announce(const Entry& e) {
    if (e.seen.active && !e.seen.acknowledged && e.seen.root == 0 && e.seen.shelved_until == 0) {
      again.push_back(e.seen.id);
    }
  }
  // They have been announced.
  std::vector<std::uint64_t> take_again() {
    for (const std::uint64_t id : again) {
      if (Entry* e = find(id)) {
        e->open = e->told = true;
      }
    }
    std::sort(again.begin(), again.end());
    return std::exchange(again, {});
  }
  Entry* find(std::uint64_t id) {
    for (auto& [key, e] : entries) {
      if (e.seen.id == id) {
        return &e;
      }
    }
    return nullptr;
  }
  void acknowledge(std::uint64_t id) {
    Entry* e = find(id);
    if (e != nullptr) {
      e->seen.acknowledged = true;
      e->escalates = 0;
    }
    std::erase_if(entries, [&](const auto& item) {
      return item.second.seen.id == id && !item.second.seen.active;
    });
  }
  void advance(std::int64_t now) {
    for (auto& [key, e] : entries) {
      if (e.seen.shelved_until != 0 && e.seen.shelved_until <= now) {
        e.seen.shelved_until = 0;
        e.escalates = key.first == 0 && !e.escalated ? now + 60 * kSecond : 0;
        announce(e);
      }
      const bool waits =
          e.seen.active && !e.seen.acknowledged && e.seen.root == 0 && e.seen.shelved_until == 0;
      if (waits && e.escalates != 0 && e.escalates <= now) {
        e.escalates = 0;
        e.escalated = true;
        escalations.push_back(e.seen.id);
      }
    }
    std::erase_if(entries, [&](const auto& item) {
      const Seen& s = item.second.seen;
      return !s.active && s.shelved_until == 0 && item.second.changed + limits::kAlarmKeepNs <= now;
    });
  }
};

std::vector<Seen> seen_in(std::span<const Alarm> alarms) {
  std::vector<Seen> list;
  for (const Alarm& a : alarms) {
    list.push_back(
        {a.id, a.active != 0, a.acknowledged_ns != 0, a.shelved_until_ns, a.root, a.raises});
  }
  std::sort(list.begin(), list.end(), [](const Seen& a, const Seen& b) { return a.id < b.id; });
  return list;
}
std::vector<Seen> seen_in(const Reference& reference) {
  std::vector<Seen> list;
  for (const auto& [key, e] : reference.entries) {
    list.push_back(e.seen);
  }
  std::sort(list.begin(), list.end(), [](const Seen& a, const Seen& b) { return a.id < b.id; });
  return list;
}

// Takes all changes; escalated alarms go to `escalations`. Returns the alarms to announce again.
std::vector<std::uint64_t> drain(Room& room, std::vector<std::uint64_t>& escalations) {
  alarm::Alarms::Change next;
  while (room->take(next)) {
    if (next.change.change == AlarmEvent::escalated) {
      escalations.push_back(next.change.alarm.id);
    }
  }
  std::vector<std::uint64_t> announced;
  Alarm again;
  while (room->take_again(again)) {
    CHECK(again.state() == AlarmState::unacknowledged);
    announced.push_back(again.id);
  }
  std::sort(announced.begin(), announced.end());
  return announced;
}

// Replaces the room's state by its own, through bytes.
void refreeze(Room& room, std::uint64_t newest) {
  const std::vector<std::uint8_t> before = room.frozen();
  REQUIRE(room.thaw(before, newest));
  CHECK(room.frozen() == before);
}

std::vector<AlarmEvent> events_of(Room& room) {
  std::vector<AlarmEvent> events;
  alarm::Alarms::Change next;
  while (room->take(next)) {
    events.push_back(next.change.change);
  }
  return events;
}

}  // namespace

TEST_CASE("a thousand random histories of alarms end as the reference says") {
  for (std::uint32_t seed = 1; seed <= 1000; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto below = [&](std::uint32_t n) { return random() % n; };
    Room room;
    Reference reference;
    std::map<Reference::Key, bool> there;  // the condition, as assess would have it
    std::vector<std::uint64_t> ours;
    std::uint64_t event = 100;
    std::int64_t now = 1'700'000'000 * kSecond;
    for (int step = 0; step < 60; ++step) {
      now += static_cast<std::int64_t>(below(10) == 0 ? below(50'000) : below(30)) * kSecond;
      ++event;
      reference.advance(now);
      room->advance(now);
      REQUIRE(drain(room, ours) == reference.take_again());
      const std::vector<Seen> list = seen_in(room->alarms());
      const std::uint64_t some =
          list.empty() ? 1 : list[below(static_cast<std::uint32_t>(list.size()))].id;
      switch (below(8)) {
        case 0:
          room->acknowledge(order(some), event, now);
          reference.acknowledge(some);
          break;
        case 1: {
          const std::int64_t for_ns = static_cast<std::int64_t>(1 + below(600)) * kSecond;
          room->shelve(order(some, for_ns), event, now);
          if (Reference::Entry* e = reference.find(some)) {
            e->seen.shelved_until = now + for_ns;
          }
          break;
        }
        case 2: {
          const Reason reason = room->unshelve(order(some), event, now);
          Reference::Entry* e = reference.find(some);
          CHECK((reason == Reason::applied) == (e != nullptr && e->seen.shelved_until != 0));
          if (reason == Reason::applied) {
            e->seen.shelved_until = 0;
            for (auto& [key, entry] : reference.entries) {
              if (&entry == e) {
                entry.escalates = key.first == 0 && !entry.escalated ? now + 60 * kSecond : 0;
                reference.announce(entry);
              }
            }
          }
          break;
        }
        default: {
          const auto assessment = static_cast<std::uint16_t>(below(5));
          const std::uint64_t which = assessment == 2 ? 0 : 1 + below(4);
          bool& holds = there[{assessment, which}];
          const Level level = below(4) == 0 ? Level::alarm : Level::warn;
          bool told = false, expected = true;
          if (holds && below(2) == 0) {
            holds = false;
            told = room->assessed(change(assessment, which, Transition::cleared), event, now);
            expected = assessment == 4 || reference.clear(assessment, which, now);
          } else {
            const Transition t = holds ? Transition::level_changed : Transition::raised;
            holds = true;
            told = room->assessed(change(assessment, which, t, level), event, now);
            expected = assessment == 4 || reference.raise(assessment, which, level, event, now);
          }
          CHECK(told == expected);
        }
      }
      if (below(5) == 0) {
        refreeze(room, event);
      }
      REQUIRE(drain(room, ours) == reference.take_again());
      REQUIRE(seen_in(room->alarms()) == seen_in(reference));
    }
    std::sort(ours.begin(), ours.end());
    std::sort(reference.escalations.begin(), reference.escalations.end());
    REQUIRE(ours == reference.escalations);
  }
}

TEST_CASE("an alarm comes, is acknowledged, goes; each is told once, in order") {
  Room room;
  using enum AlarmEvent;
  CHECK(room->assessed(change(1, 7, Transition::raised), 10, kSecond));
  CHECK(room->acknowledge(order(10), 11, 2 * kSecond) == Reason::applied);
  CHECK(room->acknowledge(order(10), 12, 2 * kSecond) == Reason::superseded);
  CHECK(room->acknowledge(order(99), 12, 2 * kSecond) == Reason::unknown_subject);
  CHECK(room->alarms()[0].by.view() == "mate");
  CHECK(room->assessed(change(1, 7, Transition::cleared), 13, 3 * kSecond));
  CHECK(room->alarms().empty());
  CHECK(events_of(room) == std::vector{raised, acknowledged, cleared});
}

TEST_CASE("one that was told and then shelved or suppressed: its receivers hear that it is over") {
  Room room;
  CHECK(room->assessed(change(1, 7, Transition::raised), 10, kSecond));
  CHECK(room->shelve(order(10, 600 * kSecond), 11, 2 * kSecond) == Reason::applied);
  CHECK(room->assessed(change(1, 7, Transition::cleared), 12, 3 * kSecond));
  REQUIRE(room->alarms().size() == 1);  // nobody acknowledged it
  CHECK_FALSE(room->assessed(change(1, 7, Transition::raised), 13, 4 * kSecond));
  CHECK_FALSE(room->assessed(change(1, 7, Transition::cleared), 14, 5 * kSecond));

  CHECK(room->assessed(change(3, 8, Transition::raised), 20, 6 * kSecond));
  CHECK(room->assessed(change(2, 0, Transition::raised), 21, 6 * kSecond));
  CHECK(room->alarms()[1].root == 21);
  CHECK(room->assessed(change(3, 8, Transition::cleared), 22, 7 * kSecond));
  CHECK(room->alarms()[1].state() == AlarmState::returned);
}

TEST_CASE("a follower that gets another root says so") {
  Room room;
  CHECK(room->assessed(change(3, 7, Transition::raised), 10, kSecond));
  CHECK_FALSE(room->assessed(change(1, 7, Transition::raised), 11, kSecond));
  CHECK(room->acknowledge(order(10), 12, kSecond) == Reason::applied);
  CHECK(room->assessed(change(2, 0, Transition::raised), 13, kSecond));
  events_of(room);
  CHECK(room->assessed(change(3, 7, Transition::cleared), 14, 2 * kSecond));
  CHECK(room->alarms()[0].root == 13);
  CHECK(events_of(room) == std::vector{AlarmEvent::cleared, AlarmEvent::suppressed});
}

TEST_CASE("a full list: one that has returned and is no more urgent gives way, else the newcomer") {
  Room room(16);
  for (std::uint64_t i = 0; i < 16; ++i) {
    room->assessed(change(3, 100 + i, Transition::raised), 10 + i, kSecond);
  }
  CHECK(room->assessed(change(0, 1, Transition::raised), 50, kSecond));
  CHECK(room->refused() == 1);
  CHECK(room->alarms().size() == 16);
  room->assessed(change(3, 105, Transition::cleared), 51, 2 * kSecond);
  CHECK(room->assessed(change(1, 1, Transition::raised), 52, 2 * kSecond));  // less urgent
  CHECK(room->refused() == 2);
  CHECK(room->assessed(change(0, 2, Transition::raised), 53, 2 * kSecond));
  CHECK(room->refused() == 2);
  CHECK(room->alarms().size() == 16);
  CHECK(room->alarms().back().id == 53);
}

TEST_CASE("what a person writes is bounded and carries no control characters") {
  PersonNote note;
  note.assign("two\nlines\x1b[31m" + std::string(200, 'x'));
  CHECK(note.view().size() == 64);
  CHECK(note.view().starts_with("two?lines?[31mxxx"));
}
