#include "platform/clock.hpp"

#include <sys/timex.h>

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

bool realtime_is_synchronised() {
  timex asked{};
  const int state = ::adjtimex(&asked);
  return state >= 0 && state != TIME_ERROR && (asked.status & STA_UNSYNC) == 0;
}

}  // namespace vedette::platform
