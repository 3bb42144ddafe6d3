#include <fcntl.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "doctest/doctest.h"
#include "platform/denied_call.hpp"
#include "platform/sandbox_calls.hpp"

using namespace vedette;
using platform::Confined;

namespace {

constexpr Confined kKinds[] = {Confined::engine, Confined::ingress, Confined::journal,
                               Confined::hand,   Confined::mirror,  Confined::image,
                               Confined::main,   Confined::log};

}  // namespace

TEST_CASE("each kind of thread has a filter, and none may start a program or trace another") {
  platform::SandboxNeeds all;
  all.can = all.names = true;
  for (const Confined kind : kKinds) {
    CAPTURE(platform::name_of(kind));
    CHECK(platform::filter_calls(kind, all, false) == 0);
  }
  for (const platform::CallRule& rule : platform::call_rules()) {
    CHECK(rule.why.size() > 10);
    for (const int never :
         {SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(ptrace), SCMP_SYS(process_vm_writev),
          SCMP_SYS(fork), SCMP_SYS(vfork), SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_register),
          SCMP_SYS(bpf), SCMP_SYS(mount), SCMP_SYS(init_module), SCMP_SYS(kexec_load)}) {
      CHECK(rule.call != never);
    }
  }
}

#ifdef VEDETTE_ALLOCATION_TRAP  // a sanitizer makes calls of its own

namespace {

// What a child process ends with when it makes a call in this kind's filter.
template <typename Call>
int ends_with(Confined kind, const std::string& path, std::span<const std::string> sources,
              Call&& call) {
  const pid_t child = ::fork();
  if (child == 0) {
    platform::DeniedBefore before;
    const bool begun = platform::begin_denied_calls(path, "1", sources, before) == 0;
    platform::catch_denied_calls();
    const bool filtered = platform::filter_calls(kind, {}, true) == 0;
    platform::work_at(1);
    if (begun && filtered) {
      call();
    }
    ::_exit(begun && filtered ? 0 : 1);
  }
  int state = 0;
  ::waitpid(child, &state, 0);
  return WIFEXITED(state) ? WEXITSTATUS(state) : -1;
}

std::string new_page() {
  char folder[] = "/tmp/vedette-sandbox-XXXXXX";
  return std::string(::mkdtemp(folder)) + "/denied";
}

}  // namespace

TEST_CASE("a denied call ends the process, and the next start reads thread, call and source") {
  const std::string path = new_page();
  const std::string sources[] = {"ais", "radar"};
  CHECK(ends_with(Confined::journal, path, sources, [] { ::getpid(); }) == 0);
  for (std::uint32_t n = 1; n <= 3; ++n) {
    CHECK(ends_with(Confined::engine, path, sources, [] {
            static_cast<void>(::open("/etc/shadow", O_RDONLY));
          }) == platform::kDeniedExit);
    platform::DeniedBefore before;
    // The order of the sources may have changed with the site.
    const std::string now[] = {"radar", "ais"};
    REQUIRE(platform::begin_denied_calls(path, "1", now, before) == 0);
    REQUIRE(before.last);
    CHECK(before.last->call == "openat");
    CHECK(before.last->source == "radar");
    CHECK(before.caused[0] == n);
    CHECK(before.caused[1] == 0);
    platform::DeniedBefore again;
    REQUIRE(platform::begin_denied_calls(path, "1", sources, again) == 0);
    CHECK(!again.last);
  }
  platform::DeniedBefore another;  // a new version may have mended the decoder
  REQUIRE(platform::begin_denied_calls(path, "2", sources, another) == 0);
  CHECK(another.caused[1] == 0);
  std::filesystem::remove_all(std::filesystem::path(path).parent_path());
}

TEST_CASE("no thread makes memory executable") {
  const std::string path = new_page();
  for (const Confined kind : kKinds) {
    CAPTURE(platform::name_of(kind));
    CHECK(ends_with(kind, path, {}, [] {
            ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
                   -1, 0);
          }) == platform::kDeniedExit);
    CHECK(ends_with(kind, path, {}, [] {
            void* at =
                ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            ::mprotect(at, 4096, PROT_READ | PROT_EXEC);
          }) == platform::kDeniedExit);
  }
  std::filesystem::remove_all(std::filesystem::path(path).parent_path());
}

#endif
