// What goes wrong, and what must be right again afterwards.
#include <filesystem>
#include <limits>

#include "edge/journal/reader.hpp"
#include "node/past.hpp"
#include "node/replay.hpp"
#include "sim/damage.hpp"
#include "sim/world.hpp"

namespace vedette::sim {
namespace {

constexpr int kSettleSeconds = 200;  // longer than anything waits
constexpr int kCatchUpSeconds = 20;  // for a mirror that asks for a copy again after ten
constexpr int kMostTurns = 10'000;   // of a thread that always finds work
constexpr std::int64_t kStopNs = 3 * kSecond;
constexpr std::uint64_t kGoneSeconds = 20;  // that a disk stays away
constexpr std::uint64_t kSeenSeconds = 13;  // a mirror that lost its way asks again after ten

}  // namespace

// Begins and ends what lasts for a while.
void World::trouble() {
  const auto for_a_while = [this](std::uint64_t seconds) {
    return time_ns() + static_cast<std::int64_t>(random_.below(seconds * 1000)) * 1'000'000;
  };
  if (refuses_until_ns_ <= time_ns()) {
    set_refusal(Refusal::nothing);
  }
  if (random_.one_in(60)) {
    refuse_for_a_while();
  }
  if (random_.one_in(60)) {
    slow_until_ns_ = for_a_while(20);
    slow_ns_ = 1'000'000 << random_.below(12);
    note("the disk is slow");
  }
  if (random_.one_in(60)) {
    nobody_reads_until_ns_ = for_a_while(20);
    note("nobody reads");
  }
  if (random_.one_in(25)) {
    static constexpr Actor kOften[] = {mirror, mirror, mirror, journal, journal,
                                       hand,   image,  main,   engine};
    const Actor actor = kOften[random_.below(std::size(kOften))];
    stalled_until_ns_[actor] = for_a_while(actor == mirror ? 60 : 10);
    note("stalls: " + std::to_string(actor));
  }
  if (random_.one_in(120)) {
    dies_in_syncs_ = random_.below(30);
  }
}

void World::refuse_for_a_while() {
  set_refusal(static_cast<Refusal>(1 + random_.below(4)));
  const std::uint64_t most_ms = random_.one_in(2) ? 2'000 : 60'000;
  refuses_until_ns_ = time_ns() + static_cast<std::int64_t>(random_.below(most_ms)) * 1'000'000;
  note("the disk refuses: " + std::to_string(static_cast<int>(refusal())));
}

// The disk takes nothing, and the mirror stands still at first; then all turn but nothing is
// written: people see on.
void World::lose_the_disk() {
  note("the disk is gone");
  end_troubles();
  set_refusal(Refusal::all_full);
  const std::uint64_t stands = random_.below(40);
  std::uint64_t seen = 0;  // the engine's batch, kSeenSeconds before
  for (std::uint64_t n = 0; n < stands + 2 * kGoneSeconds && !killed_; ++n) {
    pass(kSecond / 2);
    seen = n + 2 * kSeenSeconds == stands + 2 * kGoneSeconds
               ? life_->rooms.shard.progress().batch_number
               : seen;
    arrive();
    for (int i = 0; i < 3; ++i) {
      turn(engine);
      turn(journal);
      turn(hand);
      for (int m = 0; m < 3 && n >= stands; ++m) {
        turn(mirror);
      }
    }
    turn(main);
  }
  if (!killed_ && life_->rooms.mirror.batch() < seen) {
    fail("the mirror is at batch %llu, the engine was at %llu before",
         shown(life_->rooms.mirror.batch()), shown(seen));
  }
  end_troubles();
}

void World::end_troubles() {
  set_refusal(Refusal::nothing);
  refuses_until_ns_ = slow_until_ns_ = nobody_reads_until_ns_ = 0;
  stalled_until_ns_ = {};
  dies_in_syncs_.reset();
}

// From here on the process changes nothing any more; it is taken away once nothing is in a turn.
void World::die() {
  if (!killed_) {
    note("kill -9");
    killed_ = true;
    durable_ = std::max(durable_, life_->rooms.writer.durable_sequence());
    stop_disk();
  }
}

void World::kill_or_stop() {
  if (random_.one_in(4) && refusal() == Refusal::nothing) {
    stop_in_order();
    return;
  }
  die();
}

// As Node::run() ends: the engine first, then the journal, then the mirror.
void World::stop_in_order() {
  note("stop");
  const std::int64_t until_ns = time_ns() + kStopNs;
  for (bool busy = true;
       (busy || !life_->nothing_under_way()) && time_ns() < until_ns && !killed_;) {
    pass(1'000'000);
    busy = engine_turn(true);
    turn(journal);
  }
  for (const Actor actor : {engine, journal, hand, mirror, image}) {
    for (int n = 0; actor != engine && n < kMostTurns && turn(actor); ++n) {
    }
    stalled_until_ns_[actor] = std::numeric_limits<std::int64_t>::max();  // it has ended
  }
  const bool whole = !killed_ && life_->end();
  if (killed_) {
    return;  // in one of its syncs
  }
  if (whole && life_->rooms.writer.last_batch() == life_->rooms.shard.progress().batch_number) {
    durable_ = life_->rooms.shard.progress().last_sequence;
  }
  ++tally_.stops;
  restart(false);
}

void World::restart(bool killed) {
  tally_.kills += killed ? 1 : 0;
  tally_.packed += life_->rooms.writer.blocks_packed();
  promises_->end_life(*life_);
  stop_disk();
  life_.reset();
  killed_ = false;
  restart_disk(!random_.one_in(3));
  dies_in_syncs_.reset();
  if (killed && !journal::list_segments(journal_folder_).empty()) {
    spoil_journal();
    check_copies();
  }
  pass(static_cast<std::int64_t>(random_.below(20)) * kSecond);
  start();
}

void World::spoil_journal() {
  spoil_the_end(random_, journal_folder_);
  if (random_.one_in(32)) {  // because it reads whole segments
    const std::string done = misdirect(random_, journal_folder_);
    tally_.misdirected += done.empty() ? 0 : 1;
    note(done);
  }
  if (random_.one_in(8)) {
    const std::string done = spoil_a_block(random_, journal_folder_);
    tally_.spoilt += done.empty() ? 0 : 1;
    spoilt_ = spoilt_ || !done.empty();
    ever_spoilt_ = ever_spoilt_ || spoilt_;
    note(done);
  }
}

void World::start() {
  turning_ = {};
  stalled_until_ns_ = {};
  engine_ended_ns_ = 0;
  life_ = std::make_unique<Life>(data_, plan_bytes_, *plan_);
  if (random_.one_in(12)) {
    dies_in_syncs_ = random_.below(12);
  }
  starting_ = true;
  const node::Failure failed = life_->start();
  starting_ = false;
  if (killed_) {
    note("killed at its start");
    restart(true);
    return;
  }
  if (failed.exit_code != 0) {
    if (refusal() == Refusal::nothing) {
      fail("the node does not start: %s", failed.message.c_str());
    }
    note("no start: " + failed.message);
    end_troubles();
    restart(false);
    return;
  }
  note("started");
  for (const auto& finding : life_->report().findings) {
    note("found: " + finding.text);
  }
  promises_->after_start(*life_, durable_, spoilt_, ever_spoilt_);
  spoilt_ = false;
  promises_->check_image(*life_, shard_folder(data_));
}

// A copy of everything crosses each gap as a replay does; it ends at one without later batches.
void World::check_copies() {
  if (ever_spoilt_ || !random_.one_in(2)) {
    return;
  }
  node::Stepped stepped;
  stepped.init(*plan_, kNode, 1);
  const node::ReplayResult result = node::replay(data_, stepped, 0);
  const std::uint64_t last = stepped.batch();
  if (!result.problem.empty() && !result.journal.torn_tail) {
    fail("replay: %s", result.problem.c_str());
  }
  if (result.unrecorded == 0 || result.journal.header.frozen_batch == last) {
    return;
  }
  const std::string copy = folder_ + "/copy";
  std::filesystem::remove_all(copy);
  const node::Recovered made =
      node::recover_until(data_, copy, {0, std::numeric_limits<std::int64_t>::max()});
  node::Stepped again;
  again.init(*plan_, kNode, 1);
  const node::ReplayResult copied = node::replay(copy, again, 0);
  if (!made.problem.empty() || !copied.problem.empty() || copied.digest != result.digest) {
    fail("a copy up to batch %llu that goes over a gap: %s%s, batch %llu", shown(made.last.number),
         made.problem.c_str(), copied.problem.c_str(), shown(again.batch()));
  }
  ++tally_.copies;
}

// Without arrivals everything must leave, and the journal must replay to the same digest.
void World::settle() {
  end_troubles();
  settling_ = true;
  for (int n = 0; n < kMostTurns && life_->post(CommandKind::resume, 0) == 0; ++n) {
    promises_->command_refused();
    turn(engine);
  }
  for (int second = 0; second < kSettleSeconds; ++second) {
    pass(kSecond);
    catch_up();
    const node::Rooms& rooms = life_->rooms;
    const std::uint64_t batch = rooms.shard.progress().batch_number;
    if (second > kCatchUpSeconds && (rooms.mirror.batch() != batch || rooms.mirror.lost())) {
      fail("the mirror is at batch %llu, the engine at %llu", shown(rooms.mirror.batch()),
           shown(batch));
    }
  }
  promises_->at_rest(*life_);
  promises_->end_life(*life_);
  life_->end();
  check_replay();
}

// Everybody turns until nobody finds work.
void World::catch_up() {
  bool busy = true;
  for (int n = 0; busy && n < kMostTurns; ++n) {
    busy = turn(engine);
    turn(main);
    busy = turn(journal) || busy;
    turn(hand);
    busy = turn(mirror) || busy;
    busy = turn(image) || busy;
  }
}

void World::check_replay() {
  node::Stepped again;
  again.init(*plan_, kNode, 1);
  const node::ReplayResult result = node::replay(data_, again, 0);
  const bool unreadable = ever_spoilt_ && !result.problem.empty();
  if (!unreadable && !result.problem.empty()) {
    fail("replay: %s", result.problem.c_str());
  }
  if (!unreadable && result.digest != life_->rooms.shard.progress().digest) {
    fail("replay: another digest");
  }
  promises_->check_image(*life_, shard_folder(data_));
}

void Tally::add(const Tally& other) {
  for (std::uint64_t Tally::*count :
       {&Tally::events, &Tally::kills, &Tally::stops, &Tally::gaps, &Tally::packed, &Tally::images,
        &Tally::texts, &Tally::misdirected, &Tally::spoilt, &Tally::copies, &Tally::passed_over,
        &Tally::restarts, &Tally::refused}) {
    this->*count += other.*count;
  }
  for (std::uint64_t DiskCounters::*count :
       {&DiskCounters::syncs, &DiskCounters::refused, &DiskCounters::lost_writes,
        &DiskCounters::torn_writes, &DiskCounters::lost_names}) {
    disk.*count += other.disk.*count;
  }
}

std::string Tally::text() const {
  std::string text;
  const auto add = [&](std::uint64_t count, const char* what) {
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + what;
  };
  add(events, "events");
  add(texts, "texts");
  add(kills, "kills");
  add(stops, "stops");
  add(gaps, "gaps");
  add(images, "images");
  add(passed_over, "batches passed over by the mirror");
  add(restarts, "restarts of it");
  add(packed, "packed blocks");
  add(misdirected, "misdirected writes");
  add(spoilt, "blocks spoilt");
  add(copies, "copies over gaps");
  add(refused, "reports refused");
  add(disk.syncs, "syncs");
  add(disk.refused, "calls refused by the disk");
  add(disk.lost_writes + disk.torn_writes, "writes lost or torn");
  add(disk.lost_names, "files lost");
  return text;
}

Tally World::tally() const {
  Tally tally = tally_;
  tally.events = life_->rooms.shard.progress().last_sequence;
  tally.images = promises_->images();
  tally.texts = promises_->texts();
  tally.passed_over = promises_->passed_over();
  tally.restarts = promises_->restarts();
  tally.disk = disk_counters();
  return tally;
}

}  // namespace vedette::sim
