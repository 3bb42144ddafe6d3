// The sandbox, attacked from inside (linked with --wrap). VED_PAYLOADS=all: each thread, once it is
// confined, tries what a broken decoder would, writes what became of it to standard error, and
// lives on where a trap would end the process. VED_PAYLOADS=decoder: a datagram that begins with
// "!payload" opens a file in its decoder; the trap ends the process as in the product. Without it
// there is no sandbox, because the other seams open files on every thread.
#include "platform/sandbox.hpp"

#include <fcntl.h>
#include <liburing.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "edge/codec/codec.hpp"

namespace vedette {

bool real_begin(platform::SandboxNeeds) __asm__(
    "__real__ZN7vedette8platform13begin_sandboxENS0_12SandboxNeedsE");
bool begin(platform::SandboxNeeds) __asm__(
    "__wrap__ZN7vedette8platform13begin_sandboxENS0_12SandboxNeedsE");
void real_confine(platform::Confined) __asm__("__real__ZN7vedette8platform7confineENS0_8ConfinedE");
void confine(platform::Confined) __asm__("__wrap__ZN7vedette8platform7confineENS0_8ConfinedE");
void real_exit_now(int) __asm__("__real__ZN7vedette8platform8exit_nowEi");
void exit_now(int) __asm__("__wrap__ZN7vedette8platform8exit_nowEi");
void real_datagram(codec::Decoder*, Bytes, std::int64_t, const codec::Output&) __asm__(
    "__real__ZN7vedette5codec7Decoder8datagramESt4spanIKhLm18446744073709551615EElRKNS0_6OutputE");
void datagram(codec::Decoder*, Bytes, std::int64_t, const codec::Output&) __asm__(
    "__wrap__ZN7vedette5codec7Decoder8datagramESt4spanIKhLm18446744073709551615EElRKNS0_6OutputE");
// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" int __real_io_uring_queue_init_params(unsigned entries, io_uring* ring,
                                                 io_uring_params* params);
extern "C" int __wrap_io_uring_queue_init_params(unsigned entries, io_uring* ring,
                                                 io_uring_params* params);
// NOLINTEND(bugprone-reserved-identifier)

namespace {

thread_local io_uring* t_ring = nullptr;
thread_local bool t_trapped = false;
thread_local const char* t_thread = "";

bool payloads(std::string_view which) {
  const char* wanted = std::getenv("VED_PAYLOADS");
  return wanted != nullptr && wanted == which;
}

// Writes "payload THREAD NAME RESULT"; the result is "trapped", "done", or an errno's number.
void say(const char* name, long result, int error) {
  char line[96];
  const int n =
      t_trapped     ? std::snprintf(line, sizeof line, "payload %s %s trapped\n", t_thread, name)
      : result >= 0 ? std::snprintf(line, sizeof line, "payload %s %s done\n", t_thread, name)
                    : std::snprintf(line, sizeof line, "payload %s %s %d\n", t_thread, name, error);
  [[maybe_unused]] const auto wrote = ::write(STDERR_FILENO, line, static_cast<std::size_t>(n));
}

template <typename Payload>
void attempt(const char* name, Payload&& payload) {
  t_trapped = false;
  errno = 0;
  const long result = payload();
  say(name, result, errno);
}

long connect_elsewhere() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  if (t_trapped || fd < 0) {
    return fd;
  }
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(9);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int connected = ::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to);
  const int error = errno;
  ::close(fd);
  errno = error;
  return connected;
}

long map_then_run(int first, int then) {
  void* const at = ::mmap(nullptr, 4096, first, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return at == MAP_FAILED || t_trapped || then == 0 ? (at == MAP_FAILED ? -1 : 0)
                                                    : ::mprotect(at, 4096, then);
}

template <typename Prepare>
long ask_ring(io_uring* ring, Prepare&& prepare) {
  prepare(::io_uring_get_sqe(ring));
  ::io_uring_submit_and_wait(ring, 1);
  io_uring_cqe* done = nullptr;
  if (::io_uring_peek_cqe(ring, &done) != 0) {
    errno = ENODATA;
    return -1;
  }
  const int result = done->res;
  ::io_uring_cqe_seen(ring, done);
  errno = -result;
  return result < 0 ? -1 : result;
}

void attempt_all() {
  attempt("open", [] { return ::open("/etc/shadow", O_RDONLY); });
  attempt("exec", [] {
    char* const words[] = {nullptr};
    return ::execve("/bin/true", words, words);
  });
  attempt("ptrace", [] { return ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr); });
  attempt("connect", connect_elsewhere);
  attempt("map", [] { return map_then_run(PROT_READ | PROT_WRITE | PROT_EXEC, 0); });
  attempt("protect", [] { return map_then_run(PROT_READ | PROT_WRITE, PROT_READ | PROT_EXEC); });
  attempt("kill", [] { return ::kill(1, 0); });
  attempt("fork", [] { return ::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0); });
  attempt("user", [] { return ::syscall(SYS_setresuid, 0, 0, 0); });
  attempt("mptcp", [] { return ::socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP); });
  attempt("datagram-pair", [] {
    int ends[2];
    return ::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends);
  });
  attempt("handler", [] {  // of the trap itself
    struct sigaction ignored {};
    ignored.sa_handler = SIG_IGN;
    return ::sigaction(SIGSYS, &ignored, nullptr);
  });
  attempt("new-ring", [] {
    io_uring_params params{};
    return ::syscall(SYS_io_uring_setup, 2, &params);
  });
  if (t_ring != nullptr) {
    attempt("ring-open", [] {
      return ask_ring(t_ring, [](io_uring_sqe* sqe) {
        ::io_uring_prep_openat(sqe, AT_FDCWD, "/etc/shadow", O_RDONLY, 0);
      });
    });
    // Landlock refuses the file as well, and this is refused by the ring alone.
    attempt("ring-other", [] { return ask_ring(t_ring, ::io_uring_prep_nop); });
  }
}

}  // namespace

bool begin(platform::SandboxNeeds needs) {
  needs.enforce = needs.enforce && std::getenv("VED_PAYLOADS") != nullptr;
  return real_begin(std::move(needs));
}

void confine(platform::Confined kind) {
  real_confine(kind);
  t_thread = name_of(kind).data();
  if (payloads("all")) {
    attempt_all();
  }
}

void exit_now(int code) {
  if (!payloads("all")) {
    real_exit_now(code);
  }
  t_trapped = true;
}

void datagram(codec::Decoder* decoder, Bytes bytes, std::int64_t now_ns, const codec::Output& out) {
  constexpr std::string_view kMark = "!payload";
  if (payloads("decoder") && bytes.size() >= kMark.size() &&
      std::memcmp(bytes.data(), kMark.data(), kMark.size()) == 0) {
    ::open("/etc/shadow", O_RDONLY);
  }
  real_datagram(decoder, bytes, now_ns, out);
}

extern "C" int __wrap_io_uring_queue_init_params(unsigned entries, io_uring* ring,
                                                 io_uring_params* params) {
  const int error = __real_io_uring_queue_init_params(entries, ring, params);
  if (entries > 2) {  // not the probe, which goes at once
    t_ring = ring;
  }
  return error;
}

}  // namespace vedette
