#include "platform/sandbox.hpp"

#include <linux/capability.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <thread>

#include "platform/denied_call.hpp"
#include "platform/landlock.hpp"
#include "platform/ring.hpp"
#include "platform/sandbox_calls.hpp"

namespace vedette::platform {
namespace {

// A sanitizer makes calls of its own at any time, and maps what it likes.
#ifdef VEDETTE_ALLOCATION_TRAP
constexpr bool kBuilt = true;
#else
constexpr bool kBuilt = false;
#endif

// Of headers newer than Debian 12's.
constexpr int kSetMdwe = 65, kGetMdwe = 66;
constexpr unsigned long kRefuseExecGain = 1;

constexpr std::array<SandboxPieceFacts, kSandboxPieces> kPieces{{
    {"rings", "the ring of the sources takes no request but receive, read and cancel", "5.10",
     "seccomp cannot see what is asked through a ring"},
    {"files", "Landlock: threads open nothing outside the data folder and the site's devices",
     "5.13", "the file system's permissions alone decide what main and the disk's threads open"},
    {"ports", "Landlock: main connects to the site's TCP ports alone", "6.7",
     "main may connect anywhere; no other thread may connect at all (seccomp)"},
    {"mdwe", "the kernel refuses to make memory executable", "6.3",
     "seccomp refuses it, thread by thread"},
    {"capabilities", "no thread keeps a right of the superuser", "2.6", ""},
    {"no-new-privs", "no program that it starts gains rights", "3.5", ""},
    {"seccomp", "each thread may make its own few system calls", "3.17",
     "a broken parser may make any call that the process's user may"},
}};
constexpr std::string_view kNames[] = {"engine", "ingress", "journal", "hand",
                                       "mirror", "image",   "main",    "log"};

// The process has one sandbox, as it has one user.
SandboxNeeds g_needs;
std::atomic<bool> g_on{false};
std::array<std::atomic<int>, kSandboxPieces> g_lacks{};

int errno_unless(bool good) {
  return good ? 0 : errno;
}

// The C library reads /proc/sys/vm/overcommit_memory when it first returns memory of a thread's
// own heap, once a process. Afterwards no thread opens it.
void settle_heap() {
  constexpr std::size_t kPiece = 64 << 10;
  void* pieces[8];
  for (void*& piece : pieces) {
    piece = ::malloc(kPiece);
  }
  for (void* piece : pieces) {
    ::free(piece);
  }
}

// The folder of what a link names, because a device that is plugged in again is a new file.
std::string folder_of(const std::string& path) {
  char whole[PATH_MAX];
  std::string at = ::realpath(path.c_str(), whole) != nullptr ? whole : path;
  const std::size_t slash = at.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : at.substr(0, slash);
}

bool is_superuser() {
  return ::geteuid() == 0;
}

bool opens_files(Confined kind) {
  return kind == Confined::journal || kind == Confined::mirror || kind == Confined::image ||
         kind == Confined::main;
}

// c-ares reads them anew for each name.
void add_name_files(std::vector<FileRule>& rules) {
  rules.push_back({"/dev/urandom", FileUse::read});
  for (const char* path : {"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/host.conf",
                           "/etc/svc.conf"}) {
    const std::string folder = folder_of(path);
    // A file that is written anew is another file, so the folder counts; but of /etc the superuser
    // may read everything.
    rules.push_back(
        {folder == "/etc" && is_superuser() ? std::string(path) : folder, FileUse::read});
  }
}

std::vector<FileRule> files_for(Confined kind) {
  std::vector<FileRule> rules;
  if (!opens_files(kind)) {
    return rules;
  }
  rules.push_back({g_needs.data, FileUse::keep});
  if (kind != Confined::main) {
    return rules;
  }
  for (const std::string& folder : g_needs.also) {
    rules.push_back({folder, FileUse::keep});
  }
  for (const std::string& folder : g_needs.reads) {
    rules.push_back({folder, FileUse::read});
  }
  for (const std::string& device : g_needs.devices) {
    rules.push_back({folder_of(device), FileUse::devices});
    rules.push_back({"/dev", FileUse::devices});
  }
  if (g_needs.names) {
    add_name_files(rules);
  }
  return rules;
}

// Root opens a folder or device of somebody else by one of its rights alone.
bool is_foreign(const std::string& path) {
  struct stat info {};
  return is_superuser() && ::stat(path.c_str(), &info) == 0 && info.st_uid != 0;
}

int drop_capabilities(bool opens_files) {
  __user_cap_header_struct head{_LINUX_CAPABILITY_VERSION_3, 0};  // 0: this thread
  __user_cap_data_struct kept[2]{};
  if (opens_files && is_superuser() && !foreign_file().empty()) {
    kept[0].effective = kept[0].permitted = 1U << CAP_DAC_OVERRIDE;
  }
  return errno_unless(::syscall(SYS_capset, &head, kept) == 0);
}

}  // namespace

std::string foreign_file() {
  if (is_foreign(g_needs.data)) {
    return g_needs.data;
  }
  for (const std::string& device : g_needs.devices) {
    if (is_foreign(device)) {
      return device;
    }
  }
  return {};
}

const SandboxPieceFacts& facts_of(SandboxPiece piece) {
  return kPieces[static_cast<std::size_t>(piece)];
}

std::string_view name_of(Confined kind) {
  return kNames[static_cast<std::size_t>(kind)];
}

std::array<int, kSandboxPieces> kernel_sandbox() {
  const unsigned trap = SECCOMP_RET_TRAP;
  const int version = landlock_abi();
  std::array<int, kSandboxPieces> lacks{};
  const auto at = [&](SandboxPiece piece) -> int& {
    return lacks[static_cast<std::size_t>(piece)];
  };
  at(SandboxPiece::rings) = restricted_rings();
  at(SandboxPiece::files) = version >= 1 ? 0 : ENOSYS;
  at(SandboxPiece::ports) = version >= 4 ? 0 : ENOSYS;
  at(SandboxPiece::mdwe) = errno_unless(::prctl(kGetMdwe, 0, 0, 0, 0) >= 0);
  at(SandboxPiece::privileges) = errno_unless(::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) >= 0);
  at(SandboxPiece::calls) =
      errno_unless(::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &trap) == 0);
  return lacks;
}

