// Replaces libc and libnuma functions that the packet library calls in vain at its start: for
// impossible cores, for entropy at boot, for shared objects of a static program, for memory nodes,
// for trace points without a tracer. The linker substitutes these by name (toolchains/dpdk.cmake).
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <limits>
#include <string_view>

#include "platform/file.hpp"

namespace {

constexpr unsigned kUnknown = std::numeric_limits<unsigned>::max();

// One past the last core in "0-3" or "0-1,4-7"; kUnknown when the kernel does not say.
unsigned possible_cores() {
  const auto text = vedette::platform::read_text_file("/sys/devices/system/cpu/possible", 4096);
  std::string_view last = text ? std::string_view(*text) : std::string_view();
  last = last.substr(last.find_last_of("-,") + 1);
  unsigned number = 0;
  const auto [end, error] = std::from_chars(last.data(), last.data() + last.size(), number);
  return error == std::errc() ? number + 1 : kUnknown;
}

// The core in a path such as /sys/devices/system/node/node0/cpu17; kUnknown for other paths.
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

// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" int __real_access(const char* path, int mode);
extern "C" int __wrap_access(const char* path, int mode);
extern "C" int __wrap_getentropy(void* bytes, std::size_t length);
extern "C" void* __wrap_dlopen(const char* name, int flags);
extern "C" int __wrap___rte_trace_point_register(void* handle, const char* name,
                                                 void (*describe)());
extern "C" int numa_available();
extern "C" void* numa_allocate_nodemask();
extern "C" void numa_bitmask_free(void* mask);
extern "C" void numa_set_localalloc();
extern "C" void numa_set_preferred(int node);
extern "C" long get_mempolicy(int* mode, unsigned long* mask, unsigned long most, void* address,
                              unsigned flags);
extern "C" long set_mempolicy(int mode, const unsigned long* mask, unsigned long most);

// The library probes 128 or 256 cores on each of 4 to 32 memory nodes.
int __wrap_access(const char* path, int mode) {
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

// Seeds the library's random numbers, which are no secrets. In a first process the kernel has no
// entropy yet, and libbsd's getentropy() sleeps and hashes; on ENOSYS the library uses the cycle
// counter.
int __wrap_getentropy(void*, std::size_t) {
  errno = ENOSYS;
  return -1;
}

// The library searches every system folder for itself as a shared object.
void* __wrap_dlopen(const char*, int) {
  return nullptr;
}

// An unregistered trace point stays off.
int __wrap___rte_trace_point_register(void*, const char*, void (*)()) {
  return 0;
}

// NUMA is unavailable (-1), so nothing else is called. First touch puts the packets' memory on the
// node of the thread's core.
int numa_available() {
  return -1;
}
void* numa_allocate_nodemask() {
  return nullptr;
}
void numa_bitmask_free(void*) {}
void numa_set_localalloc() {}
void numa_set_preferred(int) {}
long get_mempolicy(int*, unsigned long*, unsigned long, void*, unsigned) {
  errno = ENOSYS;
  return -1;
}
long set_mempolicy(int, const unsigned long*, unsigned long) {
  errno = ENOSYS;
  return -1;
}
// NOLINTEND(bugprone-reserved-identifier)
