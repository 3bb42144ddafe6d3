// Benchmarks of the engine inside one process, each beside a floor of the same run.
//
// usage: vedette_bench engine-throughput RECORDINGS SITE FOLDER | preemption | service-tail EVENTS
//                      | service-instructions EVENTS (under callgrind; instructions.py reads it)
// Prints one JSON line a figure: bench, metric, value, unit, floor, ratio, bar, holds.
#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/histogram.hpp"
#include "base/json.hpp"
#include "edge/codec/codec.hpp"
#include "edge/journal/writer.hpp"
#include "frames.hpp"
#include "load_site.hpp"
#include "platform/clock.hpp"
#include "platform/file.hpp"
#include "platform/hot_thread.hpp"
#include "shard_in_memory.hpp"

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#define VEDETTE_HAS_CALLGRIND 1
#else
#define VEDETTE_HAS_CALLGRIND 0
#endif

using namespace vedette;
using bench::frames_of;

namespace {

void figure(std::string_view bench, std::string_view metric, double value, const char* unit,
            double floor, double bar, bool holds) {
  std::string text;
  JsonWriter<std::string> json(text);
  json.begin_object().member("bench", bench).member("metric", metric).member("value", value, 3);
  json.member("unit", unit).member("floor", floor, 3);
  json.member("ratio", floor > 0 ? value / floor : 0.0, 3).member("bar", bar, 3);
  json.member("holds", holds).end_object();
  std::printf("%s\n", text.c_str());
}

const plan::Plan* load(std::string_view site, std::vector<std::uint8_t>& bytes,
                       std::string_view env = "") {
  const plan::Plan* plan = tests::load_site(site, bytes, env);
  if (plan == nullptr) {
    std::exit(65);
  }
  return plan;
}

// Spin hint for the processor.
void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Pins to that core if there are several: two threads on one core would measure the scheduler.
void pin(const char* name, int core) {
  platform::make_hot({name, std::thread::hardware_concurrency() > 1 ? core : -1, 0});
}

double seconds_since(std::int64_t start_ns) {
  return static_cast<double>(platform::monotonic_ns() - start_ns) * 1e-9;
}

// One core takes frames from bytes to decisions, another makes them durable.
class Throughput {
 public:
  // Decodes the frames from `first` on, each at its time; observations go to put().
  using Decode = std::function<void(Throughput& to, std::size_t first, std::size_t end)>;

  Throughput(const plan::Plan& plan, Decode decode, const std::string& folder,
             std::int64_t frame_ns = 1'000'000)
      : plan_(plan), decode_(std::move(decode)), folder_(folder), frame_ns_(frame_ns) {}

  // Advances node time by a frame.
  std::int64_t next_ns() { return now_ns_ += frame_ns_; }
  // `make` fills in an observation; false if it is none.
  template <typename Make>
  void put(Make&& make) {
    if (engine_ != nullptr) {
      engine_->put_made(make, now_ns_);
    } else {
      Observation observation;
      decoded_ += make(observation) ? observation.identity : 0;
    }
  }

