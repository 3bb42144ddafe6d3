// preemption: how long a critical event waits for its step, beside a bulk lane that is never empty.
#include <algorithm>
#include <array>
#include <atomic>

#include "base/histogram.hpp"
#include "bench.hpp"
#include "shard_in_memory.hpp"

namespace vedette::bench {
namespace {

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

}  // namespace

// Bar: the wait without a load, plus one work item (the step of one such event). Alternates both
// and takes the median of the rounds, because steal takes milliseconds from whole rounds.
int preemption() {
  constexpr std::size_t kRounds = 9;
  pin("engine", 0);
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = load(kTwoClasses, bytes);
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

}  // namespace vedette::bench
