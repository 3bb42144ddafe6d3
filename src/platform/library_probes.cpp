// Answers what the packet library asks at its start and never gets: for cores that cannot be, for
// entropy before there is any, for shared objects of a static program, for memory nodes; and takes
// the trace points that it would describe to a tracer which nobody can start. The linker
// puts these in the place of the functions they are named after (toolchains/dpdk.cmake), and of
// libnuma.
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

// It looks for each of 128 or 256 cores on each of 4 to 32 memory nodes.
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

// The seed of its random numbers, which are no secrets. A first process has neither the kernel's
// entropy nor a device to read it from yet, and libbsd's getentropy() then sleeps and hashes for
// some; told that there is none, the library takes the cycle counter.
int __wrap_getentropy(void*, std::size_t) {
  errno = ENOSYS;
  return -1;
}

// Whether the library is itself a shared object: it would be looked for in each of the system's
// folders.
void* __wrap_dlopen(const char*, int) {
  return nullptr;
}

// A trace point that is not registered stays switched off.
int __wrap___rte_trace_point_register(void*, const char*, void (*)()) {
  return 0;
}

// There is no choosing between memory nodes (-1), so the rest is never called: the packets' memory
// lies where the thread is that first touches it, on the node of its core.
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
