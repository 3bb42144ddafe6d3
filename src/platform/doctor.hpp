// Purpose: what this host lacks for hard real time, each with its exact remedy.
// In: /proc and /sys below a root, so that tests can supply them. A missing file is never a pass.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace vedette::platform {

enum class Health { pass, warn, fail, not_applicable, unknown };

struct Check {
  std::string id;
  Health health;
  std::string seen;
  std::string wanted;
  std::string why;
  std::string remedy;
  bool reboot;
};

std::string name_of(Health health);
std::vector<Check> examine_host(const std::string& sysroot);

// Which pieces of the sandbox the running kernel has. Asks it, so there is no other root.
std::vector<Check> examine_sandbox();

// What a board file states and a host shows as well.
struct BoardFacts {
  std::string machine, watch, arguments;  // watch: cores, as in "2,3"
  std::uint64_t cores, line_bytes, l1d_bytes, l2_bytes, memory_bytes;
  std::vector<std::pair<std::string, std::string>> can;  // name and driver
};
std::vector<Check> examine_board(const std::string& sysroot, const BoardFacts& board);

}  // namespace vedette::platform
