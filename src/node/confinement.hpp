// Purpose: what the node gives up once it has started, for this plan, and what an earlier run was
// ended for. In: plan, data folder. Out: the sandbox's needs, isolated sources, texts for the start
// and `status`. Bound: one denied call a run. Runs on: main.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "model/plan_generated.h"
#include "node/start_report.hpp"
#include "platform/denied_call.hpp"
#include "platform/sandbox.hpp"

namespace vedette::node {

// A source whose bytes made a thread try a denied call this often is no longer opened.
inline constexpr std::uint32_t kDeniedMost = 3;

// A right of the superuser that the plan needs to start; none is kept afterwards.
struct StartRight {
  std::string_view capability;
  std::string need;
};
std::vector<StartRight> start_rights(const plan::Plan& plan);
std::string own_user(const plan::Plan& plan);  // [sandbox] user; empty: none
platform::SandboxNeeds sandbox_needs(const plan::Plan& plan, const std::string& data);

class Confinement {
 public:
  // Once the data folder is this process's: reads what the last run was ended for, arms the trap.
  void begin(const plan::Plan& plan, platform::SandboxNeeds needs, StartReport& report);
  std::uint32_t isolated() const { return isolated_; }  // a bit a source
  void members(JsonWriter<std::string>& json) const;

 private:
  static void tell_lacks(bool stays_root, StartReport& report);

  std::string off_;  // why nothing is confined; empty: it is
  std::uint32_t isolated_ = 0;
};

}  // namespace vedette::node
