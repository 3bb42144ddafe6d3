#include "platform/landlock.hpp"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "platform/file.hpp"

namespace vedette::platform {
namespace {

// Of versions that Debian 12's headers do not know.
constexpr std::uint64_t kTruncate = 1ULL << 14;  // version 3
constexpr std::uint64_t kDeviceControl = 1ULL << 15;
constexpr std::uint64_t kConnectTcp = 1ULL << 1, kBindTcp = 1ULL << 0;
constexpr std::uint64_t kAbstractSocket = 1ULL << 0;
constexpr int kRulePort = 2;
struct Attributes {
  std::uint64_t files, ports, scoped;
};
struct PortRule {
  std::uint64_t allowed, port;
};

constexpr std::uint64_t kRead = LANDLOCK_ACCESS_FS_READ_FILE;
constexpr std::uint64_t kWrite = LANDLOCK_ACCESS_FS_WRITE_FILE | kTruncate;
constexpr std::uint64_t kKeep = kRead | kWrite | LANDLOCK_ACCESS_FS_READ_DIR |
                                LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                                LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                                LANDLOCK_ACCESS_FS_REFER;
constexpr std::uint64_t kOfFiles = kRead | kWrite | LANDLOCK_ACCESS_FS_EXECUTE | kDeviceControl;

// Version N covers the lowest of these bits.
std::uint64_t files_of(int version) {
  constexpr int kBits[] = {0, 13, 14, 15, 15, 16};
  return (1ULL << kBits[version > 5 ? 5 : version]) - 1;
}

std::uint64_t rights_of(FileUse use) {
  return use == FileUse::read      ? kRead
         : use == FileUse::devices ? kRead | kWrite | kDeviceControl
                                   : kKeep;
}

long create(const Attributes* attributes, std::size_t bytes, unsigned flags) {
  return ::syscall(SYS_landlock_create_ruleset, attributes, bytes, flags);
}

int allow_path(int rules, const FileRule& rule, std::uint64_t covered) {
  const Fd path(::open(rule.path.c_str(), O_PATH | O_CLOEXEC));
  struct stat info {};
  if (!path.valid() || ::fstat(path.get(), &info) != 0) {
    return 0;
  }
  const std::uint64_t of_kind = S_ISDIR(info.st_mode) ? ~0ULL : kOfFiles;
  landlock_path_beneath_attr beneath{};
  beneath.allowed_access = rights_of(rule.use) & covered & of_kind;
  beneath.parent_fd = path.get();
  return ::syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) == 0
             ? 0
             : errno;
}

int allow_port(int rules, std::uint16_t port) {
  const PortRule rule{kConnectTcp, port};
  return ::syscall(SYS_landlock_add_rule, rules, kRulePort, &rule, 0) == 0 ? 0 : errno;
}

}  // namespace

int landlock_abi() {
  const long version = create(nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  return version < 0 ? 0 : static_cast<int>(version);
}

int confine_files_and_ports(std::span<const FileRule> files, std::span<const std::uint16_t> ports) {
  const int version = landlock_abi();
  Attributes attributes{files_of(version), version >= 4 ? kConnectTcp | kBindTcp : 0,
                        version >= 6 ? kAbstractSocket : 0};
  const std::size_t bytes = version >= 6 ? 24 : version >= 4 ? 16 : 8;
  const Fd rules(static_cast<int>(create(&attributes, bytes, 0)));
  if (!rules.valid()) {
    return errno;
  }
  int error = 0;
  for (const FileRule& rule : files) {
    error = error != 0 ? error : allow_path(rules.get(), rule, attributes.files);
  }
  for (const std::uint16_t port : ports) {
    error = error != 0 || version < 4 ? error : allow_port(rules.get(), port);
  }
  if (error == 0 && (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
                     ::syscall(SYS_landlock_restrict_self, rules.get(), 0) != 0)) {
    error = errno;
  }
  return error;
}

}  // namespace vedette::platform
