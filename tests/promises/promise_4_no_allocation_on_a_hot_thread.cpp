// Promise 4: no allocation on a pinned thread after start. (No lock and no blocking system call:
// no_blocking_system_call_on_the_hot_thread in tests/system/operations.py.)
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>

#include "platform/hot_thread.hpp"
#include "test.hpp"

#ifdef VEDETTE_ALLOCATION_TRAP

namespace {

struct Ending {
  int status = 0;
  std::string said;
};

// Runs `work` on a sealed thread of a child process.
Ending sealed(void (*work)()) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(ends[1], STDERR_FILENO);
    std::signal(SIGABRT, SIG_DFL);  // doctest's handler would report the child's abort
    vedette::platform::seal_thread();
    work();
    vedette::platform::unseal_thread();
    ::_exit(0);
  }
  ::close(ends[1]);
  Ending ending;
  char text[512];
  for (ssize_t n = ::read(ends[0], text, sizeof text); n > 0;
       n = ::read(ends[0], text, sizeof text)) {
    ending.said.append(text, static_cast<std::size_t>(n));
  }
  ::close(ends[0]);
  ::waitpid(child, &ending.status, 0);
  return ending;
}

void* volatile g_kept = nullptr;

}  // namespace

TEST_CASE("an allocation on a sealed thread stops the process and says why") {
  const auto stops = [](void (*work)()) {
    const Ending e = sealed(work);
    CHECK(WIFSIGNALED(e.status));
    CHECK(e.said.find("allocation on a hot thread") != std::string::npos);
  };
  stops([] { g_kept = std::malloc(40); });
  stops([] { g_kept = ::operator new(40); });
  stops([] { g_kept = new std::string(100, 'x'); });
  stops([] { g_kept = std::calloc(4, 10); });
  stops([] { g_kept = std::aligned_alloc(64, 640); });
  stops([] { g_kept = ::strdup("text"); });
}

TEST_CASE("a sealed thread that allocates nothing goes on") {
  CHECK(sealed([] { g_kept = nullptr; }).status == 0);
}

#endif