  void run(const char* metric, double bar) {
    // Median of the rounds after a warm-up, because the hypervisor deschedules the core (steal) for
    // whole rounds.
    constexpr std::size_t kFrames = 2'000'000, kRounds = 5;
    const auto median_rate = [&](auto&& step) {
      rate_of(kFrames, step);
      std::array<double, kRounds> rates;
      for (double& rate : rates) {
        rate = rate_of(kFrames, step);
      }
      std::sort(rates.begin(), rates.end());
      return rates[kRounds / 2];
    };
    const double decoding = median_rate([] {});
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    engine_ = std::make_unique<tests::ShardInMemory>(plan_);
    const std::size_t lane_bytes = 64 * engine::batch_bytes_bound(plan_);
    memory_.assign(Lane::bytes_needed(4096, lane_bytes) / 8 + 64, 0);
    Arena arena(memory_.data(), memory_.size() * 8);
    batches_.init(arena, 4096, lane_bytes);
    journal::WriterOptions options;
    options.folder = folder_;
    options.segment_bytes = 64 << 20;
    options.journal_bytes = std::uint64_t{8} << 30;
    options.max_batch_bytes = engine::batch_bytes_bound(plan_);
    options.max_frozen_bytes = engine::frozen_bytes_bound(plan_);
    journal::Writer writer;
    const std::string problem = writer.open(options);
    if (!problem.empty()) {
      std::fprintf(stderr, "bench: %s\n", problem.c_str());
      std::exit(74);
    }
    std::thread journal([&] {
      pin("journal", 1);
      while (!done_.load(std::memory_order_acquire) || batches_.size() != 0) {
        if (!writer.step(batches_)) {
          platform::rest_ns(50'000);
        }
      }
    });
    now_ns_ = kStart;
    next_ = 0;
    const double whole = median_rate([this] { step(); });
    done_.store(true, std::memory_order_release);
    journal.join();
    writer.close();
    std::filesystem::remove_all(folder_);
    figure("engine-throughput", metric, whole, "messages/s", decoding, bar, whole >= bar);
    // Events as the node counts them: accepted and derived.
    const engine::Progress& progress = engine_->shard().progress();
    const double share =
        static_cast<double>(progress.accepted) / static_cast<double>((1 + kRounds) * kFrames);
    figure("engine-throughput", (std::string(metric) + "-events").c_str(), whole * share,
           "events/s", decoding * share, bar, whole * share >= bar);
    // Gated and superseded positions cost less than applied ones.
    const double applied = static_cast<double>(progress.exits[0]) /
                           static_cast<double>(std::max<std::uint64_t>(progress.accepted, 1));
    figure("engine-throughput", (std::string(metric) + "-applied-share").c_str(), applied, "share",
           1.0, 0.5, applied >= 0.5);
  }

 private:
  template <typename Step>
  double rate_of(std::size_t count, Step&& step) {
    const std::int64_t start = platform::monotonic_ns();
    for (const std::size_t end = next_ + count; next_ < end;) {
      const std::size_t first = next_;
      next_ = std::min(first / kBatch * kBatch + kBatch, end);
      decode_(*this, first, next_);
      if (next_ % kBatch == 0) {
        step();
      }
    }
    return static_cast<double>(count) / seconds_since(start);
  }

  void step() {
    while (!engine_->step_into(batches_, now_ns_)) {
      relax();  // the journal is behind
    }
  }

  const plan::Plan& plan_;
  Decode decode_;
  std::string folder_;
  std::int64_t frame_ns_;
  std::unique_ptr<tests::ShardInMemory> engine_;
  std::uint64_t decoded_ = 0;
  std::vector<std::uint64_t> memory_;
  Lane batches_;
  std::atomic<bool> done_{false};
  static constexpr std::size_t kBatch = 64;
  static constexpr std::int64_t kStart = 1'700'000'000'000'000'000;
  std::int64_t now_ns_ = kStart;
  std::size_t next_ = 0;
};

// Repeats recorded text.
Throughput::Decode text_of(const std::string& recording, CodecKind kind) {
  const auto decoder = std::make_shared<codec::OwnDecoder>(kind);
  return
      [frames = frames_of(recording), decoder](Throughput& to, std::size_t first, std::size_t end) {
        const codec::Output out{&to,
                                [](void* context, const codec::Message& message, Bytes) {
                                  if (!codec::is_part(message)) {
                                    static_cast<Throughput*>(context)->put([&](Observation& o) {
                                      return codec::to_observation(message, o);
                                    });
                                  }
                                },
                                [](void*, RefusalCause, Bytes) {}};
        for (std::size_t i = first; i < end; ++i) {
          decoder->get().datagram(as_bytes(frames[i % frames.size()]), to.next_ns(), out);
        }
      };
}

// A thousand things, each reporting position, height and motion in 24 bytes.
struct FixedRecord {
  std::uint32_t identity;
  std::int32_t latitude_e7, longitude_e7, altitude_mm;
  std::uint32_t speed_mm_s, course_e6;
};
Throughput::Decode fixed_records() {
  constexpr std::size_t kRecords = 64'000;
  std::vector<FixedRecord> records(kRecords);
  for (std::size_t i = 0; i < records.size(); ++i) {
    const std::size_t id = i * 7919 % 1000;
    records[i] = {static_cast<std::uint32_t>(id + 1),
                  static_cast<std::int32_t>(500'000'000 + id * 300 + i / 1000 * 10),
                  240'000'000,
                  1'000'000,
                  110,  // consistent with the positions
                  0};
  }
  return [records](Throughput& to, std::size_t first, std::size_t end) {
    for (std::size_t i = first; i < end; ++i) {
      const FixedRecord& r = records[i % kRecords];
      to.next_ns();
      to.put([&](Observation& o) {
        // The first record is own ship, for conditions on distance.
        o.kind = i == 0 ? IdentityKind::own : IdentityKind::vehicle;
        o.identity = i == 0 ? 0 : r.identity;
        o.set(Field::position);
        o.set(Field::altitude);
        o.set(Field::speed);
        o.set(Field::course);
        o.latitude_e7 = r.latitude_e7;
        o.longitude_e7 = r.longitude_e7;
        o.altitude_mm = r.altitude_mm;
        o.speed_mm_s = static_cast<std::int32_t>(r.speed_mm_s);
        o.course_e6 = static_cast<std::int32_t>(r.course_e6);
        return true;
      });
    }
  };
}

constexpr std::string_view kEightRules = R"toml(
site = "eight-rules"
[limits]
tracks = 4096
tick = "60 s"
[source.records]
driver = "udp"
listen = "127.0.0.1:1"
codec = "mavlink"
[zone.yard]
centre = [50.0, 25.0]
radius = "1 km"
[assess.fast]
of = "track"
when = "track.speed > 200 m/s"
[assess.high]
of = "track"
when = "track.altitude > 3000 m"
[assess.low]
of = "track"
when = "track.altitude < 100 m"
[assess.vague]
of = "track"
when = "track.sigma > 500 m"
[assess.silent]
of = "track"
when = "track.age > 60 s"
[assess.near]
of = "track"
when = "distance(track, own) < 1 nmi"
[assess.inside]
of = "track"
when = "inside(track, yard)"
[assess.jumping]
of = "track"
when = "track.gated > 3"
)toml";

int by_tracks();

int engine_throughput(const std::string& recordings, const std::string& site,
                      const std::string& folder) {
  const auto text = platform::read_text_file(site, 1 << 20);
  pin("engine", 0);
  std::vector<std::uint8_t> bytes;
  // A frame advances node time by a millisecond but takes a fraction of a microsecond. With a tick
  // (and its sweep) each quarter of a second, sweeps would come a thousand times too often.
  const plan::Plan* plan =
      load(text.value_or("") + "\n[env.bench]\n\"limits.tick\" = \"60 s\"\n", bytes, "bench");
  constexpr double kTextBar = 1.8e6;
  constexpr double kRecordsBar = 6e6;
  // At the recorded pace: own ship at 28 times its speed would jump.
  Throughput(*plan, text_of(recordings + "/n2k/aava-n2k.data", CodecKind::n2k), folder, 28'000'000)
      .run("n2k", kTextBar);
  Throughput(*plan, text_of(recordings + "/ais/nais400-merrimac.log", CodecKind::nmea0183), folder)
      .run("ais", kTextBar);
  std::vector<std::uint8_t> eight;
  Throughput(*load(kEightRules, eight), fixed_records(), folder).run("fixed-records", kRecordsBar);
  return by_tracks();
}

constexpr std::string_view kManyTracks = R"(
site = "many-tracks"
[limits]
tracks = 110000
tick = "60 s"
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

// Cost of an event by number of tracks, in batches of 64; floor: memory alone, the same walk over
// records of a track's size, reading and writing each.
int by_tracks() {
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = load(kManyTracks, bytes);
  constexpr std::uint64_t kEvents = 2'000'000;
  double least = 0.0;
  for (const std::uint64_t tracks : {100ULL, 1000ULL, 10'000ULL, 100'000ULL}) {
    tests::ShardInMemory engine(*plan);
    std::int64_t now_ns = 1'700'000'000'000'000'000;
    const auto nothing = [](const EventHeader&, Bytes) {};
    const auto pick = [tracks](std::uint64_t n) {  // each track in turn, far from the last
      return n * 7919 % tracks;
    };
    const auto put = [&](std::uint64_t n) {
      Observation o;
      o.kind = IdentityKind::vessel;
      o.identity = 1 + pick(n);
      o.set(Field::position);
      o.latitude_e7 = static_cast<std::int32_t>(500'000'000 + o.identity * 300 + n / tracks % 8);
      o.longitude_e7 = 240'000'000;
      engine.put(o, now_ns);
    };
    const auto work = [&](std::uint64_t from, std::uint64_t to) {
      const std::int64_t start = platform::monotonic_ns();
      for (std::uint64_t n = from; n < to;) {
        now_ns += 100'000;
        for (std::uint64_t end = std::min(to, n + 64); n < end; ++n) {
          put(n);
        }
        engine.step_into_nothing(now_ns, {}, nothing);
      }
      return static_cast<double>(platform::monotonic_ns() - start) / static_cast<double>(to - from);
    };
    Observation own;
    own.kind = IdentityKind::own;
    own.set(Field::position);
    own.latitude_e7 = 500'000'000;
    own.longitude_e7 = 240'000'000;
    engine.put(own, now_ns);
    work(0, 2 * tracks);  // creates every track
    const double cost = work(2 * tracks, 2 * tracks + kEvents);

    std::vector<Track> records(tracks);
    std::uint64_t sum = 0;
    const std::int64_t start = platform::monotonic_ns();
    for (std::uint64_t n = 0; n < kEvents; ++n) {
      auto* words = reinterpret_cast<std::uint64_t*>(&records[pick(n)]);
      for (std::size_t w = 0; w < sizeof(Track) / 8; w += 8) {
        sum += words[w]++;
      }
    }
    const double walk =
        static_cast<double>(platform::monotonic_ns() - start) / static_cast<double>(kEvents);
    least = least == 0.0 ? cost : least;
    const double bar = 1.5 * least;  // the cost with 100 tracks
    figure("engine-throughput", ("tracks-" + std::to_string(tracks)).c_str(), cost, "ns/event",
           walk + (sum == 1 ? 1.0 : 0.0), bar, cost <= bar);
  }
  return 0;
}

constexpr std::string_view kPreemptionSite = R"(
site = "preemption"
[source.distress]
driver = "udp"
listen = "127.0.0.1:1"
codec = "ais"
class = "critical"
[source.traffic]
driver = "udp"
listen = "127.0.0.1:2"
codec = "ais"
class = "bulk"
[assess.close]
of = "track"
when = "cpa(track, own) < 0.5 nmi and tcpa(track, own) < 12 min"
[assess.fast]
of = "track"
when = "track.speed > 25 kn"
)";

