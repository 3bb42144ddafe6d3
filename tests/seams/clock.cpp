// The product's main with another wall clock (linked with --wrap): the machine's plus the seconds
// in VED_FAKE_S, or in the file named by VED_FAKE_FILE, which a test rewrites while the node runs.
// It counts as synchronised if VED_FAKE_SYNCED is set.
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "base/math.hpp"

namespace {

double fake_seconds() {
  if (const char* path = std::getenv("VED_FAKE_FILE"); path != nullptr) {
    double seconds = 0.0;
    if (std::FILE* file = std::fopen(path, "r"); file != nullptr) {
      if (std::fscanf(file, "%lf", &seconds) != 1) {
        seconds = 0.0;
      }
      std::fclose(file);
    }
    return seconds;
  }
  const char* text = std::getenv("VED_FAKE_S");
  return text == nullptr ? 0.0 : std::atof(text);
}

}  // namespace

extern "C" {

// vedette::platform::realtime_ns() and realtime_is_synchronised()
std::int64_t __real__ZN7vedette8platform11realtime_nsEv();
std::int64_t __wrap__ZN7vedette8platform11realtime_nsEv();
bool __wrap__ZN7vedette8platform24realtime_is_synchronisedEv();

std::int64_t __wrap__ZN7vedette8platform11realtime_nsEv() {
  return vedette::add_ns(__real__ZN7vedette8platform11realtime_nsEv(),
                         vedette::to_int64(fake_seconds() * 1e9));
}

bool __wrap__ZN7vedette8platform24realtime_is_synchronisedEv() {
  return std::getenv("VED_FAKE_SYNCED") != nullptr;
}
}
