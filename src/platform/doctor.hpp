// Purpose: what this host lacks for hard real time, each with its exact remedy.
// In: /proc and /sys below a root, so that it can be tested. A missing file is never a pass.
#pragma once

#include <string>
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

}  // namespace vedette::platform