// How long critical events waited for their step: all, and those without a gap in the sender's
// loop. And the duration of such a step.
struct Waits {
  Histogram all, kept, step;
};

// Beside a bulk lane that is never empty, or alone. Events come from another core.
void wait_for_steps(const plan::Plan& plan, bool loaded, Waits& waits) {
  constexpr std::size_t kCritical = 2000;  // one in 0.1 to 0.6 ms, so that none waits for another
  // The hypervisor deschedules both cores together and resumes them one by one: an event due in a
  // gap is sent at its end, and waits for the other core. The engine's own steps exclude nothing.
  constexpr std::int64_t kGapNs = 10'000;
  struct Gap {
    std::int64_t begin, end;
  };
  struct Wait {
    std::int64_t due, sent, worked;
  };
  std::vector<Gap> gaps;
  gaps.reserve(1 << 16);
  std::vector<Wait> waited(kCritical);
  std::size_t count = 0;
  const auto ship = [](std::uint64_t mmsi) {
    Observation o;
    o.kind = IdentityKind::vessel;
    o.identity = mmsi;
    o.set(Field::position);
    o.latitude_e7 = static_cast<std::int32_t>(590'000'000 + mmsi * 1000);
    o.longitude_e7 = 240'000'000;
    return o;
  };
  tests::ShardInMemory engine(plan, 1, 1, Lane::Ends::apart);
  Observation own = ship(0);
  own.kind = IdentityKind::own;
  engine.put(own, 1'700'000'000'000'000'000, 1, EventClass::bulk);
  std::atomic<bool> done{false};
  const std::int64_t start_ns = 1'700'000'000'000'000'000;
  std::thread sender([&] {
    pin("sender", 1);
    std::uint64_t state = 1;
    std::uint64_t next = 100;
    std::int64_t last = platform::monotonic_ns();
    for (std::size_t i = 0; i < kCritical; ++i) {
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      waited[i].due = last + 100'000 + static_cast<std::int64_t>(state >> 45);
      while (last < waited[i].due) {
        const std::int64_t now = platform::monotonic_ns();
        if (now - last > kGapNs && gaps.size() < gaps.capacity()) {
          gaps.push_back({last, now});
        }
        last = now;
        if (loaded && engine.put(ship(100 + next % 1000), start_ns, 1, EventClass::bulk)) {
          ++next;
        } else {
          relax();
        }
      }
      engine.put(ship(9), start_ns, 0, EventClass::critical, platform::monotonic_ns());
    }
    done.store(true, std::memory_order_release);
  });
  std::int64_t now_ns = start_ns;
  const engine::Urgency urgency{
      [](void* e) { return static_cast<tests::ShardInMemory*>(e)->critical_waits(); }, &engine};
  while (!done.load(std::memory_order_acquire)) {
    now_ns += 1000;
    const std::int64_t begin = platform::monotonic_ns();
    bool worked = false;
    engine.step_into_nothing(now_ns, urgency, [&](const EventHeader& e, Bytes) {
      if (e.kind == EventKind::observation && e.event_class == EventClass::critical) {
        worked = true;
        waited[count].sent = e.arrival_ns;
        waited[count++].worked = std::max(begin, e.arrival_ns + 1);
      }
    });
    if (worked) {
      waits.step.add(platform::monotonic_ns() - begin);
    }
  }
  sender.join();
  for (const Wait& w : waited) {
    waits.all.add(w.worked - w.sent);
    const auto next = std::partition_point(gaps.begin(), gaps.end(),
                                           [&](const Gap& gap) { return gap.end <= w.due; });
    if (next == gaps.end() || next->begin >= w.worked) {
      waits.kept.add(w.worked - w.sent);
    }
  }
}

