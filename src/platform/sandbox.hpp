// Purpose: after the start a thread keeps only the system calls, files, ports and rights that it
// needs (docs/decisions/0014-sandbox.md). In: what the plan needs, which thread. Out: what is in
// force, and what this kernel lacks. Fails as: a piece that the kernel does not have is left out
// and told; the others hold. Runs on: begin_sandbox() and become_user() on main, confine() on each
// thread for itself, once it has opened and started everything.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vedette::platform {

// Kinds of threads; platform/sandbox_calls.cpp says which calls each may make, and why.
enum class Confined : std::uint8_t { engine, ingress, journal, hand, mirror, image, main, log };

enum class SandboxPiece : std::uint8_t {
  rings,         // io_uring takes only the requests that ingress makes
  files,         // Landlock: files
  ports,         // Landlock: TCP ports
  mdwe,          // the kernel refuses memory that is writable and executable
  capabilities,  // of the superuser: none
  privileges,    // none can be gained by another program
  calls,         // seccomp, thread by thread
};
inline constexpr std::size_t kSandboxPieces = 7;
struct SandboxPieceFacts {
  std::string_view name, does;
  std::string_view since;    // the kernel that brought it
  std::string_view instead;  // what remains without it
};
const SandboxPieceFacts& facts_of(SandboxPiece piece);

// What this kernel has: 0, or why not, as an errno. Changes nothing; a few system calls.
std::array<int, kSandboxPieces> kernel_sandbox();

// What threads still need after the start.
struct SandboxNeeds {
  bool enforce = true;
  std::string data;                  // read and written below
  std::vector<std::string> also;     // the same, for main alone
  std::vector<std::string> reads;    // folders that main reads
  std::vector<std::string> devices;  // lines and pipes that come and go
  std::vector<std::uint16_t> ports;  // of TCP, to connect to
  bool fused = true;                 // the engine's thread does ingress' work
  bool can = false;                  // opens CAN interfaces
  bool names = false;                // looks host names up
};
// Installs the trap's handler. False in builds that cannot have it (sanitizers).
bool begin_sandbox(SandboxNeeds needs);

// After begin_sandbox(), before the packet ports open: neither this thread nor any that it starts,
// a library's included, starts a program, traces another or makes memory executable.
void forbid_programs();

// After begin_sandbox(): what belongs to somebody else, although the process is root. For it the
// threads that open files keep CAP_DAC_OVERRIDE. Empty: nothing.
std::string foreign_file();

// The process becomes this user, a name of /etc/passwd or a number, with the groups of /etc/group;
// the data folder becomes that user's. Once nothing is left that only root may open. Empty, or why
// it stays who it is.
std::string become_user(const std::string& user, const std::string& data);

// From here on this thread keeps only what its kind needs. Nothing happens without
// begin_sandbox().
void confine(Confined kind);
std::string_view name_of(Confined kind);

// Notes what became of a piece: 0, or an errno. Any thread.
void note_piece(SandboxPiece piece, int error);
struct SandboxState {
  bool on;
  std::array<int, kSandboxPieces> lacks;  // 0: in force; else an errno
};
SandboxState sandbox_state();

}  // namespace vedette::platform
