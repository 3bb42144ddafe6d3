#include "platform/sandbox_calls.hpp"

#include <fcntl.h>
#include <linux/sched.h>
#include <linux/sockios.h>
#include <linux/watchdog.h>
#include <netinet/in.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace vedette::platform {
namespace {

constexpr std::uint16_t bit(Confined kind) {
  return static_cast<std::uint16_t>(1U << static_cast<unsigned>(kind));
}
constexpr std::uint16_t kEngine = bit(Confined::engine), kIngress = bit(Confined::ingress),
                        kHot = kEngine | kIngress, kMain = bit(Confined::main);
constexpr std::uint16_t kDisk =
    bit(Confined::journal) | bit(Confined::mirror) | bit(Confined::image) | kMain;
constexpr std::uint16_t kAll = kDisk | kHot | bit(Confined::hand) | bit(Confined::log);
// Only if the plan has CAN interfaces.
constexpr std::uint16_t kIfCan = 1U << 15;

constexpr std::uint64_t kInt = 0xFFFFFFFF;  // an int: the rest of the register may be anything
constexpr std::uint64_t kPointer = ~std::uint64_t{0};
constexpr std::uint64_t kThisProcess = ~std::uint64_t{0};  // replaced by its number
constexpr ArgumentRule kNoCode{2, PROT_EXEC, 0};
constexpr ArgumentRule kOwn{0, kInt, kThisProcess};

constexpr ArgumentRule is(std::uint8_t argument, std::uint64_t value) {
  return {argument, kInt, value & kInt};
}

constexpr std::uint64_t kPairOf = SOCK_CLOEXEC | SOCK_NONBLOCK;

constexpr std::string_view kTime = "reads clocks, sleeps, waits for other threads";
constexpr std::string_view kMemory = "takes and returns memory, never executable";
constexpr std::string_view kEnds = "ends, or ends the process; a failed check dumps core";
constexpr std::string_view kOpened = "reads and writes what is open";
constexpr std::string_view kTakes = "receives and sends on sockets that main has opened";
constexpr std::string_view kFiles = "works on the data folder's files (Landlock says which)";
constexpr std::string_view kStarts = "starts a thread for the log, which confines itself";
constexpr std::string_view kConnects = "opens connections again, and takes in those of others";
constexpr std::string_view kLines = "opens serial lines again";
constexpr std::string_view kCan = "opens CAN interfaces again";
constexpr std::string_view kClock = "asks whether the clock is synchronised";

// What is not here ends the process. Every thread's first rows are the same, because the C library
// makes these calls wherever it likes.
constexpr CallRule kRules[] = {
    {SCMP_SYS(clock_gettime), kAll, kTime},
    {SCMP_SYS(clock_getres), kAll, kTime},
    {SCMP_SYS(clock_nanosleep), kAll, kTime},
    {SCMP_SYS(nanosleep), kAll, kTime},
    {SCMP_SYS(gettimeofday), kAll, kTime},
    {SCMP_SYS(time), kAll, kTime},
    {SCMP_SYS(restart_syscall), kAll, kTime},
    {SCMP_SYS(futex), kAll, kTime},
    {SCMP_SYS(sched_yield), kAll, kTime},
    {SCMP_SYS(rt_sigreturn), kAll, kTime},
    {SCMP_SYS(rt_sigprocmask), kAll, kTime},
    {SCMP_SYS(getpid), kAll, kTime},
    {SCMP_SYS(gettid), kAll, kTime},
    {SCMP_SYS(getcpu), kAll, kTime},
    {SCMP_SYS(prctl), kAll, kTime, is(0, PR_GET_NAME)},
    {SCMP_SYS(sched_getaffinity), kAll, kTime},
    {SCMP_SYS(getrandom), kAll, kTime},
    {SCMP_SYS(mmap), kAll, kMemory, kNoCode},
    {SCMP_SYS(mprotect), kAll, kMemory, kNoCode},
    {SCMP_SYS(mremap), kAll, kMemory},
    {SCMP_SYS(munmap), kAll, kMemory},
    {SCMP_SYS(madvise), kAll, kMemory},
    {SCMP_SYS(brk), kAll, kMemory},
    {SCMP_SYS(exit), kAll, kEnds},
    {SCMP_SYS(exit_group), kAll, kEnds},
    {SCMP_SYS(rt_sigaction), kAll, kEnds, is(0, SIGABRT)},
    {SCMP_SYS(sysinfo), kAll, "the C library asks how much memory there is before it sorts"},
    {SCMP_SYS(tgkill), kAll, kEnds, kOwn},
    {SCMP_SYS(read), kAll, kOpened},
    {SCMP_SYS(write), kAll, kOpened},
    {SCMP_SYS(writev), kAll, kOpened},
    {SCMP_SYS(close), kAll, kOpened},

    {SCMP_SYS(io_uring_enter), kIngress, "hears its sources through the ring, which is restricted"},
    {SCMP_SYS(pidfd_getfd), kHot, "takes what main has opened into its own table"},
    {SCMP_SYS(ioctl), kIngress, "asks whether a port has its link", is(1, SIOCGIFFLAGS)},
    {SCMP_SYS(readv), kIngress, "takes packets from a TAP port"},
    {SCMP_SYS(recvfrom), kHot | kMain, kTakes},
    {SCMP_SYS(sendto), kHot | kMain, kTakes, {4, kPointer, 0}},
    {SCMP_SYS(poll), kIngress | kMain, kTakes},
    {SCMP_SYS(ppoll), kIngress | kMain, kTakes},
    {SCMP_SYS(getsockopt), kHot | kMain, kTakes},
    {SCMP_SYS(ioctl), kEngine, "asks what a connection has not acknowledged", is(1, SIOCOUTQ)},

    {SCMP_SYS(openat), kDisk, kFiles},
    {SCMP_SYS(open), kDisk, kFiles},
    {SCMP_SYS(newfstatat), kDisk, kFiles},
    {SCMP_SYS(fstat), kDisk, kFiles},
    {SCMP_SYS(stat), kDisk, kFiles},
    {SCMP_SYS(lstat), kDisk, kFiles},
    {SCMP_SYS(statx), kDisk, kFiles},
    {SCMP_SYS(statfs), kDisk, kFiles},
    {SCMP_SYS(fstatfs), kDisk, kFiles},
    {SCMP_SYS(access), kDisk, kFiles},
    {SCMP_SYS(faccessat), kDisk, kFiles},
    {SCMP_SYS(faccessat2), kDisk, kFiles},
    {SCMP_SYS(getdents64), kDisk, kFiles},
    {SCMP_SYS(lseek), kDisk, kFiles},
    {SCMP_SYS(pread64), kDisk, kFiles},
    {SCMP_SYS(pwrite64), kDisk, kFiles},
    {SCMP_SYS(preadv), kDisk, kFiles},
    {SCMP_SYS(pwritev), kDisk, kFiles},
    {SCMP_SYS(fsync), kDisk, kFiles},
    {SCMP_SYS(fdatasync), kDisk, kFiles},
    {SCMP_SYS(ftruncate), kDisk, kFiles},
    {SCMP_SYS(fallocate), kDisk, kFiles},
    {SCMP_SYS(fadvise64), kDisk, kFiles},
    {SCMP_SYS(rename), kDisk, kFiles},
    {SCMP_SYS(renameat), kDisk, kFiles},
    {SCMP_SYS(renameat2), kDisk, kFiles},
    {SCMP_SYS(unlink), kDisk, kFiles},
    {SCMP_SYS(unlinkat), kDisk, kFiles},
    {SCMP_SYS(rmdir), kDisk, kFiles},
    {SCMP_SYS(mkdir), kDisk, kFiles},
    {SCMP_SYS(mkdirat), kDisk, kFiles},
    {SCMP_SYS(flock), kDisk, kFiles},
    {SCMP_SYS(uname), kDisk, kFiles},
    {SCMP_SYS(readlink), kDisk, kFiles},
    {SCMP_SYS(readlinkat), kDisk, kFiles},
    {SCMP_SYS(fcntl), kDisk, kFiles, is(1, F_GETFL)},
    {SCMP_SYS(fcntl), kDisk, kFiles, is(1, F_SETFL)},
    {SCMP_SYS(fcntl), kDisk, kFiles, is(1, F_GETFD)},
    {SCMP_SYS(fcntl), kDisk, kFiles, is(1, F_SETFD)},
    {SCMP_SYS(fcntl), kDisk, kFiles, is(1, F_SETLK)},
    {SCMP_SYS(fcntl), kDisk, kFiles, is(1, F_SETLKW)},

    {SCMP_SYS(clone), kMain, kStarts, {0, CLONE_THREAD | CLONE_VM, CLONE_THREAD | CLONE_VM}},
    {SCMP_SYS(set_robust_list), kMain, kStarts},
    {SCMP_SYS(rseq), kMain, kStarts},
    {SCMP_SYS(prctl), kMain, kStarts, is(0, PR_SET_NAME)},
    {SCMP_SYS(prctl), kMain, kStarts, is(0, PR_SET_NO_NEW_PRIVS)},
    {SCMP_SYS(capset), kMain, kStarts},
    {SCMP_SYS(seccomp), kMain, kStarts},
    {SCMP_SYS(landlock_create_ruleset), kMain, kStarts},
    {SCMP_SYS(landlock_restrict_self), kMain, kStarts},
    {SCMP_SYS(clock_adjtime), kMain, kClock},
    {SCMP_SYS(adjtimex), kMain, kClock},
    {SCMP_SYS(getuid), kMain, "asks who it is"},
    {SCMP_SYS(geteuid), kMain, "asks who it is"},
    // Not MPTCP, of which Landlock's ports know nothing.
    {SCMP_SYS(socket), kMain, kConnects, is(0, AF_INET), is(2, 0)},
    {SCMP_SYS(socket), kMain, kConnects, is(0, AF_INET), is(2, IPPROTO_TCP)},
    {SCMP_SYS(socket), kMain, kConnects, is(0, AF_INET), is(2, IPPROTO_UDP)},
    {SCMP_SYS(socket), kMain, kConnects, is(0, AF_INET6), is(2, 0)},
    {SCMP_SYS(socket), kMain, kConnects, is(0, AF_INET6), is(2, IPPROTO_TCP)},
    {SCMP_SYS(socket), kMain, kConnects, is(0, AF_INET6), is(2, IPPROTO_UDP)},
    // Not of datagrams, which could be sent to any local socket.
    {SCMP_SYS(socketpair), kMain, kConnects, is(0, AF_UNIX), is(1, kPairOf | SOCK_STREAM)},
    {SCMP_SYS(socketpair), kMain, kConnects, is(0, AF_UNIX), is(1, kPairOf | SOCK_SEQPACKET)},
    {SCMP_SYS(connect), kMain, kConnects},
    {SCMP_SYS(accept4), kMain, kConnects},
    {SCMP_SYS(getsockname), kMain, kConnects},
    {SCMP_SYS(getpeername), kMain, kConnects},
    {SCMP_SYS(setsockopt), kMain, kConnects},
    {SCMP_SYS(shutdown), kMain, kConnects},
    {SCMP_SYS(fcntl), kMain, "opens standard input again", is(1, F_DUPFD_CLOEXEC)},
    {SCMP_SYS(ioctl), kMain, kLines, is(1, TCGETS)},
    {SCMP_SYS(ioctl), kMain, kLines, is(1, TCSETS)},
    {SCMP_SYS(ioctl), kMain, "feeds the machine's watchdog", is(1, WDIOC_KEEPALIVE)},
    {SCMP_SYS(socket), kMain | kIfCan, kCan, is(0, AF_CAN)},
    {SCMP_SYS(bind), kMain | kIfCan, kCan},
    {SCMP_SYS(ioctl), kMain | kIfCan, kCan, is(1, SIOCGIFFLAGS)},
    {SCMP_SYS(ioctl), kMain | kIfCan, kCan, is(1, SIOCGIFINDEX)},
};

scmp_arg_cmp compare(const ArgumentRule& rule) {
  const std::uint64_t own = static_cast<std::uint64_t>(::getpid());
  return {rule.argument, SCMP_CMP_MASKED_EQ, rule.mask,
          rule.value == kThisProcess ? own : rule.value};
}

bool applies(const CallRule& rule, Confined kind, const SandboxNeeds& needs) {
  const std::uint16_t kinds = static_cast<std::uint16_t>(
      bit(kind) | (kind == Confined::engine && needs.fused ? kIngress : 0));
  return (rule.kinds & kinds) != 0 && ((rule.kinds & kIfCan) == 0 || needs.can);
}

int add(scmp_filter_ctx filter, const CallRule& rule) {
  scmp_arg_cmp compares[2];
  unsigned n = 0;
  for (const ArgumentRule* of : {&rule.first, &rule.second}) {
    if (of->mask != 0) {
      compares[n++] = compare(*of);
    }
  }
  return ::seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, rule.call, n, compares);
}

