#include "platform/machine.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/reboot.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "platform/clock.hpp"
#include "platform/file.hpp"
#include "platform/hot_thread.hpp"
#include "platform/socket.hpp"

namespace vedette::platform {
namespace {

constexpr int kPauseMs = 20;

std::string failure(const std::string& what) {
  return what + ": " + error_text(errno);
}

std::optional<std::string> partition_now(const std::string& name) {
  DIR* devices = ::opendir("/sys/class/block");
  if (devices == nullptr) {
    return std::nullopt;
  }
  std::optional<std::string> found;
  while (const dirent* entry = ::readdir(devices)) {
    const auto facts =
        read_text_file(std::string("/sys/class/block/") + entry->d_name + "/uevent", 4096);
    if (facts && facts->find("PARTNAME=" + name + "\n") != std::string::npos) {
      found = std::string("/dev/") + entry->d_name;
    }
  }
  ::closedir(devices);
  return found;
}

}  // namespace

bool is_first_process() {
  return ::getpid() == 1;
}

std::string mount_kernel_file_systems() {
  struct {
    const char* type;
    const char* folder;
  } const kinds[] = {{"proc", "/proc"},
                     {"sysfs", "/sys"},
                     {"devtmpfs", "/dev"},
                     {"tmpfs", "/run"},
                     {"tmpfs", "/tmp"}};
  for (const auto& kind : kinds) {
    ::mkdir(kind.folder, 0755);
    if (::mount(kind.type, kind.folder, kind.type, MS_NOSUID, nullptr) != 0 && errno != EBUSY) {
      return failure(kind.folder);
    }
  }
  ::mkdir("/var", 0755);
  if (::symlink("/run", "/var/run") != 0 && errno != EEXIST) {
    return failure("/var/run");
  }
  return {};
}

std::string load_module(const std::string& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) {
    return failure(path);
  }
  return ::syscall(SYS_finit_module, file.get(), "", 0) == 0 || errno == EEXIST ? std::string()
                                                                                : failure(path);
}

std::optional<std::string> find_partition(const std::string& name, int wait_ms) {
  for (int waited = 0;; waited += kPauseMs) {
    auto found = partition_now(name);
    if (found || waited >= wait_ms) {
      return found;
    }
    rest_ns(std::int64_t{kPauseMs} * 1'000'000);
  }
}

std::string mount_ext4(const std::string& device, const std::string& folder) {
  ::mkdir(folder.c_str(), 0755);
  return ::mount(device.c_str(), folder.c_str(), "ext4", MS_NOSUID | MS_NODEV | MS_NOEXEC,
                 nullptr) == 0
             ? std::string()
             : failure(device);
}

std::string bring_up(const std::string& interface) {
  const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  if (interface.size() >= sizeof request.ifr_name) {
    return interface + ": the name is too long for an interface";
  }
  std::memcpy(request.ifr_name, interface.data(), interface.size());
  if (::ioctl(socket.get(), SIOCGIFFLAGS, &request) != 0) {
    return failure(interface);
  }
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  return ::ioctl(socket.get(), SIOCSIFFLAGS, &request) == 0 ? std::string() : failure(interface);
}

std::string set_kernel(const std::string& path, const std::string& value) {
  const Fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  const auto bytes = static_cast<ssize_t>(value.size());
  return file.get() >= 0 && ::write(file.get(), value.data(), value.size()) == bytes
             ? std::string()
             : failure(path);
}

void end_machine(Ending ending) {
  ::sync();
  ::reboot(ending == Ending::reboot ? LINUX_REBOOT_CMD_RESTART : LINUX_REBOOT_CMD_POWER_OFF);
}

}  // namespace vedette::platform