// Bar: the wait without a load, plus one work item (the step of one such event). Alternates both
// and takes the median of the rounds, because steal takes milliseconds from whole rounds.
int preemption() {
  constexpr std::size_t kRounds = 9;
  pin("engine", 0);
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = load(kPreemptionSite, bytes);
  std::array<Waits, kRounds> alone, loaded;
  for (std::size_t round = 0; round < kRounds; ++round) {
    wait_for_steps(*plan, false, alone[round]);
    wait_for_steps(*plan, true, loaded[round]);
  }
  const auto median_us = [](const std::array<Waits, kRounds>& rounds, Histogram Waits::*of,
                            double q) {
    std::array<double, kRounds> us;
    std::transform(rounds.begin(), rounds.end(), us.begin(), [&](const Waits& w) {
      return static_cast<double>((w.*of).quantile_ns(q)) * 1e-3;
    });
    std::sort(us.begin(), us.end());
    return us[kRounds / 2];
  };
  const double item = median_us(alone, &Waits::step, 0.99);
  for (const auto& [of, suffix] : {std::pair{&Waits::kept, ""}, {&Waits::all, "-uncensored"}}) {
    for (const auto& [name, q] : {std::pair{"wait-p50", 0.5},
                                  {"wait-p90", 0.9},
                                  {"wait-p95", 0.95},
                                  {"wait-p99", 0.99},
                                  {"wait-p999", 0.999}}) {
      const double idle = median_us(alone, of, q);
      const double wait = median_us(loaded, of, q);
      figure("preemption", std::string(name) + suffix, wait, "us", idle, idle + item,
             wait <= idle + item);
    }
  }
  const auto kept = [](const std::array<Waits, kRounds>& rounds) {
    double all = 0;
    double left = 0;
    for (const Waits& w : rounds) {
      all += static_cast<double>(w.all.count());
      left += static_cast<double>(w.kept.count());
    }
    return left / all;
  };
  figure("preemption", "kept", kept(loaded), "share", kept(alone), 0.9, kept(loaded) >= 0.9);
  return 0;
}

