#include "platform/clock.hpp"

#include <ctime>

namespace vedette::platform {
namespace {

std::int64_t read(clockid_t id) {
  timespec t{};
  ::clock_gettime(id, &t);
  return static_cast<std::int64_t>(t.tv_sec) * 1000000000 + t.tv_nsec;
}

}  // namespace

std::int64_t monotonic_ns() {
  return read(CLOCK_MONOTONIC);
}
std::int64_t realtime_ns() {
  return read(CLOCK_REALTIME);
}

}  // namespace vedette::platform
