// Purpose: who may ask the running node for what: the site file's roles, for the users of this
// machine. In: the plan, an account. Out: yes or no. Bound: limits::kRoles, kRoleMembers. Fails as:
// a member that this machine does not have is left out and told. Runs on: main.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/plan_generated.h"
#include "model/request.hpp"
#include "model/rights.hpp"
#include "platform/accounts.hpp"

namespace vedette::node {

class Rights {
 public:
  // Before the threads are confined. Returns what is left out.
  std::vector<std::string> init(const plan::Plan& plan);
  bool may(const platform::Account& who, Right right) const;
  // The roles that have it, for the refusal: "watch, master"; "no role" if none has.
  std::string who_may(Right right) const;
  // Without roles everybody may who can open the control socket.
  bool open() const { return roles_.empty(); }

  // Requests that only look need none.
  static std::optional<Right> needed(const request::Request& request);

 private:
  struct Role {
    std::string name;
    std::vector<std::uint32_t> users, groups;
    std::uint32_t may = 0;
  };
  std::vector<Role> roles_;
};

}  // namespace vedette::node
