// What comes from outside: reports, requests of people, readers of the log.
#include <cstring>
#include <new>

#include "sim/arrivals.hpp"
#include "sim/world.hpp"

namespace vedette::sim {
namespace {

enum : std::uint16_t { kUrgent, kRoutine, kPlots };  // the site's sources
constexpr std::size_t kCommandsAtOnce = 100;         // more than their lane holds

}  // namespace

void World::arrive() {
  for (std::uint64_t n = random_.below(random_.one_in(10) ? 200 : 12); n > 0; --n) {
    put_ship(random_.one_in(12) ? EventClass::critical : EventClass::bulk);
  }
  if (random_.one_in(2)) {
    ++record_;
    const std::int64_t now_ns = life_->rooms.clock.now_ns();
    for (const Observation& plot : plots(random_, now_ns)) {
      put(plot, now_ns, kPlots, EventClass::normal);
    }
  }
}

// Writes what a codec would have made. False, and refused, when the source's lane is full.
bool World::put(const Observation& observation, std::int64_t at_ns, std::uint16_t source,
                EventClass event_class) {
  Lane& lane = life_->rooms.ingress.lane(source);
  std::uint8_t* const at = lane.reserve(event_bytes(sizeof(Observation)));
  if (at == nullptr) {
    ++tally_.refused;
    return false;
  }
  EventHeader header{};
  header.observed_ns = at_ns;
  header.received_ns = life_->rooms.clock.now_ns();
  header.arrival_ns = platform::monotonic_ns();
  header.kind = EventKind::observation;
  header.event_class = event_class;
  header.source = source;
  header.record = record_;
  header.payload_bytes = sizeof(Observation);
  std::memcpy(at, &header, sizeof header);
  std::memcpy(at + sizeof header, &observation, sizeof observation);
  lane.commit(event_bytes(sizeof(Observation)));
  return true;
}

void World::put_ship(EventClass event_class) {
  ++record_;
  const Report report = report_of_ship(random_, life_->rooms.clock.now_ns());
  put(report.observation, report.at_ns, event_class == EventClass::critical ? kUrgent : kRoutine,
      event_class);
}

bool World::urgent() {
  if (settling_ || starting_ || !random_.one_in(15)) {
    return false;
  }
  put_ship(EventClass::critical);
  return true;
}

void World::ask() {
  if (random_.one_in(60)) {
    burst_of_commands();
    return;
  }
  if (!random_.one_in(6)) {
    return;
  }
  const std::uint64_t last = life_->rooms.shard.progress().last_sequence;
  const std::uint64_t event = last - random_.below(last + 1) % 200;
  request::Request request;
  switch (random_.below(10)) {
    case 0:
      request = life_->rooms.shard.held() ? request::Request(request::Resume{})
                                          : request::Request(request::Hold{});
      break;
    case 1:
      request = request::Acknowledge{{IdentityKind::vessel, 1 + random_.below(60)}, {"mate"}, {}};
      break;
    case 2:
    case 3:
      request = request::Requeue{{event + 1}};
      break;
    case 4:
      request = request::Status{};
      break;
    case 5:
    case 6:
      request = about_an_alarm();
      break;
    default:
      request = request::Cancel{{event + 1}};
  }
  const std::string answer = life_->ask(encode(request));
  if (!killed_) {
    promises_->answered(*life_, answer);
  }
}

// About one of those that stand, mostly.
request::Request World::about_an_alarm() {
  const std::span<const Alarm> alarms = life_->rooms.shard.alarms().alarms();
  const std::uint64_t id = alarms.empty() || random_.one_in(10)
                               ? 1 + random_.below(1000)
                               : alarms[random_.below(alarms.size())].id;
  switch (random_.below(3)) {
    case 0:
      return request::Shelve{
          {id}, {1 + static_cast<std::int64_t>(random_.below(60)) * kSecond}, {}, {}};
    case 1:
      return request::Unshelve{{id}, {}, {}};
    default:
      return request::AcknowledgeAlarm{{id}, {"mate"}, {"seen"}};
  }
}

void World::burst_of_commands() {
  note("a burst of commands");
  for (std::size_t n = 0; n < kCommandsAtOnce; ++n) {
    if (life_->post(CommandKind::cancel, 1 + random_.below(1'000'000)) == 0) {
      promises_->command_refused();
    }
  }
}

// While nobody reads, the lane of texts is full of lines from before.
void World::fill_log() {
  Lane& log = life_->rooms.lanes.log;
  constexpr std::size_t kLine = 600;
  while (nobody_reads_until_ns_ > time_ns()) {
    std::uint8_t* const at = log.reserve(kLine);
    if (at == nullptr) {
      return;
    }
    *at = kFiller;
    log.commit(kLine);
  }
}

}  // namespace vedette::sim