// Of a filter under way: 0, or the library's -errno.
int fill(scmp_filter_ctx filter, Confined kind, const SandboxNeeds& needs) {
  // The kernel remembers which calls are always allowed; the tree is for the others.
  int error = ::seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
  // A call of another architecture's table is trapped as well.
  error = error != 0 ? error : ::seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_TRAP);
  for (const CallRule& rule : kRules) {
    if (error == 0 && applies(rule, kind, needs)) {
      error = add(filter, rule);
    }
  }
  // Its arguments lie in memory, where no filter sees them: the C library takes clone() instead.
  return error != 0 || kind != Confined::main
             ? error
             : ::seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0,
                                        nullptr);
}

constexpr int kPrograms[] = {SCMP_SYS(execve),
                             SCMP_SYS(execveat),
                             SCMP_SYS(ptrace),
                             SCMP_SYS(process_vm_readv),
                             SCMP_SYS(process_vm_writev),
                             SCMP_SYS(init_module),
                             SCMP_SYS(finit_module),
                             SCMP_SYS(kexec_load),
                             SCMP_SYS(kexec_file_load),
                             SCMP_SYS(mount),
                             SCMP_SYS(pivot_root),
                             SCMP_SYS(reboot),
                             SCMP_SYS(personality),
                             SCMP_SYS(pkey_mprotect),
                             SCMP_SYS(shmat)};

