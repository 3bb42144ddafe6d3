// become_user(): names and groups are read from /etc/passwd and /etc/group alone, because the C
// library would load shared objects for them.
#include <ftw.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <vector>

#include "base/text.hpp"
#include "platform/file.hpp"
#include "platform/sandbox.hpp"

namespace vedette::platform {
namespace {

constexpr std::size_t kTableBytes = 1 << 20;  // of /etc/passwd and /etc/group, each

struct User {
  std::string name;
  uid_t user;
  gid_t group;
};

// Calls `line` with the fields of each line, separated by colons.
template <typename Line>
void each_entry(const char* path, Line&& line) {
  const std::string text = read_text_file(path, kTableBytes).value_or("");
  std::string_view rest = text;
  while (!rest.empty()) {
    std::string_view entry = next_field(rest, '\n');
    std::vector<std::string_view> fields;
    while (!entry.empty()) {
      fields.push_back(next_field(entry, ':'));
    }
    line(fields);
  }
}

std::optional<User> find_user(const std::string& wanted) {
  std::optional<User> found;
  each_entry("/etc/passwd", [&](const std::vector<std::string_view>& fields) {
    if (fields.size() < 4 || (fields[0] != wanted && fields[2] != wanted) || found) {
      return;
    }
    const auto user = parse_unsigned(fields[2]);
    const auto group = parse_unsigned(fields[3]);
    if (user && group) {
      found = User{std::string(fields[0]), static_cast<uid_t>(*user), static_cast<gid_t>(*group)};
    }
  });
  if (const auto number = parse_unsigned(wanted); !found && number) {
    found = User{"", static_cast<uid_t>(*number), static_cast<gid_t>(*number)};
  }
  return found;
}

// Serial lines belong to a group, which the user is a member of.
std::vector<gid_t> groups_of(const User& user) {
  std::vector<gid_t> groups{user.group};
  each_entry("/etc/group", [&](const std::vector<std::string_view>& fields) {
    std::string_view members = fields.size() < 4 ? std::string_view() : fields[3];
    while (!members.empty()) {
      const auto group = parse_unsigned(fields[2]);
      if (next_field(members, ',') == user.name && group) {
        groups.push_back(static_cast<gid_t>(*group));
      }
    }
  });
  return groups;
}

// nftw() hands its callback no argument of ours; main alone calls this, once.
User g_owner;

int give(const char* path, const struct stat* info, int, struct FTW*) {
  const bool theirs = info->st_uid == g_owner.user && info->st_gid == g_owner.group;
  return theirs || ::lchown(path, g_owner.user, g_owner.group) == 0 ? 0 : errno;
}

std::string failed(std::string_view what, int error) {
  return std::string(what) + ": " + error_text(error) + "; the node stays root";
}

}  // namespace

std::string become_user(const std::string& user, const std::string& data) {
  constexpr int kOpenFolders = 8;
  const auto found = find_user(user);
  if (!found) {
    return "there is no \"" + user +
           "\" in /etc/passwd; the node stays who it is (`adduser "
           "--system " +
           user + "`)";
  }
  if (found->user == ::geteuid()) {
    return {};
  }
  if (::geteuid() != 0) {
    return "only root can become \"" + user + "\"; the node stays user " +
           std::to_string(::geteuid());
  }
  if (::getpid() == 1) {
    return "an image has one user, root; its threads keep none of root's rights";
  }
  g_owner = *found;
  if (const int error = ::nftw(data.c_str(), give, kOpenFolders, FTW_PHYS); error != 0) {
    return failed(data, error > 0 ? error : errno);
  }
  const std::vector<gid_t> groups = groups_of(*found);
  // For all threads: the C library tells the others.
  if (::setgroups(groups.size(), groups.data()) != 0 ||
      ::setresgid(found->group, found->group, found->group) != 0 ||
      ::setresuid(found->user, found->user, found->user) != 0) {
    return failed("cannot become \"" + user + "\"", errno);
  }
  return {};
}

}  // namespace vedette::platform
