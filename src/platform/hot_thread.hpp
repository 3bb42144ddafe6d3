// Purpose: makes a thread hot: pinned, SCHED_FIFO, floating point checked, and sealed, after which
// an allocation on it stops the node. Runs on: the thread itself, at its start.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>

namespace vedette::platform {

struct HotOptions {
  const char* name;  // at most 15 characters
  int core;          // -1: not pinned
  int priority;      // SCHED_FIFO priority; 0: keep the normal scheduler
};

// What was requested and refused; empty texts mean granted.
struct HotGrant {
  std::string pinning;
  std::string priority;
  bool fifo = false;
};

int thread_id();               // of the calling thread
bool thread_is_there(int id);  // of this process
HotGrant make_hot(const HotOptions& options);
// Lets the thread run on every core again; it stays on its core until the scheduler moves it.
void unpin();
// Takes these cores from the thread and from those it starts, where it has others; -1 names none.
void keep_off(std::initializer_list<int> cores);
// Lowest scheduling priority: the thread yields its core to any other.
void give_way(int nice = 19);

// Gives this thread its own descriptor table, which saves system calls 0.1 us each for reference
// counts. It then opens nothing itself and takes descriptors that others open. It keeps no regular
// files, because it would hold the space of deleted ones. False where the system cannot do that;
// nothing changes then.
bool keep_own_descriptors();
// This thread's duplicate of another thread's `fd`; `fd` itself without an own table. -1 and errno
// when refused.
int own_descriptor(int fd);
// Closes the duplicate; does nothing without an own table.
void drop_own_descriptor(int fd);

// Between seal and unseal, malloc and its kin on this thread stop the process with a message.
void seal_thread();
void unseal_thread();
bool thread_sealed();

// Locks the pages mapped now; empty on success, else the system's error.
std::string lock_memory();
// Until lock_memory(): populates new mappings at once, not page by page on first touch.
void fill_in_memory();
// Exits without cleaning up, within a second or two, with `message` as a JSON line on standard
// error.
[[noreturn]] void end_process(std::string_view message, int code);
// The same at once and without a word, for a signal's handler. Only a test build comes back.
void exit_now(int code);
// Limits the stacks of threads started from now on, libraries' included, because mlockall locks
// whole stacks, even cached ones of ended threads.
void bound_thread_stacks();
std::size_t program_bytes();  // mapped size of this program
// Returns freed memory to the system, and large blocks at once from now on: else malloc keeps ever
// more of it for belief images, whose sizes vary.
void trim_heap();

inline constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;
// Page-aligned, zeroed, pre-faulted memory; huge pages if requested and available. Null when the
// system has none.
struct Block {
  void* base = nullptr;
  std::size_t bytes = 0;
  bool huge = false;
};
Block map_block(std::size_t bytes, bool want_huge);

// Whether the kernel throttles SCHED_FIFO to a share of each second.
bool fifo_is_throttled();
// Bounded sleep of a hot thread that would be throttled, or that shares its core.
void rest_ns(std::int64_t ns);

}  // namespace vedette::platform