// One event every 0.2 ms: a thousand ships and, one in 16, own ship. Steps with a tick, and those
// of the sweep after it, count separately.
class Traffic {
 public:
  enum Kind { track, own, tick, sweep };
  static constexpr const char* kNames[] = {"track", "own", "tick", "sweep"};

  Traffic() : plan_(load(kPreemptionSite, bytes_)), engine_(*plan_) {}
  Kind put_next() {
    const std::uint64_t i = count_++;
    now_ns_ += 200'000;
    const Kind kind = now_ns_ >= engine_.shard().next_tick_ns() ? tick : i % 16 == 0 ? own : track;
    Observation o;
    o.kind = i % 16 == 0 ? IdentityKind::own : IdentityKind::vessel;
    o.identity = i % 16 == 0 ? 0 : 100 + i % 1000;
    o.set(Field::position);
    o.latitude_e7 = static_cast<std::int32_t>(590'000'000 + o.identity * 1000 + i / 1000 % 64);
    o.longitude_e7 = 240'000'000;
    engine_.put(o, now_ns_, 1, EventClass::normal);
    return kind;
  }
  std::int64_t now_ns() const { return now_ns_; }
  tests::ShardInMemory& engine() { return engine_; }

 private:
  std::vector<std::uint8_t> bytes_;
  const plan::Plan* plan_;
  tests::ShardInMemory engine_;
  std::uint64_t count_ = 0;
  std::int64_t now_ns_ = 1'700'000'000'000'000'000;
};

