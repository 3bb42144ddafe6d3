// engine-throughput: from bytes to decisions, each batch made durable by another core; and the cost
// of an event by the number of tracks.
#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>

#include "bench.hpp"
#include "edge/codec/codec.hpp"
#include "edge/journal/writer.hpp"
#include "frames.hpp"
#include "platform/file.hpp"
#include "shard_in_memory.hpp"

namespace vedette::bench {
namespace {

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

}  // namespace

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

}  // namespace vedette::bench
