// Purpose: what a denied system call leaves for the next start. The kernel traps the call; the
// handler writes thread, call and source into a page of a file that was mapped before, and ends the
// process. In: the file, the sources' names. Out: the last denied call, and how many each source
// has caused. Bound: one page, kDeniedSources sources; the newest call counts. Fails as: errno;
// then the process ends all the same, and nobody learns why. Runs on: begin() on main, before the
// other threads; work_at() on any.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace vedette::platform {

// The exit status of a process that a denied call ended (EX_NOPERM).
inline constexpr int kDeniedExit = 77;

inline constexpr std::size_t kDeniedSources = 32;
inline constexpr std::size_t kDeniedNameBytes = 63;  // of a source's name

struct DeniedCall {
  std::string thread;
  std::string call;  // its name, or its number
  int number = 0;
  std::string source;  // whose bytes the thread was decoding; empty: none
  std::int64_t at_ns = 0;
};
struct DeniedBefore {
  std::optional<DeniedCall> last;  // of the last run
  std::array<std::uint32_t, kDeniedSources> caused{};
};

// Reads what earlier runs left, and maps the page for this one. A source keeps its count under its
// name, for as long as the version of the program and the file remain. 0 or errno.
int begin_denied_calls(const std::string& path, std::string_view version,
                       std::span<const std::string> sources, DeniedBefore& before);

// The source whose bytes this thread decodes from now on; -1: none. Two stores.
inline thread_local int t_source_in_work = -1;
inline void work_at(int source) {
  t_source_in_work = source;
}

// What the handler calls this thread: a literal.
inline thread_local const char* t_thread_in_work = "another thread";

// Installs the handler for the whole process.
void catch_denied_calls();

}  // namespace vedette::platform
