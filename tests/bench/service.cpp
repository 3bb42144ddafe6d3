// service-tail, service-instructions: single events, one batch each.
#include <algorithm>
#include <array>
#include <iterator>
#include <span>
#include <tuple>

#include "base/histogram.hpp"
#include "bench.hpp"
#include "shard_in_memory.hpp"

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#define VEDETTE_HAS_CALLGRIND 1
#else
#define VEDETTE_HAS_CALLGRIND 0
#endif

namespace vedette::bench {
namespace {

// One event every 0.2 ms: a thousand ships and, one in 16, own ship. Steps with a tick, and those
// of the sweep after it, count separately.
class Traffic {
 public:
  enum Kind { track, own, tick, sweep };
  static constexpr const char* kNames[] = {"track", "own", "tick", "sweep"};

  Traffic() : plan_(load(kTwoClasses, bytes_)), engine_(*plan_) {}
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

}  // namespace

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

}  // namespace vedette::bench