void note_piece(SandboxPiece piece, int error) {
  if (error != 0) {
    g_lacks[static_cast<std::size_t>(piece)].store(error, std::memory_order_relaxed);
  }
}

bool begin_sandbox(SandboxNeeds needs) {
  if (!kBuilt || !needs.enforce) {
    return kBuilt;
  }
  g_needs = std::move(needs);
  std::thread(settle_heap).join();
  const auto lacks = kernel_sandbox();
  for (std::size_t i = 0; i < lacks.size(); ++i) {
    note_piece(static_cast<SandboxPiece>(i), lacks[i]);
  }
  catch_denied_calls();
  g_on.store(true, std::memory_order_release);
  return true;
}

SandboxState sandbox_state() {
  SandboxState state{g_on.load(std::memory_order_acquire), {}};
  for (std::size_t i = 0; i < state.lacks.size(); ++i) {
    state.lacks[i] = g_lacks[i].load(std::memory_order_relaxed);
  }
  return state;
}

void forbid_programs() {
  if (g_on.load(std::memory_order_acquire)) {
    note_piece(SandboxPiece::calls, filter_programs());
  }
}

void confine(Confined kind) {
  if (!g_on.load(std::memory_order_acquire)) {
    return;
  }
  t_thread_in_work = kNames[static_cast<std::size_t>(kind)].data();
  if (landlock_abi() >= 1) {
    const auto ports = kind == Confined::main ? std::span<const std::uint16_t>(g_needs.ports)
                                              : std::span<const std::uint16_t>();
    note_piece(SandboxPiece::files, confine_files_and_ports(files_for(kind), ports));
  }
  if (kind == Confined::main) {  // of the whole process, whose other threads have begun
    note_piece(SandboxPiece::mdwe, errno_unless(::prctl(kSetMdwe, kRefuseExecGain, 0, 0, 0) == 0));
  }
  note_piece(SandboxPiece::capabilities, drop_capabilities(opens_files(kind)));
  note_piece(SandboxPiece::privileges, errno_unless(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0));
  note_piece(SandboxPiece::calls, filter_calls(kind, g_needs, true));
}

}  // namespace vedette::platform
