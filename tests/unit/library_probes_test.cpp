#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "test.hpp"

extern "C" void* rte_trace_point_lookup(const char* name);

// The linker replaces access() (src/platform/library_probes.cpp); stat() asks the kernel.
TEST_CASE("whether a core is there is answered as the kernel would") {
  for (const char* before : {"/sys/devices/system/cpu/cpu", "/sys/devices/system/node/node0/cpu"}) {
    for (const char* behind : {"", "/topology/core_id"}) {
      for (int core = 0; core < 300; ++core) {
        const std::string path = before + std::to_string(core) + behind;
        struct stat info {};
        errno = 0;
        const int answer = ::access(path.c_str(), F_OK);
        const int error = errno;
        const int asked = ::stat(path.c_str(), &info);
        INFO(path);
        CHECK(answer == asked);
        CHECK((answer == 0 || error == ENOENT));
      }
    }
  }
  CHECK(::access("/sys/devices/system/cpu/cpufreq-of-nothing", F_OK) == -1);
  CHECK(::access("/proc/self/exe", R_OK) == 0);
}

// Each would register in a constructor, and again when the packet library starts.
TEST_CASE("the packet library's trace points are not registered") {
  CHECK(::rte_trace_point_lookup("lib.eal.thread.remote.launch") == nullptr);
}
