// Purpose: users and groups of this machine, from /etc/passwd and /etc/group alone, because the C
// library would load shared objects for them; and who is at the other end of a local socket. Runs
// on: cold threads; peer_account() on any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vedette::platform {

struct Account {
  std::uint32_t user = 0;
  std::vector<std::uint32_t> groups;  // his own first
};

// By a name or a number; nothing for a name that is not there.
std::optional<std::uint32_t> user_number(const std::string& user);
std::optional<std::uint32_t> group_number(const std::string& group);
// Nothing if the system does not say.
std::optional<Account> peer_account(int socket);
std::uint32_t own_user();
int give_to_group(const std::string& path, std::uint32_t group);  // 0 or errno

}  // namespace vedette::platform