// One step an event under callgrind, which records the instructions of each, by kind.
int service_instructions(std::uint64_t events) {
#if VEDETTE_HAS_CALLGRIND
  constexpr std::uint64_t kWarmUp = 20'000;  // every ship known, no track young
  Traffic traffic;
  tests::ShardInMemory& engine = traffic.engine();
  for (std::uint64_t i = 0; i < kWarmUp + events; ++i) {
    if (i == kWarmUp) {
      CALLGRIND_START_INSTRUMENTATION;
    }
    Traffic::Kind kind = traffic.put_next();
    do {
      CALLGRIND_ZERO_STATS;
      engine.step_into_nothing(traffic.now_ns(), {}, [](const EventHeader&, Bytes) {});
      if (i >= kWarmUp) {
        CALLGRIND_DUMP_STATS_AT(Traffic::kNames[kind]);
      }
      kind = Traffic::sweep;
    } while (engine.shard().unfinished());
  }
  return 0;
#else
  std::fprintf(stderr, "bench: built without valgrind's headers, for %llu events\n",
               static_cast<unsigned long long>(events));
  return 69;
#endif
}

// Service time of single events, one batch each, from lane to sealed batch. Beside it an idle step,
// for the bar, and a loop of pauses of equal length, for the machine's gaps.
int service_tail(std::uint64_t events) {
  struct Steps {
    Histogram step, floor;
    std::uint64_t pauses = 0;
  };
  Traffic traffic;
  tests::ShardInMemory& engine = traffic.engine();
  const auto step = [&](Histogram& out) {
    const std::int64_t start = platform::monotonic_ns();
    engine.step_into_nothing(traffic.now_ns(), {}, [](const EventHeader&, Bytes) {});
    out.add(platform::monotonic_ns() - start);
  };
  const auto pause = [](Histogram& out, std::uint64_t count) {
    const std::int64_t start = platform::monotonic_ns();
    for (std::uint64_t i = 0; i < count; ++i) {
      relax();
    }
    out.add(platform::monotonic_ns() - start);
  };
  std::array<Steps, std::size(Traffic::kNames)> rehearsed, kinds;
  Histogram unused, empty;
  const auto run = [&](std::uint64_t count, std::span<Steps> into, Histogram& nothing) {
    for (std::uint64_t i = 0; i < count; ++i) {
      Traffic::Kind kind = traffic.put_next();
      do {
        step(into[kind].step);
        pause(into[kind].floor, into[kind].pauses);
        kind = Traffic::sweep;
      } while (engine.shard().unfinished());
      step(nothing);
    }
  };
  run(20'000, rehearsed, unused);  // every ship known, no track young
  constexpr std::uint64_t kPauses = 1000;
  Histogram of_pauses;
  for (int i = 0; i < 100; ++i) {
    pause(of_pauses, kPauses);
  }
  for (std::size_t k = 0; k < kinds.size(); ++k) {
    kinds[k].pauses = rehearsed[k].step.quantile_ns(0.5) * kPauses /
                      std::max<std::uint64_t>(of_pauses.quantile_ns(0.5), 1);
  }
  run(events, kinds, empty);
  const auto us = [](const Histogram& h, double q) {
    return static_cast<double>(h.quantile_ns(q)) * 1e-3;
  };
  const double epsilon = 0.5 + us(empty, 0.99) - us(empty, 0.5);
  for (std::size_t k = 0; k < kinds.size(); ++k) {
    const Steps& kind = kinds[k];
    const std::string name(Traffic::kNames[k]);
    const double p50 = us(kind.step, 0.5);
    figure("service-tail", (name + "-p50").c_str(), p50, "us", us(kind.floor, 0.5), p50, true);
    for (const auto& [label, q, times] : {std::tuple{"-p99", 0.99, 1.0}, {"-p999", 0.999, 4.0}}) {
      const double value = us(kind.step, q);
      const double bar = p50 + times * epsilon;
      figure("service-tail", (name + label).c_str(), value, "us", us(kind.floor, q), bar,
             value <= bar);
    }
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string name = argc > 1 ? argv[1] : "";
  if (name == "engine-throughput" && argc == 5) {
    return engine_throughput(argv[2], argv[3], argv[4]);
  }
  if (name == "preemption" && argc == 2) {
    return preemption();
  }
  if (name == "service-instructions" && argc == 3) {
    return service_instructions(std::strtoull(argv[2], nullptr, 10));
  }
  if (name == "service-tail" && argc == 3) {
    return service_tail(std::strtoull(argv[2], nullptr, 10));
  }
  std::fprintf(stderr,
               "usage: vedette_bench engine-throughput RECORDINGS SITE FOLDER | preemption | "
               "service-tail EVENTS | service-instructions EVENTS\n");
  return 64;
}