int fill_programs(scmp_filter_ctx filter) {
  int error = 0;
  for (const int call : kPrograms) {
    error = error != 0 ? error : ::seccomp_rule_add_array(filter, SCMP_ACT_TRAP, call, 0, nullptr);
  }
  const scmp_arg_cmp code{2, SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC};
  for (const int call : {SCMP_SYS(mmap), SCMP_SYS(mprotect)}) {
    error = error != 0 ? error : ::seccomp_rule_add_array(filter, SCMP_ACT_TRAP, call, 1, &code);
  }
  return error;
}

// Loads a filter for this thread alone, and with it no_new_privs.
int finish(scmp_filter_ctx filter, int error, bool load) {
  if (error == 0 && load) {
    error = ::seccomp_load(filter);
  }
  ::seccomp_release(filter);
  return -error;
}

}  // namespace

int filter_programs() {
  scmp_filter_ctx filter = ::seccomp_init(SCMP_ACT_ALLOW);
  return filter == nullptr ? ENOMEM : finish(filter, fill_programs(filter), true);
}

std::span<const CallRule> call_rules() {
  return kRules;
}

int filter_calls(Confined kind, const SandboxNeeds& needs, bool load) {
  scmp_filter_ctx filter = ::seccomp_init(SCMP_ACT_TRAP);
  if (filter == nullptr) {
    return ENOMEM;
  }
  return finish(filter, fill(filter, kind, needs), load);
}

}  // namespace vedette::platform
