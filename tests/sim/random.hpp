// Purpose: what every part of the simulator draws from, and how it says that a promise is broken.
#pragma once

#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>

namespace vedette::sim {

struct BrokenPromise {
  std::string what;
};

[[noreturn]] inline void fail(const char* format, ...) __attribute__((format(printf, 1, 2)));
inline void fail(const char* format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  throw BrokenPromise{text};
}

inline unsigned long long shown(std::uint64_t number) {  // for %llu
  return number;
}

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t below(std::uint64_t n) { return engine_() % n; }
  bool one_in(std::uint64_t n) { return below(n) == 0; }

 private:
  std::mt19937_64 engine_;
};

}  // namespace vedette::sim
