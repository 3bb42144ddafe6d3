#include "platform/denied_call.hpp"

#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <type_traits>

#include "platform/file.hpp"
#include "platform/hot_thread.hpp"

namespace vedette::platform {
namespace {

constexpr std::uint64_t kMagic = 0x31594E4544544456;  // "VDTDENY1"
constexpr std::size_t kPageBytes = 4096;

// The file: host order, because it never leaves the machine. A later program that changes it gives
// it another magic, and begins anew.
struct Page {
  std::uint64_t magic;
  char version[32];       // of the program
  std::uint32_t pending;  // 1: the next start has not read this yet
  std::int32_t number;    // of the system call
  std::uint32_t machine;  // AUDIT_ARCH_*
  std::int32_t source;    // index into `sources`, or -1
  std::int64_t at_ns;
  char thread[16];
  struct Source {
    char name[kDeniedNameBytes + 1];
    std::uint32_t caused;
  } sources[kDeniedSources];
};
static_assert(sizeof(Page) <= kPageBytes && std::is_trivially_copyable_v<Page>);

// A signal's handler has no argument of ours. One process has one page.
std::atomic<Page*> g_page{nullptr};

void put(std::span<char> into, std::string_view text) {
  const std::size_t n = text.size() < into.size() - 1 ? text.size() : into.size() - 1;
  std::memset(into.data(), 0, into.size());
  std::memcpy(into.data(), text.data(), n);
}

// Async-signal-safe, and makes only calls that every thread may make.
void on_denied(int, siginfo_t* info, void*) {
  if (Page* const page = g_page.load(std::memory_order_acquire); page != nullptr) {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    page->number = info->si_syscall;
    page->machine = info->si_arch;
    page->at_ns = now.tv_sec * 1'000'000'000 + now.tv_nsec;
    put(page->thread, t_thread_in_work);
    page->source = t_source_in_work;
    if (page->source >= 0 && page->source < static_cast<int>(kDeniedSources)) {
      ++page->sources[page->source].caused;
    }
    // The kernel keeps a shared page when its process has gone, so plain stores are enough.
    page->pending = 1;
  }
  exit_now(kDeniedExit);
}

std::string name_of_call(std::uint32_t machine, int number) {
  char* const name = ::seccomp_syscall_resolve_num_arch(machine, number);
  std::string text = name == nullptr ? "call " + std::to_string(number) : name;
  std::free(name);
  return text;
}

std::string text_in(std::span<const char> from) {
  return {from.data(), ::strnlen(from.data(), from.size())};
}

void read_before(const Page& old, std::string_view version, std::span<const std::string> sources,
                 DeniedBefore& before) {
  if (old.magic != kMagic) {
    return;
  }
  if (old.pending == 1) {
    const bool known = old.source >= 0 && old.source < static_cast<int>(kDeniedSources);
    before.last =
        DeniedCall{text_in(old.thread), name_of_call(old.machine, old.number), old.number,
                   known ? text_in(old.sources[old.source].name) : std::string(), old.at_ns};
  }
  for (std::size_t s = 0; s < sources.size() && text_in(old.version) == version; ++s) {
    for (const Page::Source& source : old.sources) {
      if (text_in(source.name) == sources[s]) {
        before.caused[s] = source.caused;
      }
    }
  }
}

}  // namespace

int begin_denied_calls(const std::string& path, std::string_view version,
                       std::span<const std::string> sources, DeniedBefore& before) {
  const Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640));
  if (!file.valid()) {
    return errno;
  }
  Page page{};
  if (::pread(file.get(), &page, sizeof page, 0) != static_cast<ssize_t>(sizeof page)) {
    page = {};
  }
  read_before(page, version, sources, before);
  page = {};
  page.magic = kMagic;
  put(page.version, version);
  page.source = -1;
  for (std::size_t s = 0; s < sources.size() && s < kDeniedSources; ++s) {
    put(page.sources[s].name, sources[s]);
    page.sources[s].caused = before.caused[s];
  }
  if (::ftruncate(file.get(), kPageBytes) != 0 ||
      ::pwrite(file.get(), &page, sizeof page, 0) != static_cast<ssize_t>(sizeof page)) {
    return errno;
  }
  void* const at =
      ::mmap(nullptr, kPageBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file.get(), 0);
  if (at == MAP_FAILED) {
    return errno;
  }
  g_page.store(static_cast<Page*>(at), std::memory_order_release);  // pairs with the handler's load
  return 0;
}

void catch_denied_calls() {
  struct sigaction action {};
  action.sa_sigaction = on_denied;
  action.sa_flags = SA_SIGINFO;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGSYS, &action, nullptr);
}

}  // namespace vedette::platform
