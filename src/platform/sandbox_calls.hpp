// Purpose: the system calls that each kind of thread may make, as one table, and the filter made of
// it. In: a kind. Out: the filter, on the calling thread. Fails as: an errno. Runs on: the thread
// to be confined, before it is sealed.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "platform/sandbox.hpp"

namespace vedette::platform {

// A condition on an argument: `(argument & mask) == value`; mask 0: none.
struct ArgumentRule {
  std::uint8_t argument = 0;
  std::uint64_t mask = 0;
  std::uint64_t value = 0;
};
struct CallRule {
  int call;             // SCMP_SYS(…)
  std::uint16_t kinds;  // bits of Confined
  std::string_view why;
  ArgumentRule first{}, second{};
};
// Several rows of one call are alternatives.
std::span<const CallRule> call_rules();

// Builds the filter of a kind and, if `load`, puts it on this thread. 0 or an errno.
int filter_calls(Confined kind, const SandboxNeeds& needs, bool load);

// What no thread does from the opening of the packet ports on, the library's own threads included:
// start a program, trace a process, load a module, mount, make memory executable. For this thread
// and those that it starts. 0 or an errno.
int filter_programs();

}  // namespace vedette::platform
