// mirror-rate: how many events a second the mirror replays and compares, while it shares a core
// with the journal, and how far it is behind at the rate that it is asked for. One core makes the
// events and steps the engine; the other has the threads of journal, mirror and image.
#include <algorithm>
#include <atomic>
#include <filesystem>

#include "bench.hpp"
#include "node/journalling.hpp"
#include "shard_in_memory.hpp"

namespace vedette::bench {
namespace {

constexpr std::string_view kTraffic = R"(
site = "traffic"
[limits]
tracks = 2200
journal = "64 GiB"
segment = "64 MiB"
[source.traffic]
driver = "udp"
listen = "127.0.0.1:1"
codec = "ais"
[assess.close]
of = "track"
when = "cpa(track, own) < 0.5 nmi and tcpa(track, own) < 12 min"
[assess.fast]
of = "track"
when = "track.speed > 25 kn"
)";

constexpr std::uint64_t kShips = 2000;
constexpr std::uint64_t kBatch = 64;  // events
constexpr double kBar = 500'000;      // events a second
constexpr std::size_t kLaneRecords = 8192;
constexpr std::size_t kLaneBytes = 4 << 20;
constexpr std::int64_t kStart = 1'700'000'000'000'000'000;

// Each ship in turn, far from the last; one event in 64 is own ship's.
Observation report(std::uint64_t n) {
  Observation o;
  o.kind = n % kBatch == 0 ? IdentityKind::own : IdentityKind::vessel;
  o.identity = n % kBatch == 0 ? 0 : 1 + n * 7919 % kShips;
  o.set(Field::position);
  o.latitude_e7 = static_cast<std::int32_t>(500'000'000 + o.identity * 3000 + n / kShips % 8);
  o.longitude_e7 = 240'000'000;
  return o;
}

class Watch {
 public:
  Watch(const plan::Plan& plan, const std::string& folder)
      : engine_(plan),
        memory_((node::Mirror::bytes_needed(plan) + Lane::bytes_needed(kLaneRecords, kLaneBytes)) /
                    8 +
                32),
        journal_folder_(journal_folder(folder)) {
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(journal_folder_.path());
    Arena arena(memory_.data(), memory_.size() * 8);
    mirror_.init(arena, plan, folder, journal_folder_);
    batches_.init(arena, kLaneRecords, kLaneBytes, Lane::Ends::apart);
    journal::WriterOptions options;
    options.folder = journal_folder_;
    options.segment_bytes = plan.limits()->segment_bytes();
    options.journal_bytes = plan.limits()->journal_bytes();
    options.max_batch_bytes = engine::batch_bytes_bound(plan);
    options.max_frozen_bytes = engine::frozen_bytes_bound(plan);
    options.header.node = options.header.epoch = 1;
    mirror_.begin(engine_.shard(), options.header);
    if (const std::string problem = writer_.open(options); !problem.empty()) {
      std::fprintf(stderr, "bench: %s\n", problem.c_str());
      std::exit(74);
    }
    journalling_.init(*plan.limits());
    threads_[0] = std::thread([this] {
      pin("journal", 1);
      journalling_.run(false, stop_);
    });
    threads_[1] = std::thread([this] {
      pin("mirror", 1);
      mirror_.run(false);
    });
    threads_[2] = std::thread([this] {
      pin("image", 1);
      mirror_.imaging().run();
    });
  }
  ~Watch() {
    stop_.store(true, std::memory_order_release);
    threads_[0].join();
    mirror_.end();
    threads_[1].join();
    mirror_.imaging().end();
    threads_[2].join();
    writer_.close();
  }

