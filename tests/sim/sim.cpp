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
#include "sim/disk.hpp"

using namespace vedette;

namespace {

constexpr std::uint64_t kNode = 7;
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr int kSteps = 400;

struct BrokenPromise {
  std::string what;
};

[[noreturn]] void fail(const char* format, ...) __attribute__((format(printf, 1, 2)));
void fail(const char* format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  throw BrokenPromise{text};
}

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t below(std::uint64_t n) { return engine_() % n; }
  bool one_in(std::uint64_t n) { return below(n) == 0; }

 private:
  std::mt19937_64 engine_;
};

std::string site_of(Random& random) {
  const auto number = [&](std::uint64_t low, std::uint64_t high) {
    return std::to_string(low + random.below(high - low + 1));
  };
  // Sequential draws, so that a seed means the same with every compiler.
  const std::string tracks = number(8, 48);
  const std::string batch = number(2, 64);
  const std::string pending = number(1, 12);
  const std::string tick = number(50, 900);
  const std::string retire = number(8, 30);
  const std::string hold = number(0, 2);
  const std::string clear = number(0, 3);
  const std::string horizon = number(1, 5);
  const std::string retries = number(0, 4);
  const std::string backoff = number(20, 700);
  const std::string breaker = number(0, 5);
  const std::string rest = number(100, 4000);
  const std::string sample = number(1, 4);
  const std::string recover = number(50, 6000);
  const std::string waiting = number(1, 300);
  const std::string deadline = number(1, 8);
  const std::string contacts = number(2, 24);
  const std::string turn = random.one_in(2) ? "turn" : "datagram";
  return "site = \"sim\"\n[limits]\ntracks = " + tracks + "\nbatch_events = " + batch +
         "\ncontacts = " + contacts + "\nwaiting_events = " + waiting + "\nrecover = \"" + recover +
         " ms\"" + "\npending_actions = " + pending + "\ntick = \"" + tick +
         " ms\"\n"
         "[source.urgent]\ndriver = \"udp\"\nlisten = \"127.0.0.1:1\"\ncodec = \"ais\"\nclass = "
         "\"critical\"\n"
         "[source.routine]\ndriver = \"udp\"\nlisten = \"127.0.0.1:2\"\ncodec = \"ais\"\nclass = "
         "\"bulk\"\nhorizon = \"" +
         deadline + " s\"\nsample = " + sample +
         "\n"
         "[source.plots]\ndriver = \"udp\"\nlisten = \"127.0.0.1:3\"\ncodec = \"asterix\"\n"
         "[sensor.one]\nsource = \"plots\"\nsic = 1\nposition = [59.0, 24.0]\nrange = \"3 km\"\n"
         "range_sigma = \"10 m\"\nazimuth_sigma = \"0.5 deg\"\nresolution = \"20 m\"\n"
         "[sensor.two]\nsource = \"plots\"\nsic = 2\nposition = [59.01, 24.0]\nrange = \"2 km\"\n"
         "range_sigma = \"5 m\"\nazimuth_sigma = \"0.2 deg\"\nconfirm = 2\nscan = \"" +
         turn +
         "\"\n"
         "[assess.contact]\nof = \"track\"\nkinds = [\"contact\"]\nwhen = \"track.updates >= 4\"\n"
         "[decide.e]\non = \"contact\"\ntrigger = \"both\"\nrun = \"quickly\"\n"
         // Retired before the final settling ends, so that nothing is decided then.
         "[tracker.contact]\ncoast = \"3 s\"\nlost = \"6 s\"\nretire = \"" +
         retire +
         " s\"\n"
         "[tracker.vessel]\ncoast = \"3 s\"\nlost = \"6 s\"\nretire = \"" +
         retire +
         " s\"\n"
         "[assess.seen]\nof = \"track\"\nwhen = \"track.updates >= 1\"\n"
         "[assess.fast]\nsafe = false\nof = \"track\"\nwhen = \"track.speed > 2 m/s\"\nhold = \"" +
         hold + " s\"\nclear = \"" + clear +
         " s\"\n"
         "[assess.silent]\nof = \"source.routine\"\nwhen = \"source.age > 2 s\"\n"
         "[decide.a]\non = \"seen\"\nrun = \"surely\"\n[decide.b]\non = \"fast\"\ntrigger = "
         "\"both\"\nrun = \"quickly\"\n"
         "[decide.c]\non = \"silent\"\ntrigger = \"both\"\nrun = \"quickly\"\n"
         "[action.surely]\nsink = \"log\"\ndurable = \"before\"\nretries = " +
         retries + "\nhorizon = \"" + horizon +
         " s\"\n"
         "[action.quickly]\nsafe = false\nsink = \"log\"\ndurable = \"behind\"\nidempotent = "
         "true\nhorizon = \"1 "
         "s\"\n"
         "retries = " +
         retries + "\nbackoff = \"" + backoff +
         " ms\"\n[sink.log]\ndriver = \"log\"\nbreaker = " + breaker + "\nbreaker_rest = \"" +
         rest + " ms\"\n";
}

