// Purpose: what makes a thread hot: pinned, SCHED_FIFO, floating point checked, and sealed, after
// which an allocation on it stops the node.
// Runs on: the thread itself, at its start.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace vedette::platform {

struct HotOptions {
  const char* name;  // at most 15 characters
  int core;          // -1: not pinned
  int priority;      // SCHED_FIFO priority; 0: keep the normal scheduler
};

// What was asked for and not granted; empty texts mean granted.
struct HotGrant {
  std::string pinning;
  std::string priority;
  bool fifo = false;
};

HotGrant make_hot(const HotOptions& options);
// The thread may run on every core again; it stays where it is for as long as nobody pushes it
// away.
void unpin();
// This thread has next to nothing of its core while others want it.
void give_way();

// From here on this thread has a table of descriptors of its own, so that its system calls need not
// count who else uses one: 0.1 us each. It opens nothing by itself any more, and takes what others
// open. Regular files it leaves to the others: one that they remove would keep its room. False
// where the system cannot do that; all stays as it was.
bool keep_own_descriptors();
// One's own of what another thread has open as `fd`; `fd` itself without a table of one's own. -1
// and errno when refused.
int own_descriptor(int fd);
// Closes one's own; nothing without a table of one's own.
void drop_own_descriptor(int fd);

// From here to unseal, malloc and its kin on this thread stop the process with a message.
void seal_thread();
void unseal_thread();
bool thread_sealed();

// Locks the pages that are mapped now; empty on success, else what the system said.
std::string lock_memory();
// Until lock_memory(): what is mapped is filled in at once, and not page by page as it is touched.
void fill_in_memory();
// At once, without tidying up, with exit code 71 and `message` as a JSON line on standard error.
[[noreturn]] void end_process(std::string_view message);
// Of the threads started from here on, the libraries' as well: locked memory takes in all of a
// stack, and of one that its thread left behind.
void bound_thread_stacks();
std::size_t program_bytes();  // of this program, as it is mapped
// What was freed goes back to the system, and what is large does so from now on: else the library
// keeps ever more of it for the pages of belief images, whose sizes change from one to the next.
void trim_heap();

inline constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;
// Page-aligned, zeroed, pre-faulted memory; huge pages when asked for and to be had.
// Null when the system has none.
struct Block {
  void* base = nullptr;
  std::size_t bytes = 0;
  bool huge = false;
};
Block map_block(std::size_t bytes, bool want_huge);

// SCHED_FIFO is throttled to a share of each second unless the host allows more.
bool fifo_is_throttled();
// Bounded rest on a hot thread that would otherwise be throttled, or shares its core.
void rest_ns(std::int64_t ns);

}  // namespace vedette::platform
