// The simulator: the real engine, journal and recovery in one process under virtual time, driven by
// a seed. The seed decides the plan's bounds, arrivals, cuts, which sinks answer, when states are
// frozen, and when and how the node is killed.
//
// usage: vedette_sim FOLDER FIRST_SEED COUNT
#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "edge/journal/reader.hpp"
#include "edge/journal/writer.hpp"
#include "node/past.hpp"
#include "node/replay.hpp"
#include "plan/plan.hpp"
#include "platform/file.hpp"
#include "platform/hash.hpp"
#include "refusing_disk.hpp"
#include "shard_in_memory.hpp"
#include "sim/arrivals.hpp"
#include "sim/damage.hpp"
#include "sim/disk.hpp"
#include "sim/ledger.hpp"
#include "sim/site.hpp"

using namespace vedette;
using sim::fail;

namespace {

constexpr std::uint64_t kNode = 7;
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr int kSteps = 400;

// Invariants of a node across its lives.
class World {
 public:
  World(std::uint64_t seed, std::string folder) : random_(seed), folder_(std::move(folder)) {
    plan::Compiled compiled = plan::compile_site(sim::site_of(random_), "");
    if (!compiled.problems.empty()) {
      fail("the site: %s", compiled.problems[0].message.c_str());
    }
    plan_bytes_ = std::move(compiled.buffer);
    std::string error;
    plan_ = plan::load_plan(plan_bytes_, error);
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(journal_);
    std::filesystem::create_directories(folder_ + "/plans");
    // Lets `vedette replay` of any build read the last seed's journal.
    plan_hash_ = platform::sha256(plan_bytes_);
    platform::write_file_durably(node::plan_path(folder_, plan_hash_.data()), plan_bytes_);
    now_ns_ = 1'700'000'000 * kSecond;
  }

  void run(int steps = kSteps) {
    start();
    for (int i = 0; i < steps; ++i) {
      command();
      arrive();
      if (random_.one_in(60)) {  // the sink fails for a while
        dead_until_ns_ = now_ns_ + static_cast<std::int64_t>(random_.below(20)) * kSecond;
      }
      step();
      answer();
      if (random_.one_in(3)) {
        write();
      }
      if (random_.one_in(50)) {
        refuse_to_write();
      }
      if (random_.one_in(100)) {
        lose_the_disk();
      }
      if (random_.one_in(25)) {
        note("freeze");
        freeze();
      }
      if (random_.one_in(60)) {
        kill();
        start();
      }
    }
    note("settle");
    settle();
  }

  // The last actions, and the resulting state.
  std::string trace() const {
    std::string text;
    for (std::size_t i = trace_.size() > kTraced ? trace_.size() - kTraced : 0; i < trace_.size();
         ++i) {
      text += "  " + trace_[i] + "\n";
    }
    return text;
  }

  std::uint64_t kills() const { return kills_; }
  std::uint64_t misdirected() const { return misdirected_; }
  std::uint64_t gaps() const { return gaps_; }
  std::uint64_t packed() const { return packed_; }
  std::uint64_t recovered() const { return recovered_; }
  std::uint64_t events() const { return engine_->shard().progress().last_sequence; }

 private:
  static constexpr std::size_t kTraced = 12;

