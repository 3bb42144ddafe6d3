#include "platform/random.hpp"

#include <sys/random.h>

#include <cerrno>

namespace vedette::platform {

std::optional<std::uint64_t> random_bits() {
  std::uint64_t bits = 0;
  ssize_t got = 0;
  do {
    got = ::getrandom(&bits, sizeof bits, 0);
  } while (got < 0 && errno == EINTR);
  return got == sizeof bits ? std::optional(bits) : std::nullopt;
}

}  // namespace vedette::platform
