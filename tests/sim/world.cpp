#include "sim/world.hpp"

#include <algorithm>
#include <filesystem>

#include "plan/plan.hpp"
#include "platform/random.hpp"
#include "sim/site.hpp"

namespace vedette::sim {
namespace {

World* g_world = nullptr;  // asked by wrapped functions, which carry no context

constexpr std::int64_t kMillisecond = 1'000'000;

}  // namespace

World::World(std::uint64_t seed, std::string folder)
    : random_(seed),
      folder_(std::move(folder)),
      data_(folder_ + "/data"),
      journal_folder_(journal_folder(data_)) {
  plan_bytes_ = plan_of(site_of(random_), random_);
  std::string error;
  plan_ = plan::load_plan(plan_bytes_, error);
  if (plan_ == nullptr) {
    fail("the plan: %s", error.c_str());
  }
  std::filesystem::remove_all(folder_);
  std::filesystem::create_directories(data_);
  std::filesystem::create_directories(folder_ + "/aside");
  promises_ = std::make_unique<Promises>(*plan_);
  begin_time();
  begin_disk(data_, folder_ + "/aside", random_);
  while_syncing([this] { while_syncing_others(); });
  while_resting([this](std::int64_t ns) { while_main_rests(ns); });
  g_world = this;
}

World::~World() {
  stop_disk();
  life_.reset();
  while_resting(nullptr);
  g_world = nullptr;
}

void World::run(int steps) {
  start();
  for (int i = 0; i < steps; ++i) {
    step();
  }
  note("settle");
  settle();
}

void World::step() {
  pass(static_cast<std::int64_t>(random_.below(400)) * kMillisecond);
  if (random_.one_in(40)) {
    pass(static_cast<std::int64_t>(random_.below(20)) * kSecond);  // nobody runs for a while
  }
  arrive();
  trouble();
  some_turns(8);
  if (random_.one_in(60)) {
    kill_or_stop();
  }
  if (random_.one_in(150) && !killed_) {
    lose_the_disk();
  }
  if (broken_) {
    throw *broken_;  // never through the product's own calls
  }
  if (killed_) {
    restart(true);
  }
}

void World::some_turns(std::uint64_t most) {
  // The engine turns more often than the others, as it does.
  static constexpr Actor kOften[] = {engine, engine, engine, journal, journal, hand,
                                     hand,   mirror, mirror, mirror,  image,   main};
  for (std::uint64_t n = random_.below(most + 1); n > 0 && !killed_; --n) {
    const Actor actor = kOften[random_.below(std::size(kOften))];
    if (stalled_until_ns_[actor] <= time_ns()) {
      turn(actor);
    }
  }
}

bool World::turn(Actor actor) {
  if (turning_[actor] || killed_) {
    return false;
  }
  struct Turning {
    explicit Turning(bool& which) : turns(which) { turns = true; }
    ~Turning() { turns = false; }
    bool& turns;
  } const turning(turning_[actor]);
  switch (actor) {
    case engine:
      return engine_turn(false);
    case journal:
      return journal_turn();
    case hand:
      hand_turn();
      return false;
    case mirror:
      return mirror_turn();
    case image:
      promises_->before_image(*life_);
      return life_->image_turn(platform::monotonic_ns());
    default:
      main_turn();
      return false;
  }
}

bool World::engine_turn(bool stopping) {
  promises_->before_engine(*life_);
  // Mostly it has turned without work until now.
  const std::int64_t since_ns =
      engine_ended_ns_ != 0 && random_.one_in(8) ? engine_ended_ns_ : platform::monotonic_ns();
  const auto turned = life_->engine_turn(stopping, since_ns);
  engine_ended_ns_ = turned.ended_ns;
  promises_->after_engine(*life_);
  fill_log();
  note("engine");
  return turned.busy;
}

bool World::journal_turn() {
  const bool nothing = refusal() != Refusal::nothing && refusal() != Refusal::full;
  promises_->before_journal(*life_);
  const bool worked = life_->journal_turn(platform::monotonic_ns());
  if (!killed_) {
    promises_->after_journal(*life_, nothing);
  }
  note("journal");
  return worked;
}

void World::hand_turn() {
  const bool gap = life_->rooms.writer.has_gap();
  promises_->before_hand(*life_);
  life_->hand_turn(platform::monotonic_ns());
  promises_->after_hand(*life_);
  tally_.gaps += !gap && life_->rooms.writer.has_gap() ? 1 : 0;
  note("hand");
}

bool World::mirror_turn() {
  const bool worked = life_->mirror_turn(platform::monotonic_ns());
  if (!killed_) {
    promises_->after_mirror(*life_);
  }
  note("mirror");
  return worked;
}

void World::main_turn() {
  life_->main_turn();
  if (nobody_reads_until_ns_ <= time_ns()) {
    promises_->read_log(*life_);
  }
  if (!settling_) {
    ask();
  }
}

// Inside a call of the product nothing may be thrown: what is broken is told behind it.
template <typename Do>
void World::nested(Do&& go_on) {
  try {
    go_on();
  } catch (const BrokenPromise& broken) {
    broken_ = broken_ ? broken_ : broken;
    die();
  }
}

void World::while_syncing_others() {
  pass(static_cast<std::int64_t>(random_.below(3)) * kMillisecond);
  if (slow_until_ns_ > time_ns()) {
    pass(static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(slow_ns_))));
  }
  if (dies_in_syncs_ && (*dies_in_syncs_)-- == 0) {
    dies_in_syncs_.reset();
    die();
  }
  if (starting_ || settling_ || killed_) {
    return;
  }
  nested([this] { some_turns(2); });
}