  // Makes events for so long, at most so many a second; then waits for the mirror. The rate at
  // which it had all of them.
  double run(double seconds, double rate) {
    const std::int64_t start = platform::monotonic_ns();
    const std::uint64_t first = made_;
    while (seconds_since(start) < seconds) {
      const double due = static_cast<double>(made_ - first) / rate;
      while (seconds_since(start) < due) {
        look();
      }
      step();
    }
    while (mirror_.batch() < batch()) {
      look();
    }
    return static_cast<double>(made_ - first) / seconds_since(start);
  }
  std::int64_t furthest_behind_ns() const { return furthest_ns_; }
  bool differed() const {
    std::string text;
    JsonWriter<std::string> json(text);
    json.begin_object();
    mirror_.members(0, 0, json);
    json.end_object();
    return text.find("\"differed\":0") == std::string::npos ||
           text.find("\"restarts\":0") == std::string::npos;
  }

 private:
  std::uint64_t batch() { return engine_.shard().progress().batch_number; }

  void step() {
    now_ns_ = kStart + platform::monotonic_ns() - origin_ns_;
    for (std::uint64_t n = 0; n < kBatch; ++n) {
      engine_.put(report(made_++), now_ns_);
    }
    while (!engine_.step_into(batches_, now_ns_)) {
      look();  // the journal is behind
    }
    look();
  }

  // Notes how long the mirror has not had the batch that was the engine's at the last look.
  void look() {
    if (mirror_.wants_copy()) {
      mirror_.give_copy(engine_.shard());
    }
    const std::int64_t now = platform::monotonic_ns();
    if (mirror_.batch() >= wanted_batch_) {
      furthest_ns_ = std::max(furthest_ns_, wanted_batch_ == 0 ? 0 : now - wanted_ns_);
      wanted_batch_ = batch();
      wanted_ns_ = now;
    }
    relax();
  }

  tests::ShardInMemory engine_;
  std::vector<std::uint64_t> memory_;
  platform::Folder journal_folder_;
  journal::Writer writer_;
  node::Mirror mirror_;
  Lane batches_;
  node::Journalling journalling_{writer_, mirror_, batches_};
  std::atomic<bool> stop_{false};
  std::thread threads_[3];
  const std::int64_t origin_ns_ = platform::monotonic_ns();
  std::int64_t now_ns_ = kStart;
  std::uint64_t made_ = 0;
  std::uint64_t wanted_batch_ = 0;
  std::int64_t wanted_ns_ = 0, furthest_ns_ = 0;
};

// The engine alone, for the floor.
double engine_rate(const plan::Plan& plan, double seconds) {
  tests::ShardInMemory engine(plan);
  const std::int64_t start = platform::monotonic_ns();
  std::uint64_t made = 0;
  while (seconds_since(start) < seconds) {
    const std::int64_t now_ns = kStart + platform::monotonic_ns() - start;
    for (std::uint64_t n = 0; n < kBatch; ++n) {
      engine.put(report(made++), now_ns);
    }
    engine.step_into_nothing(now_ns, {}, [](const EventHeader&, Bytes) {});
  }
  return static_cast<double>(made) / seconds_since(start);
}

}  // namespace

int mirror_rate(const std::string& folder, double seconds) {
  pin("engine", 0);
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = load(kTraffic, bytes);
  const double alone = engine_rate(*plan, seconds);
  double rate = 0, paced = 0, behind_ms = 0;
  bool differed = false;
  {
    Watch watch(*plan, folder);
    rate = watch.run(seconds, 1e9);
    differed = watch.differed();
  }
  {
    Watch watch(*plan, folder);
    paced = watch.run(seconds, kBar);
    behind_ms = static_cast<double>(watch.furthest_behind_ns()) * 1e-6;
    differed = watch.differed() || differed;
  }
  std::filesystem::remove_all(folder);
  figure("mirror-rate", "sustained", rate, "events/s", alone, kBar, rate >= kBar && !differed);
  constexpr double kBehindMs = 1000;
  figure("mirror-rate", "behind-at-500000", behind_ms, "ms", 0, kBehindMs,
         behind_ms <= kBehindMs && paced >= 0.9 * kBar && !differed);
  return 0;
}

}  // namespace vedette::bench
