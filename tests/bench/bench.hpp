// What the benches of vedette_bench share: figures, sites, cores. Prints one JSON line a figure:
// bench, metric, value, unit, floor, ratio, bar, holds.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/json.hpp"
#include "load_site.hpp"
#include "platform/clock.hpp"
#include "platform/hot_thread.hpp"

namespace vedette::bench {

inline void figure(std::string_view bench, std::string_view metric, double value, const char* unit,
                   double floor, double bar, bool holds) {
  std::string text;
  JsonWriter<std::string> json(text);
  json.begin_object().member("bench", bench).member("metric", metric).member("value", value, 3);
  json.member("unit", unit).member("floor", floor, 3);
  json.member("ratio", floor > 0 ? value / floor : 0.0, 3).member("bar", bar, 3);
  json.member("holds", holds).end_object();
  std::printf("%s\n", text.c_str());
}

inline const plan::Plan* load(std::string_view site, std::vector<std::uint8_t>& bytes,
                              std::string_view env = "") {
  const plan::Plan* plan = tests::load_site(site, bytes, env);
  if (plan == nullptr) {
    std::exit(65);
  }
  return plan;
}

// Spin hint for the processor.
inline void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Pins to that core if there are several: two threads on one core would measure the scheduler.
inline void pin(const char* name, int core) {
  platform::make_hot({name, std::thread::hardware_concurrency() > 1 ? core : -1, 0});
}

inline double seconds_since(std::int64_t start_ns) {
  return static_cast<double>(platform::monotonic_ns() - start_ns) * 1e-9;
}

// Two sources, a critical and a bulk one, and two conditions of ships.
inline constexpr std::string_view kTwoClasses = R"(
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

// `folder`: for a journal. Each returns an exit code.
int engine_throughput(const std::string& recordings, const std::string& site,
                      const std::string& folder);
int mirror_rate(const std::string& folder, double seconds);
int preemption();
int service_tail(std::uint64_t events);
int service_instructions(std::uint64_t events);

}  // namespace vedette::bench