void World::while_main_rests(std::int64_t ns) {
  pass(std::max(ns, static_cast<std::int64_t>(random_.below(20)) * kMillisecond));
  if (!starting_ && !killed_) {
    nested([this] { some_turns(3); });
  }
}

void World::note(const std::string& what) {
  std::string line = std::to_string(time_ns() / kMillisecond) + " ms: " + what;
  if (life_ != nullptr) {
    const engine::Progress& p = life_->rooms.shard.progress();
    line += "; batch " + std::to_string(p.batch_number) + ", event " +
            std::to_string(p.last_sequence) + ", waiting " + std::to_string(p.waiting) +
            ", under way " + std::to_string(p.transient) + ", written " +
            std::to_string(life_->rooms.writer.last_batch()) + ", mirrored " +
            std::to_string(life_->rooms.mirror.batch());
  }
  trace_.push_back(std::move(line));
  if (trace_.size() > 2 * kTraced) {
    trace_.erase(trace_.begin(), trace_.end() - kTraced);
  }
}

std::string World::trace() const {
  std::string text;
  for (std::size_t i = trace_.size() > kTraced ? trace_.size() - kTraced : 0; i < trace_.size();
       ++i) {
    text += "  " + trace_[i] + "\n";
  }
  return text;
}

}  // namespace vedette::sim

// vedette::node::Lanes::critical_waits(): an urgent event may come in the middle of a step.
bool real_critical_waits(vedette::node::Lanes*) __asm__(
    "__real__ZN7vedette4node5Lanes14critical_waitsEv");
bool critical_waits(vedette::node::Lanes*) __asm__(
    "__wrap__ZN7vedette4node5Lanes14critical_waitsEv");
bool critical_waits(vedette::node::Lanes* lanes) {
  return (vedette::sim::g_world != nullptr && vedette::sim::g_world->urgent()) ||
         real_critical_waits(lanes);
}

// vedette::platform::random_bits(): the data folder's identity, because keys decide when retries
// are due.
std::optional<std::uint64_t> random_bits() __asm__("__wrap__ZN7vedette8platform11random_bitsEv");
std::optional<std::uint64_t> random_bits() {
  return vedette::sim::kNode << 24;
}
