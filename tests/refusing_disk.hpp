// Purpose: a disk that takes nothing during this object's life: no file of the process grows.
#pragma once

#include <sys/resource.h>

#include <csignal>

namespace vedette::tests {

class RefusingDisk {
 public:
  RefusingDisk() {
    std::signal(SIGXFSZ, SIG_IGN);  // a refused write is an error to handle
    allow(1);
  }
  ~RefusingDisk() { allow(RLIM_INFINITY); }
  RefusingDisk(const RefusingDisk&) = delete;
  RefusingDisk& operator=(const RefusingDisk&) = delete;

 private:
  static void allow(rlim_t bytes) {
    const rlimit limit{bytes, RLIM_INFINITY};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
};

}  // namespace vedette::tests
