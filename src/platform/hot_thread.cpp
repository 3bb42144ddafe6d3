#include "platform/hot_thread.hpp"

#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "base/bytes.hpp"
#include "base/check.hpp"
#include "base/math.hpp"
#include "platform/file.hpp"

// Symbols of the linker: the program's begin and end.
extern "C" char __executable_start;  // NOLINT(bugprone-reserved-identifier)
extern "C" char _end;                // NOLINT(bugprone-reserved-identifier)

namespace vedette::platform {
namespace {

thread_local bool t_sealed = false;

}  // namespace

int thread_id() {
  return ::gettid();
}

bool thread_is_there(int id) {
  return ::syscall(SYS_tgkill, ::getpid(), id, 0) == 0;
}

HotGrant make_hot(const HotOptions& options) {
  HotGrant grant;
  ::pthread_setname_np(::pthread_self(), options.name);
  if (options.core >= 0) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<std::size_t>(options.core), &set);
    const int error = ::pthread_setaffinity_np(::pthread_self(), sizeof set, &set);
    if (error != 0) {
      grant.pinning = "core " + std::to_string(options.core) + ": " + std::strerror(error);
    }
  }
  if (options.priority > 0) {
    sched_param param{};
    param.sched_priority = options.priority;
    const int error = ::pthread_setschedparam(::pthread_self(), SCHED_FIFO, &param);
    grant.fifo = error == 0;
    if (error != 0) {
      grant.priority =
          "SCHED_FIFO " + std::to_string(options.priority) + ": " + std::strerror(error);
    }
  }
  set_float_environment();
  CHECK(float_environment_ok(), "floating point control word not as set");
  return grant;
}

void unpin() {
  cpu_set_t all;
  std::memset(&all, 0xFF, sizeof all);
  ::pthread_setaffinity_np(::pthread_self(), sizeof all, &all);
}

void keep_off(std::initializer_list<int> cores) {
  cpu_set_t set;
  if (::pthread_getaffinity_np(::pthread_self(), sizeof set, &set) != 0) {
    return;
  }
  for (const int core : cores) {
    if (core >= 0 && core < CPU_SETSIZE) {
      CPU_CLR(static_cast<std::size_t>(core), &set);
    }
  }
  if (CPU_COUNT(&set) != 0) {
    ::pthread_setaffinity_np(::pthread_self(), sizeof set, &set);
  }
}

void give_way(int nice) {
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), nice);
}

namespace {

thread_local int t_process = -1;  // process whose table other threads use

// The thread sanitizer takes equal numbers in two tables for the same descriptor.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define VEDETTE_ONE_TABLE 1
#endif
#endif
#if defined(__SANITIZE_THREAD__) || defined(VEDETTE_ONE_TABLE)
constexpr bool kOneTable = true;
#else
constexpr bool kOneTable = false;
#endif

// The regular files here are the journal, the image and the data folder's lock.
void leave_files() {
  for (const std::string& name : list_folder("/proc/thread-self/fd")) {
    const int fd = std::atoi(name.c_str());
    struct stat info {};
    if (fd > STDERR_FILENO && ::fstat(fd, &info) == 0 &&
        (S_ISREG(info.st_mode) || S_ISDIR(info.st_mode))) {
      ::close(fd);
    }
  }
}

}  // namespace

bool keep_own_descriptors() {
  if (kOneTable) {
    return false;
  }
  const auto process = static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0));
  const auto again = static_cast<int>(::syscall(SYS_pidfd_getfd, process, process, 0));
  if (again >= 0) {
    ::close(again);
  }
  if (again < 0 || list_folder("/proc/thread-self/fd").empty() || ::unshare(CLONE_FILES) != 0) {
    ::close(process);
    return false;
  }
  t_process = process;
  leave_files();
  return true;
}

int own_descriptor(int fd) {
  return t_process < 0 ? fd : static_cast<int>(::syscall(SYS_pidfd_getfd, t_process, fd, 0));
}

void drop_own_descriptor(int fd) {
  if (t_process >= 0) {
    ::close(fd);
  }
}

void seal_thread() {
  t_sealed = true;
}
void unseal_thread() {
  t_sealed = false;
}
bool thread_sealed() {
  return t_sealed;
}

std::string lock_memory() {
  // Locks only current mappings. Everything hot is mapped at start; with MCL_FUTURE every later
  // mapping of a warm thread would cost as much as touching it.
  if (::mlockall(MCL_CURRENT) == 0) {
    return {};
  }
  return std::string("mlockall: ") + std::strerror(errno);
}

