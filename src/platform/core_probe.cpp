// Answers the packet library's question for cores that cannot be without asking the kernel: at its
// start it looks for each of 128 or 256 cores on each of 4 to 32 memory nodes, by access() on a
// file that is not there, which took half of its start on an emulated machine.
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <limits>
#include <string_view>

#include "platform/file.hpp"

namespace {

constexpr unsigned kUnknown = std::numeric_limits<unsigned>::max();

// "0-3" or "0-1,4-7": the number behind the last that can be; kUnknown when the kernel does not
// say.
unsigned possible_cores() {
  const auto text = vedette::platform::read_text_file("/sys/devices/system/cpu/possible", 4096);
  std::string_view last = text ? std::string_view(*text) : std::string_view();
  last = last.substr(last.find_last_of("-,") + 1);
  unsigned number = 0;
  const auto [end, error] = std::from_chars(last.data(), last.data() + last.size(), number);
  return error == std::errc() ? number + 1 : kUnknown;
}

// Of a path such as /sys/devices/system/node/node0/cpu17; kUnknown when it names no core.
unsigned core_named(std::string_view path) {
  constexpr std::string_view kSystem = "/sys/devices/system/";
  const std::size_t at = path.rfind("/cpu");
  if (!path.starts_with(kSystem) || at == std::string_view::npos) {
    return kUnknown;
  }
  unsigned number = 0;
  const char* const digits = path.data() + at + 4;
  const auto [end, error] = std::from_chars(digits, path.data() + path.size(), number);
  return error == std::errc() ? number : kUnknown;
}

}  // namespace

// The linker puts the first in the place of access(), and access() in that of the second.
extern "C" int __real_access(const char* path, int mode);  // NOLINT(bugprone-reserved-identifier)
extern "C" int __wrap_access(const char* path, int mode);  // NOLINT(bugprone-reserved-identifier)

int __wrap_access(const char* path, int mode) {  // NOLINT(bugprone-reserved-identifier)
  const unsigned core = core_named(path);
  if (core != kUnknown) {
    static const unsigned possible = possible_cores();
    if (core >= possible) {
      errno = ENOENT;
      return -1;
    }
  }
  return __real_access(path, mode);
}