// Invariants of a node across its lives.
class World {
 public:
  World(std::uint64_t seed, std::string folder) : random_(seed), folder_(std::move(folder)) {
    plan::Compiled compiled = plan::compile_site(site_of(random_), "");
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

  struct Entry {
    std::uint64_t sequence;
    bool enters;
  };
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
      plots();
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
    Observation o;
    o.kind = IdentityKind::vessel;
    o.identity = 1 + random_.below(60);
    o.set(Field::position);
    // Sometimes an impossible jump, or a time that goes back.
    const std::uint64_t jump = random_.one_in(20) ? random_.below(5'000'000) : random_.below(3000);
    o.latitude_e7 = static_cast<std::int32_t>(590'000'000 + o.identity * 100'000 + jump);
    o.longitude_e7 = 240'000'000;
    const std::int64_t at =
        now_ns_ - (random_.one_in(30) ? static_cast<std::int64_t>(random_.below(5)) * kSecond : 0);
    engine_->put(o, at, event_class == EventClass::critical ? 0 : 1, event_class);
  }

  // A sensor's datagram: some of eight moving things, clutter, sometimes late, sometimes without
  // its last report.
  void plots() {
    const std::int64_t ns =
        now_ns_ -
        (random_.one_in(6) ? static_cast<std::int64_t>(random_.below(5000)) * 1'000'000 : 0);
    const std::int64_t second = ns / kSecond % 200;
    std::vector<Observation> datagram;
    Observation o;
    o.kind = IdentityKind::contact;
    o.sensor = static_cast<std::uint16_t>(1 + random_.below(2));
    o.time_of_day = static_cast<std::uint32_t>(ns / 1'000'000 % 86'400'000 * 128 / 1000);
    o.set(Field::time_of_day);
    if (random_.one_in(2)) {
      datagram.push_back(o);
      datagram.back().set(Field::scan_start);
    }
    o.set(random_.one_in(2) ? Field::plot_plane : Field::plot_polar);
    for (std::int64_t thing = 0; thing < 8; ++thing) {
      const auto noise = [&] { return static_cast<std::int32_t>(random_.below(20'000)) - 10'000; };
      const bool clutter = random_.one_in(6);
      o.plot[0] = static_cast<std::int32_t>(
          clutter ? random_.below(1'500'000)
                  : static_cast<std::uint64_t>(200'000 + thing * 120'000 + second * thing * 700));
      o.plot[1] = static_cast<std::int32_t>(clutter ? random_.below(359'000'000)
                                                    : static_cast<std::uint64_t>(20'000 * thing));
      o.plot[0] += noise();
      if (!random_.one_in(5)) {
        datagram.push_back(o);
      }
    }
    if (!datagram.empty() && !random_.one_in(10)) {
      datagram.back().set(Field::group_end);
    }
    engine_->put_datagram(datagram, now_ns_, 2);
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
    const engine::Progress& p = engine_->shard().progress();
    digests_[p.batch_number] = p.digest;
    note("step");
    if (p.accepted != p.waiting + p.transient + p.exits[0] + p.exits[1] + p.exits[2]) {
      fail("conservation at batch %llu", static_cast<unsigned long long>(p.batch_number));
    }
    const deliver::Delivery& delivery = engine_->shard().delivery();
    const std::size_t kept = engine_->shard().waiting().size() + delivery.size() - delivery.sent();
    if (p.waiting != kept) {
      fail("%llu wait, %zu are kept", static_cast<unsigned long long>(p.waiting), kept);
    }
    if (p.transient != engine_->shard().delivery().sent()) {
      fail("%llu under way, %zu pending", static_cast<unsigned long long>(p.transient),
           engine_->shard().delivery().sent());
    }
    std::vector<Entry>& entries = ledger_[p.batch_number];
    for_each_event(batch, [&](const EventHeader& e, Bytes payload) {
      if (e.state.phase() != Phase::resolved) {
        entries.push_back({e.sequence, true});
      }
      if (e.kind == EventKind::resolution) {
        entries.push_back({payload_as<Resolution>(payload).sequence, false});
      } else if (e.kind == EventKind::outcome && e.state.exit() == Exit::success) {
        entries.push_back({payload_as<ActionOutcome>(payload).action_sequence, false});
      }
      if (e.kind == EventKind::action && e.state.phase() == Phase::transient) {
        order(e.sequence, e.sequence, payload_as<ActionIntent>(payload), e.observed_ns);
      } else if (e.kind == EventKind::dispatch) {
        const std::uint64_t sequence = payload_as<Dispatch>(payload).sequence;
        const std::size_t i = delivery.find(sequence);
        if (i == deliver::Delivery::kNone) {
          fail("event %llu is dispatched and not known", static_cast<unsigned long long>(sequence));
        }
        const ActionIntent& intent = delivery.intent(i);
        order(sequence, e.sequence, intent,
              delivery.orders()[i].horizon_ns - plan_->actions()->Get(intent.action)->horizon_ns());
      }
    });
    for (const Entry& entry : entries) {
      post(entry);
    }
    if (open_.size() != p.waiting + p.transient) {
      fail("%zu events have not left, %llu are counted", open_.size(),
           static_cast<unsigned long long>(p.waiting + p.transient));
    }
    return true;
  }

  // Every event leaves once: in its own batch, or by a resolution in a later one.
  void post(const Entry& entry) {
    if (entry.enters ? !open_.insert(entry.sequence).second : open_.erase(entry.sequence) == 0) {
      fail("event %llu %s twice", static_cast<unsigned long long>(entry.sequence),
           entry.enters ? "came" : "left");
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
        // An action sent before it is on disk may be repeated after a crash, marked so.
        if (!done_.insert({a.epoch, a.root}).second && a.before) {
          fail("action %u-%llu was done twice", a.epoch, static_cast<unsigned long long>(a.root));
        }
        if (a.before) {
          owed_.insert(a.sent_by);
        }
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
      fail("acknowledged %llu although the disk refused",
           static_cast<unsigned long long>(writer_->durable_sequence()));
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
      fail("acknowledged %llu although the disk was gone",
           static_cast<unsigned long long>(writer_->durable_sequence()));
    }
    if (dies) {
      kill();
      start();
      return;
    }
    if (writer_->has_gap()) {
      spoil_the_end();
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

  // Garbage after the last valid block, as from a failed write.
  void spoil_the_end() {
    const journal::ReadResult before = journal::read_journal(journal_, {});
    if (random_.one_in(2)) {
      scribble(journal_ + "/" + journal::segment_name(before.last_segment), before.valid_bytes);
    }
  }

  void scribble(const std::string& path, std::uint64_t from) {
    std::FILE* file = std::fopen(path.c_str(), "r+b");
    std::fseek(file, static_cast<long>(from), SEEK_SET);
    const std::uint64_t bytes = 1 + random_.below(6000);
    for (std::uint64_t i = 0; i < bytes; ++i) {
      std::fputc(static_cast<int>(random_.below(256)), file);
    }
    std::fclose(file);
  }

  void kill() {
    note("kill -9");
    ++kills_;
    durable_ = writer_->durable_sequence();
    packed_ += writer_->blocks_packed();
    writer_.reset();  // without a closing block
    sim::power_cut(random_.below(~std::uint64_t{0}));
    // The last write's unfinished part: some of it, or anything.
    const auto segments = journal::list_segments(journal_);
    const std::string last = journal_ + "/" + journal::segment_name(segments.back());
    const journal::ReadResult before = journal::read_journal(journal_, {});
    if (random_.one_in(2) && before.last_segment == segments.back()) {
      scribble(last, before.valid_bytes);
    }
    if (random_.one_in(32)) {  // because it reads whole segments
      misdirect();
    }
    actions_.clear();
    engine_.reset();
  }

  // A disk that misplaces a block is beyond repair, but reading must report it wherever the block
  // went. The block is restored afterwards.
  void misdirect() {
    const journal::ReadResult before = journal::read_journal(journal_, {});
    const std::string path = journal_ + "/" + journal::segment_name(before.last_segment);
    const auto whole = platform::read_file(path, std::size_t{1} << 30);
    if (!whole || before.valid_bytes == 0) {
      return;
    }
    const std::vector<std::uint8_t>& bytes = whole.value();
    std::vector<std::size_t> blocks;
    for (std::size_t at = 0; at < before.valid_bytes;) {
      blocks.push_back(at);
      journal::BlockHeader header{};
      std::memcpy(&header, bytes.data() + at, sizeof header);
      at += journal::block_bytes(header.length);
    }
    const std::size_t from = blocks[random_.below(blocks.size())];
    journal::BlockHeader header{};
    std::memcpy(&header, bytes.data() + from, sizeof header);
    const std::size_t length = journal::block_bytes(header.length);
    const std::size_t places = (bytes.size() - length) / limits::kBlockAlignment + 1;
    const std::size_t to = random_.below(places) * limits::kBlockAlignment;
    if (to == from) {
      return;
    }
    note("a misdirected write from " + std::to_string(from) + " to " + std::to_string(to));
    std::vector<std::uint8_t> wrong = bytes;
    std::fill_n(wrong.begin() + static_cast<std::ptrdiff_t>(from), length, std::uint8_t{0});
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(from), length,
                wrong.begin() + static_cast<std::ptrdiff_t>(to));
    put_back(path, wrong);
    if (journal::read_journal(journal_, {}).problem.empty()) {
      fail("a block that stands at %zu instead of %zu is not noticed", to, from);
    }
    put_back(path, bytes);
    ++misdirected_;
  }

  static void put_back(const std::string& path, const std::vector<std::uint8_t>& bytes) {
    std::FILE* file = std::fopen(path.c_str(), "r+b");
    if (std::fwrite(bytes.data(), 1, bytes.size(), file) != bytes.size()) {
      fail("%s cannot be written", path.c_str());
    }
    std::fclose(file);
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
    if (p.last_sequence < durable_) {
      fail("acknowledged up to %llu, recovered to %llu", static_cast<unsigned long long>(durable_),
           static_cast<unsigned long long>(p.last_sequence));
    }
    for (const std::uint64_t sequence : owed_) {
      if (sequence > p.last_sequence) {
        fail("action %llu was done, its intent is lost", static_cast<unsigned long long>(sequence));
      }
    }
    if (p.batch_number != 0 && digests_[p.batch_number] != p.digest) {
      fail("batch %llu has another digest after recovery",
           static_cast<unsigned long long>(p.batch_number));
    }
    // A copy ends at a gap without later batches.
    if (result.unrecorded != 0 && result.journal.header.frozen_batch != p.batch_number) {
      recover_over_gaps(p.digest);
    }
    // What was not on disk never happened.
    ledger_.erase(ledger_.upper_bound(p.batch_number), ledger_.end());
    open_.clear();
    for (const auto& [batch, entries] : ledger_) {
      for (const Entry& entry : entries) {
        post(entry);
      }
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
      fail("%llu wait and %llu are under way after everything's horizon",
           static_cast<unsigned long long>(p.waiting),
           static_cast<unsigned long long>(p.transient));
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
           static_cast<unsigned long long>(made.last.number), problem.c_str(),
           result.problem.c_str(),
           static_cast<unsigned long long>(stepped.shard().progress().batch_number));
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

  Random random_;
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
  std::map<std::uint64_t, std::uint64_t> digests_;
  std::map<std::uint64_t, std::vector<Entry>> ledger_;  // by batch
  std::set<std::uint64_t> open_;                        // accepted, still inside
  std::set<std::pair<std::uint32_t, std::uint64_t>> done_;
  std::set<std::uint64_t> owed_;  // done, so their intents must be on disk
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
    } catch (const BrokenPromise& failure) {
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
    } catch (const BrokenPromise& failure) {
      std::printf("seed %llu: %s\nrepeat with: scripts/sim --seed %llu\n",
                  static_cast<unsigned long long>(seed), failure.what.c_str(),
                  static_cast<unsigned long long>(seed));
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
      static_cast<unsigned long long>(count), static_cast<unsigned long long>(events),
      static_cast<unsigned long long>(kills), static_cast<unsigned long long>(misdirected),
      static_cast<unsigned long long>(gaps), static_cast<unsigned long long>(packed),
      static_cast<unsigned long long>(recovered));
  return 0;
}
