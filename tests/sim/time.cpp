#include "sim/time.hpp"

#include <chrono>
#include <thread>
#include <utility>

#include "platform/file_in_reading.hpp"

namespace vedette::sim {
namespace {

constexpr std::int64_t kReadingNs = 100;  // what a reading of the clock takes
std::int64_t g_now_ns = 0;
std::function<void(std::int64_t)> g_rest;
bool g_reads = false;  // a real thread reads a file: no time passes

}  // namespace

void begin_time() {
  g_now_ns = kSecond;
}
std::int64_t time_ns() {
  return g_now_ns;
}
void pass(std::int64_t ns) {
  g_now_ns += ns;
}
void while_resting(std::function<void(std::int64_t)> rest) {
  g_rest = std::move(rest);
}

}  // namespace vedette::sim

extern "C" {

// vedette::platform::monotonic_ns(), realtime_ns(), realtime_is_synchronised(), rest_ns()
std::int64_t __wrap__ZN7vedette8platform12monotonic_nsEv() {
  vedette::sim::pass(vedette::sim::kReadingNs);
  return vedette::sim::time_ns();
}
std::int64_t __wrap__ZN7vedette8platform11realtime_nsEv() {
  return vedette::sim::kStartNs + vedette::sim::time_ns();
}
bool __wrap__ZN7vedette8platform24realtime_is_synchronisedEv() {
  return true;
}
void __wrap__ZN7vedette8platform7rest_nsEl(std::int64_t ns) {
  if (vedette::sim::g_reads) {
    std::this_thread::sleep_for(std::chrono::nanoseconds(ns));
  } else if (vedette::sim::g_rest) {
    vedette::sim::g_rest(ns);
  } else {
    vedette::sim::pass(ns);
  }
}
}

// vedette::platform::FileInReading::wait_for()
bool real_wait_for(vedette::platform::FileInReading*,
                   std::size_t) __asm__("__real__ZN7vedette8platform13FileInReading8wait_forEm");
bool wait_for(vedette::platform::FileInReading*,
              std::size_t) __asm__("__wrap__ZN7vedette8platform13FileInReading8wait_forEm");
bool wait_for(vedette::platform::FileInReading* file, std::size_t bytes) {
  const bool before = std::exchange(vedette::sim::g_reads, true);
  const bool there = real_wait_for(file, bytes);
  vedette::sim::g_reads = before;
  return there;
}