void fill_in_memory() {
  ::mlockall(MCL_FUTURE);
}

void end_process(std::string_view message, int code) {
  constexpr int kLooks = 1000;
  constexpr std::int64_t kLookNs = 1'000'000;
  static std::atomic<bool> written{false};
  // Standard error may be a file on the disk that hangs, and the process must end all the same.
  std::thread([line = "{\"kind\":\"fault\",\"message\":\"" + std::string(message) + "\"}\n"] {
    [[maybe_unused]] const auto wrote = ::write(STDERR_FILENO, line.data(), line.size());
    written.store(true, std::memory_order_release);  // pairs with the acquire below
  }).detach();
  for (int n = 0; n < kLooks && !written.load(std::memory_order_acquire); ++n) {
    rest_ns(kLookNs);
  }
  ::_exit(code);
}

void exit_now(int code) {
  ::_exit(code);
}

void bound_thread_stacks() {
  constexpr std::size_t kStackBytes = std::size_t{1} << 20;
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setstacksize(&attributes, kStackBytes);
  ::pthread_setattr_default_np(&attributes);
  ::pthread_attr_destroy(&attributes);
}

std::size_t program_bytes() {
  return static_cast<std::size_t>(&_end - &__executable_start);
}

void trim_heap() {
  constexpr int kLarge = 128 << 10;
  ::mallopt(M_MMAP_THRESHOLD, kLarge);  // an explicit threshold stops the library from raising it
  ::malloc_trim(0);
}

Block map_block(std::size_t bytes, bool want_huge) {
  Block block;
  if (want_huge) {
    block.bytes = align_up(bytes, kHugePageBytes);
    block.base = ::mmap(nullptr, block.bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_POPULATE, -1, 0);
    block.huge = block.base != MAP_FAILED;
    if (block.huge) {
      return block;
    }
  }
  block.bytes = align_up(bytes, 4096);
  block.base = ::mmap(nullptr, block.bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (block.base == MAP_FAILED) {
    return {};
  }
  return block;
}

bool fifo_is_throttled() {
  const auto runtime = read_text_file("/proc/sys/kernel/sched_rt_runtime_us", 64);
  return runtime && !runtime->starts_with("-1");
}

void rest_ns(std::int64_t ns) {
  constexpr std::int64_t kSecondNs = 1'000'000'000;
  const timespec t{ns / kSecondNs, static_cast<long>(ns % kSecondNs)};
  ::nanosleep(&t, nullptr);
}

}  // namespace vedette::platform

#ifdef VEDETTE_ALLOCATION_TRAP

// The linker redirects every library's allocations here (--wrap), so that "no allocation on a hot
// thread" covers all code.
extern "C" {

void* __real_malloc(std::size_t bytes);
void* __real_calloc(std::size_t count, std::size_t bytes);
void* __real_realloc(void* old, std::size_t bytes);
void __real_free(void* old);
void* __real_aligned_alloc(std::size_t alignment, std::size_t bytes);
int __real_posix_memalign(void** out, std::size_t alignment, std::size_t bytes);

static void trap_if_sealed() {
  if (__builtin_expect(vedette::platform::t_sealed, 0)) {
    vedette::platform::t_sealed = false;  // the report itself may allocate
    vedette::check_failed("allocation", "allocation on a hot thread after start", __FILE__,
                          __LINE__);
  }
}

void* __wrap_malloc(std::size_t bytes) {
  trap_if_sealed();
  return __real_malloc(bytes);
}
void* __wrap_calloc(std::size_t count, std::size_t bytes) {
  trap_if_sealed();
  return __real_calloc(count, bytes);
}
void* __wrap_realloc(void* old, std::size_t bytes) {
  trap_if_sealed();
  return __real_realloc(old, bytes);
}
void __wrap_free(void* old) {
  if (old != nullptr) {
    trap_if_sealed();
  }
  __real_free(old);
}
void* __wrap_aligned_alloc(std::size_t alignment, std::size_t bytes) {
  trap_if_sealed();
  return __real_aligned_alloc(alignment, bytes);
}
int __wrap_posix_memalign(void** out, std::size_t alignment, std::size_t bytes) {
  trap_if_sealed();
  return __real_posix_memalign(out, alignment, bytes);
}
}

#endif
