#include "platform/accounts.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/text.hpp"
#include "platform/file.hpp"

namespace vedette::platform {
namespace {

constexpr std::size_t kTableBytes = 1 << 20;  // of /etc/passwd and /etc/group, each
constexpr std::size_t kPeerGroups = 256;

// The number of the entry with this name, which is the first field of each line and its number the
// third; or the number itself.
std::optional<std::uint32_t> number_of(const char* path, const std::string& wanted) {
  const std::string text = read_text_file(path, kTableBytes).value_or("");
  std::string_view rest = text;
  while (!rest.empty()) {
    std::string_view entry = next_field(rest, '\n');
    const std::string_view name = next_field(entry, ':');
    next_field(entry, ':');
    const auto number = parse_unsigned(next_field(entry, ':'));
    if (name == wanted && number) {
      return static_cast<std::uint32_t>(*number);
    }
  }
  const auto number = parse_unsigned(wanted);
  return number && *number < UINT32_MAX ? std::optional(static_cast<std::uint32_t>(*number))
                                        : std::nullopt;
}

}  // namespace

std::optional<std::uint32_t> user_number(const std::string& user) {
  return number_of("/etc/passwd", user);
}

std::optional<std::uint32_t> group_number(const std::string& group) {
  return number_of("/etc/group", group);
}

std::optional<Account> peer_account(int socket) {
  ucred who{};
  socklen_t bytes = sizeof who;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &who, &bytes) != 0) {
    return std::nullopt;
  }
  Account account{who.uid, {who.gid}};
  std::array<gid_t, kPeerGroups> groups;
  bytes = sizeof groups;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &bytes) == 0) {
    account.groups.insert(account.groups.end(), groups.begin(),
                          groups.begin() + bytes / sizeof(gid_t));
  }
  return account;
}

std::uint32_t own_user() {
  return ::geteuid();
}

int give_to_group(const std::string& path, std::uint32_t group) {
  return ::chown(path.c_str(), static_cast<uid_t>(-1), group) == 0 ? 0 : errno;
}

}  // namespace vedette::platform