  void note(const std::string& what) {
    std::string line =
        std::to_string((now_ns_ - 1'700'000'000 * kSecond) / 1'000'000) + " ms: " + what;
    if (engine_ != nullptr) {
      const engine::Progress& p = engine_->shard().progress();
      line += "; batch " + std::to_string(p.batch_number) + ", event " +
              std::to_string(p.last_sequence) + ", waiting " + std::to_string(p.waiting) +
              ", under way " + std::to_string(p.transient);
    }
    if (writer_ != nullptr) {
      line += ", durable " + std::to_string(writer_->durable_sequence());
    }
    trace_.push_back(line);
  }

  struct Action {
    std::uint64_t sequence;
    std::uint64_t sent_by;
    std::uint64_t root;
    std::uint32_t epoch;
    bool before;
    std::int64_t horizon_ns;
  };

  void arrive() {
    now_ns_ += static_cast<std::int64_t>(random_.below(400)) * 1'000'000;
    if (random_.one_in(40)) {
      now_ns_ += static_cast<std::int64_t>(random_.below(20)) * kSecond;  // a step of the clock
    }
    for (std::uint64_t n = random_.below(random_.one_in(10) ? 200 : 12); n > 0; --n) {
      put(random_.one_in(12) ? EventClass::critical : EventClass::bulk);
    }
    if (random_.one_in(2)) {
      engine_->put_datagram(sim::plots(random_, now_ns_), now_ns_, 2);
    }
  }

  // An operator holds the node for a while, and cancels events.
  void command() {
    if (random_.one_in(30)) {
      engine_->put_command(engine_->shard().held() ? CommandKind::resume : CommandKind::hold,
                           now_ns_);
    }
    if (random_.one_in(8)) {
      const std::uint64_t last = engine_->shard().progress().last_sequence;
      engine_->put_command(CommandKind::cancel, now_ns_, last - random_.below(last + 1) % 200);
    }
  }

  void put(EventClass event_class) {
    const sim::Report report = sim::report_of_ship(random_, now_ns_);
    engine_->put(report.observation, report.at_ns, event_class == EventClass::critical ? 0 : 1,
                 event_class);
  }

  static bool urgent(void* context) {
    auto& self = *static_cast<World*>(context);
    if (self.settling_ || !self.random_.one_in(15)) {
      return false;
    }
    self.put(EventClass::critical);
    return true;
  }

  bool step() {
    std::uint8_t* at = batches_->reserve(engine::batch_bytes_bound(*plan_));
    if (at == nullptr) {
      return false;  // the journal is behind, so nothing is admitted
    }
    const std::vector<std::uint8_t> batch = engine_->step(now_ns_, {urgent, this});
    if (batch.empty()) {
      return false;
    }
    std::memcpy(at, batch.data(), batch.size());
    batches_->commit(batch.size());
    note("step");
    ledger_.take(batch, engine_->shard());
    for_each_event(batch, [&](const EventHeader& e, Bytes payload) { order_of(e, payload); });
    return true;
  }

  void order_of(const EventHeader& e, Bytes payload) {
    if (e.kind == EventKind::action && e.state.phase() == Phase::transient) {
      order(e.sequence, e.sequence, payload_as<ActionIntent>(payload), e.observed_ns);
    } else if (e.kind == EventKind::dispatch) {
      const deliver::Delivery& delivery = engine_->shard().delivery();
      const std::uint64_t sequence = payload_as<Dispatch>(payload).sequence;
      const std::size_t i = delivery.find(sequence);
      if (i == deliver::Delivery::kNone) {
        fail("event %llu is dispatched and not known", sim::shown(sequence));
      }
      const ActionIntent& intent = delivery.intent(i);
      order(sequence, e.sequence, intent,
            delivery.orders()[i].horizon_ns - plan_->actions()->Get(intent.action)->horizon_ns());
    }
  }

  void order(std::uint64_t sequence, std::uint64_t sent_by, const ActionIntent& intent,
             std::int64_t ordered_ns) {
    const auto* action = plan_->actions()->Get(intent.action);
    actions_.push_back({sequence, sent_by, intent.root != 0 ? intent.root : sequence, intent.epoch,
                        action->durable_before(), ordered_ns + action->horizon_ns()});
  }

  // The sink completes and answers some actions, and others never.
  void answer() {
    for (std::size_t i = 0; i < actions_.size();) {
      const Action a = actions_[i];
      const bool overdue = a.horizon_ns <= now_ns_;
      const bool may = !a.before || a.sent_by <= writer_->durable_sequence();
      if (!overdue && (!may || random_.one_in(2))) {
        ++i;
        continue;
      }
      actions_.erase(actions_.begin() + static_cast<std::ptrdiff_t>(i));
      if (overdue) {
        continue;
      }
      const bool fails = random_.one_in(dead_until_ns_ > now_ns_ ? 1 : 5);
      if (!fails) {
        ledger_.done(a.epoch, a.root, a.sent_by, a.before);
      }
      if (fails || !random_.one_in(6)) {
        engine_->put_outcome(a.sequence, now_ns_, fails ? Exit::abandonment : Exit::success);
      }
    }
  }

  void write() {
    while (batches_->size() != 0) {
      if (!writer_->step(*batches_)) {
        fail("the journal: error %d", writer_->last_error());
      }
      if (random_.one_in(4)) {
        break;
      }
    }
  }

  // The disk refuses writes: what is acknowledged stays so, and nothing more is acknowledged.
  void refuse_to_write() {
    note("the disk refuses");
    const std::uint64_t durable = writer_->durable_sequence();
    const std::size_t waiting = batches_->size();
    const bool wrote = [this] {
      const tests::RefusingDisk refusing;
      return writer_->step(*batches_);
    }();
    if (wrote || writer_->durable_sequence() != durable || batches_->size() != waiting) {
      fail("acknowledged %llu although the disk refused", sim::shown(writer_->durable_sequence()));
    }
    if (random_.one_in(3)) {
      kill();
      start();
    }
  }

  std::vector<std::uint8_t> frozen() const {
    std::vector<std::uint8_t> state(engine::frozen_bytes_bound(*plan_));
    Freezer freezer(state);
    engine_->shard().freeze(freezer);
    if (!freezer.ok()) {
      fail("the state is larger than its bound");
    }
    state.resize(freezer.used());
    return state;
  }

  void freeze() {
    // As in the node: never ahead of the journal.
    if (engine_->shard().progress().batch_number <= writer_->last_batch()) {
      writer_->keep_frozen(frozen(), engine_->shard().progress().batch_number);
    }
  }

  // The disk fails for longer than batches can wait: the node goes on, and the journal continues
  // after a gap with its state. A crash may come first.
  void lose_the_disk() {
    note("the disk is gone");
    const std::uint64_t durable = writer_->durable_sequence();
    bool dies = false;
    std::optional<tests::RefusingDisk> refusing(std::in_place);
    for (std::uint64_t n = 10 + random_.below(150); n > 0 && !dies; --n) {
      arrive();
      step();
      answer();
      writer_->step(*batches_);
      if (writer_->must_give_up(*batches_)) {
        note("given up");
        writer_->give_up(*batches_);
        if (random_.one_in(8)) {
          go_on(false);
        }
      }
      dies = random_.one_in(200);
    }
    refusing.reset();
    if (writer_->durable_sequence() != durable) {
      fail("acknowledged %llu although the disk was gone", sim::shown(writer_->durable_sequence()));
    }
    if (dies) {
      kill();
      start();
      return;
    }
    if (writer_->has_gap()) {
      sim::spoil_the_end(random_, journal_);
      go_on(true);
      ++gaps_;
    }
  }

  // Some later batches are in the lane already when the state is written.
  void go_on(bool disk_is_there) {
    const std::vector<std::uint8_t> state = frozen();
    const engine::Progress p = engine_->shard().progress();
    if (random_.one_in(2)) {
      arrive();
      step();
    }
    const bool went_on = writer_->go_on(state, p.batch_number, p.last_sequence, *batches_) == 0;
    note(went_on ? "gone on" : "not gone on");
    if (went_on != disk_is_there || (went_on && writer_->durable_sequence() != p.last_sequence)) {
      fail("the gap %s", disk_is_there ? "goes on although the disk is back" : "ended without it");
    }
  }

  void kill() {
    note("kill -9");
    ++kills_;
    durable_ = writer_->durable_sequence();
    packed_ += writer_->blocks_packed();
    writer_.reset();  // without a closing block
    sim::power_cut(random_.below(~std::uint64_t{0}));
    // The last write's unfinished part: some of it, or anything.
    sim::spoil_the_end(random_, journal_);
    if (random_.one_in(32)) {  // because it reads whole segments
      const std::string done = sim::misdirect(random_, journal_);
      misdirected_ += done.empty() ? 0 : 1;
      note(done);
    }
    actions_.clear();
    engine_.reset();
  }

  void start() {
    // As in the node: in the shard's own memory.
    auto engine = std::make_unique<tests::ShardInMemory>(*plan_, kNode, 1);
    node::Stepped stepped(engine->shard(), engine->room(), engine::ReleaseKernel::scalar);
    stepped.init(*plan_, kNode, 1);
    const node::ReplayResult result = node::replay(folder_, stepped, 0);
    if (!result.problem.empty() && !result.journal.torn_tail) {
      fail("recovery: %s", result.problem.c_str());
    }
    if (result.journal.torn_tail &&
        journal::cut_tail(journal_, result.journal.last_segment, result.journal.valid_bytes) != 0) {
      fail("the torn tail could not be cut");
    }
    const engine::Progress& p = stepped.shard().progress();
    ledger_.recovered(stepped.shard(), durable_);
    // A copy ends at a gap without later batches.
    if (result.unrecorded != 0 && result.journal.header.frozen_batch != p.batch_number) {
      recover_over_gaps(p.digest);
    }
    epoch_ = result.journal.epoch + 1;
    engine_ = std::move(engine);
    engine_->shard().set_epoch(epoch_);
    memory_.assign(Lane::bytes_needed(64, lane_bytes()) / 8 + 64, 0);
    Arena arena(memory_.data(), memory_.size() * 8);
    batches_ = std::make_unique<Lane>();
    batches_->init(arena, 64, lane_bytes());
    // An action under way at a kill has an unknown result and is not repeated.
    for (const deliver::Delivery::Order& o : engine_->shard().delivery().orders()) {
      if (o.stage == deliver::Delivery::Stage::sent) {
        engine_->put_outcome(o.sequence, now_ns_, Exit::abandonment, Reason::unknown_after_restart);
      }
    }
    journal::WriterOptions options;
    options.folder = journal_;
    options.segment_bytes = 256 << 10;
    options.journal_bytes = 1 << 20;
    options.max_batch_bytes = engine::batch_bytes_bound(*plan_);
    options.max_frozen_bytes = engine::frozen_bytes_bound(*plan_);
    options.header.node = kNode;
    std::memcpy(options.header.plan_hash, plan_hash_.data(), plan_hash_.size());
    options.header.epoch = epoch_;
    const auto segments = journal::list_segments(options.folder);
    options.next_segment = (segments.empty() ? 0 : segments.back()) + 1;
    options.next_block = result.journal.last_block + 1;
    options.chain = result.journal.chain;
    options.durable_sequence = p.last_sequence;
    options.next_batch = p.batch_number + 1;
    options.segments = result.journal.segments;
    options.may_use_ring = random_.one_in(2);  // else the disk loses unsynced writes
    writer_ = std::make_unique<journal::Writer>();
    if (p.batch_number != 0) {
      writer_->keep_frozen(frozen(), p.batch_number);
    }
    const std::string problem = writer_->open(options);
    if (!problem.empty()) {
      fail("%s", problem.c_str());
    }
  }

  // Without arrivals everything must leave, and the journal must replay to the same digest.
  void settle() {
    settling_ = true;
    engine_->put_command(CommandKind::resume, now_ns_);
    for (int i = 0; i < 200; ++i) {
      now_ns_ += kSecond;
      do {
        write_all();
        answer();
      } while (step());
    }
    write_all();
    const engine::Progress p = engine_->shard().progress();
    if (p.waiting != 0 || p.transient != 0) {
      fail("%llu wait and %llu are under way after everything's horizon", sim::shown(p.waiting),
           sim::shown(p.transient));
    }
    if (engine_->backlog() != 0) {
      fail("%zu events are still in their lanes", engine_->backlog());
    }
    writer_->close();
    node::Stepped again;
    again.init(*plan_, kNode, 1);
    const node::ReplayResult result = node::replay(folder_, again, 0);
    if (!result.problem.empty() || result.digest != p.digest) {
      fail("replay: %s", result.problem.empty() ? "another digest" : result.problem.c_str());
    }
  }

  // A copy of everything crosses each gap as a replay does.
  void recover_over_gaps(std::uint64_t digest) {
    const std::string copy = folder_ + "/copy";
    std::filesystem::remove_all(copy);
    const node::Recovered made =
        node::recover_until(folder_, copy, {0, std::numeric_limits<std::int64_t>::max()});
    const std::string& problem = made.problem;
    node::Stepped stepped;
    stepped.init(*plan_, kNode, 1);
    const node::ReplayResult result = node::replay(copy, stepped, 0);
    if (!problem.empty() || !result.problem.empty() || result.digest != digest) {
      fail("a copy up to batch %llu that goes over a gap: %s%s, batch %llu",
           sim::shown(made.last.number), problem.c_str(), result.problem.c_str(),
           sim::shown(stepped.shard().progress().batch_number));
    }
    ++recovered_;
  }
  void write_all() {
    while (batches_->size() != 0) {
      if (!writer_->step(*batches_)) {
        fail("the journal: error %d", writer_->last_error());
      }
    }
  }

  std::size_t lane_bytes() const { return 4 * engine::batch_bytes_bound(*plan_) + (256 << 10); }

  sim::Random random_;
  std::string folder_, journal_ = journal_folder(folder_);
  std::vector<std::uint8_t> plan_bytes_;
  platform::Sha256 plan_hash_{};
  const plan::Plan* plan_ = nullptr;
  std::unique_ptr<tests::ShardInMemory> engine_;
  std::unique_ptr<journal::Writer> writer_;
  std::vector<std::uint64_t> memory_;
  std::unique_ptr<Lane> batches_;
  std::int64_t now_ns_ = 0;
  std::int64_t dead_until_ns_ = 0;
  std::uint32_t epoch_ = 0;
  std::vector<Action> actions_;
  sim::Ledger ledger_;
  std::uint64_t durable_ = 0;
  std::uint64_t kills_ = 0;
  std::uint64_t misdirected_ = 0;
  std::uint64_t gaps_ = 0;
  std::uint64_t packed_ = 0;  // blocks of killed runs
  std::uint64_t recovered_ = 0;
  std::vector<std::string> trace_;
  bool settling_ = false;
};

// The fewest steps of a seed that break something, and the last actions.
void shortest(std::uint64_t seed, const std::string& folder) {
  for (int steps = 0; steps <= kSteps; ++steps) {
    World world(seed, folder);
    try {
      world.run(steps);
    } catch (const sim::BrokenPromise& failure) {
      std::printf("after %d of %d steps: %s\n%s", steps, kSteps, failure.what.c_str(),
                  world.trace().c_str());
      return;
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: vedette_sim FOLDER FIRST_SEED COUNT\n");
    return 64;
  }
  const std::uint64_t first = std::strtoull(argv[2], nullptr, 10);
  const std::uint64_t count = std::strtoull(argv[3], nullptr, 10);
  std::uint64_t kills = 0, events = 0, misdirected = 0, gaps = 0, packed = 0, recovered = 0;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    World world(seed, argv[1]);
    try {
      world.run();
    } catch (const sim::BrokenPromise& failure) {
      std::printf("seed %llu: %s\nrepeat with: scripts/sim --seed %llu\n", sim::shown(seed),
                  failure.what.c_str(), sim::shown(seed));
      shortest(seed, argv[1]);
      return 1;
    }
    kills += world.kills();
    misdirected += world.misdirected();
    gaps += world.gaps();
    packed += world.packed();
    recovered += world.recovered();
    events += world.events();
  }
  std::printf(
      "%llu seeds, %llu events, %llu kills, %llu misdirected writes, %llu gaps, %llu packed "
      "blocks, %llu copies over gaps: every promise held\n",
      sim::shown(count), sim::shown(events), sim::shown(kills), sim::shown(misdirected),
      sim::shown(gaps), sim::shown(packed), sim::shown(recovered));
  return 0;
}
