#include "platform/machine.hpp"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/reboot.h>
#include <linux/watchdog.h>
#include <net/if.h>
#include <net/route.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "base/text.hpp"
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

bool stop_first_process() {
  return ::kill(1, SIGTERM) == 0;
}

int configured_cores() {
  return static_cast<int>(::sysconf(_SC_NPROCESSORS_CONF));
}

void catch_stop_signals(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  ::sigaction(SIGHUP, &action, nullptr);  // its terminal is closed
  ::signal(SIGPIPE, SIG_IGN);
}

bool is_terminal(int fd) {
  return ::isatty(fd) == 1;
}

std::size_t columns_of_terminal(int fd) {
  winsize size{};
  return ::ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

bool is_first_process() {
  return ::getpid() == 1;
}

bool first_process_is_this_program() {
  struct stat first {};
  struct stat own {};
  return ::stat("/proc/1/exe", &first) == 0 && ::stat("/proc/self/exe", &own) == 0 &&
         first.st_dev == own.st_dev && first.st_ino == own.st_ino;
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

std::optional<std::string> disk_of_partition(const std::string& name) {
  const auto partition = partition_now(name);
  if (!partition) {
    return std::nullopt;
  }
  // /sys/class/block/vda2 links to …/block/vda/vda2.
  const std::string link = "/sys/class/block/" + partition->substr(5);
  char target[PATH_MAX];
  if (::realpath(link.c_str(), target) == nullptr) {
    return std::nullopt;
  }
  const std::string_view path(target);
  const std::string_view parent = path.substr(0, path.rfind('/'));
  return "/dev/" + std::string(parent.substr(parent.rfind('/') + 1));
}

std::string mount_ext4(const std::string& device, const std::string& folder) {
  ::mkdir(folder.c_str(), 0755);
  return ::mount(device.c_str(), folder.c_str(), "ext4", MS_NOSUID | MS_NODEV | MS_NOEXEC,
                 nullptr) == 0
             ? std::string()
             : failure(device);
}

std::string bring_up(const std::string& line) {
  std::string_view rest = line;
  const std::string name(next_field(rest, ' '));
  std::string_view network = next_field(rest, ' ');
  const std::string address(next_field(network, '/'));
  const std::string gateway(rest);
  const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  if (name.size() >= sizeof request.ifr_name) {
    return name + ": too long for the name of an interface";
  }
  std::memcpy(request.ifr_name, name.data(), name.size());
  const auto set_address = [&](unsigned long what, std::uint32_t network_order) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_addr.s_addr = network_order;
    std::memcpy(&request.ifr_addr, &in, sizeof in);
    return ::ioctl(socket.get(), what, &request) == 0;
  };
  if (!address.empty()) {
    in_addr own{};
    const auto length = parse_unsigned(network);
    if (::inet_pton(AF_INET, address.c_str(), &own) != 1 || !length || *length > 32) {
      return line + ": not an interface with an address, as in eth0 10.0.2.15/24";
    }
    const std::uint32_t mask =
        *length == 0 ? 0 : htonl(~std::uint32_t{0} << (32 - static_cast<unsigned>(*length)));
    if (!set_address(SIOCSIFADDR, own.s_addr) || !set_address(SIOCSIFNETMASK, mask)) {
      return failure(name);
    }
  }
  if (::ioctl(socket.get(), SIOCGIFFLAGS, &request) != 0) {
    return failure(name);
  }
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  if (::ioctl(socket.get(), SIOCSIFFLAGS, &request) != 0) {
    return failure(name);
  }
  // Otherwise the kernel drops, without an error, what is sent while the link is down.
  const std::string problem =
      set_kernel("/proc/sys/net/ipv4/conf/" + name + "/ignore_routes_with_linkdown", "1");
  if (gateway.empty()) {
    return problem;
  }
  rtentry route{};
  sockaddr_in via{};
  via.sin_family = AF_INET;
  if (::inet_pton(AF_INET, gateway.c_str(), &via.sin_addr) != 1) {
    return gateway + ": not the IPv4 address of a gateway";
  }
  sockaddr_in any{};
  any.sin_family = AF_INET;
  std::memcpy(&route.rt_gateway, &via, sizeof via);
  std::memcpy(&route.rt_dst, &any, sizeof any);
  std::memcpy(&route.rt_genmask, &any, sizeof any);
  route.rt_flags = RTF_UP | RTF_GATEWAY;
  return ::ioctl(socket.get(), SIOCADDRT, &route) == 0 ? problem : failure(gateway);
}

bool has_link(const std::string& line) {
  std::string_view rest = line;
  const std::string name(next_field(rest, ' '));
  return rest.empty() ||
         read_text_file("/sys/class/net/" + name + "/carrier", 16).value_or("") == "1\n";
}

std::string reserve_for_vfio(const std::string& address) {
  const std::string device = "/sys/bus/pci/devices/" + address;
  return exists(device) ? set_kernel(device + "/driver_override", "vfio-pci")
                        : address + ": there is no such PCI device";
}

std::string give_to_vfio(const std::string& address) {
  const std::string device = "/sys/bus/pci/devices/" + address;
  if (!exists(device)) {
    return address + ": there is no such PCI device";
  }
  if (!exists(device + "/iommu_group")) {
    return address +
           ": the IOMMU is off; switch it on in the firmware's settings, and on Intel boards add "
           "intel_iommu=on to the kernel's command line";
  }
  const std::string taken = "/sys/bus/pci/drivers/vfio-pci/" + address;
  if (exists(taken)) {
    return {};
  }
  std::string problem = reserve_for_vfio(address);
  if (problem.empty() && exists(device + "/driver")) {
    problem = set_kernel(device + "/driver/unbind", address);
  }
  if (problem.empty()) {
    problem = set_kernel("/sys/bus/pci/drivers_probe", address);
  }
  if (problem.empty() && !exists(taken)) {
    problem = address + ": the driver vfio-pci does not support this device";
  }
  return problem;
}

std::string set_kernel(const std::string& path, const std::string& value) {
  const Fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  const auto bytes = static_cast<ssize_t>(value.size());
  return file.get() >= 0 && ::write(file.get(), value.data(), value.size()) == bytes
             ? std::string()
             : failure(path);
}

void gather_interrupts() {
  const std::string home = read_text_file("/proc/irq/default_smp_affinity", 4096).value_or("");
  for (const std::string& name : list_folder("/proc/irq")) {
    if (!home.empty() && parse_unsigned(name)) {
      set_kernel("/proc/irq/" + name + "/smp_affinity", home);
    }
  }
}

namespace {

// The value of `word` in /proc/meminfo; 0 if absent.
std::uint64_t memory_figure(std::string_view word) {
  const std::string text = read_text_file("/proc/meminfo", 1 << 16).value_or("");
  const std::size_t at = text.find(word);
  std::string_view rest = at == std::string::npos ? std::string_view()
                                                  : std::string_view(text).substr(at + word.size());
  while (rest.starts_with(' ')) {
    rest.remove_prefix(1);
  }
  rest = rest.substr(0, rest.find_first_not_of("0123456789"));
  return parse_unsigned(rest).value_or(0);
}

}  // namespace

std::uint64_t available_memory() {
  return memory_figure("MemAvailable:") << 10;
}

std::uint64_t free_huge_bytes() {
  return memory_figure("HugePages_Free:") * (memory_figure("Hugepagesize:") << 10);
}

namespace {

// 0 if it did not start.
pid_t spawn_self(const std::vector<std::string>& words,
                 const posix_spawn_file_actions_t* actions = nullptr) {
  std::vector<char*> arguments;
  for (const std::string& word : words) {
    arguments.push_back(const_cast<char*>(word.c_str()));
  }
  arguments.push_back(nullptr);
  pid_t child = 0;
  return ::posix_spawn(&child, "/proc/self/exe", actions, nullptr, arguments.data(), environ) == 0
             ? child
             : 0;
}

int end_of(pid_t child) {
  int state = 0;
  while (::waitpid(child, &state, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
}

}  // namespace

int run_self(const std::vector<std::string>& words) {
  const pid_t child = spawn_self(words);
  return child == 0 ? -1 : end_of(child);
}

int run_self_for_output(const std::vector<std::string>& words, std::size_t most_bytes, int wait_ms,
                        std::vector<std::uint8_t>& out) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return -1;
  }
  const Fd from(ends[0]);
  Fd to(ends[1]);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, to.get(), STDOUT_FILENO);
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  const pid_t child = spawn_self(words, &actions);
  ::posix_spawn_file_actions_destroy(&actions);
  if (child == 0) {
    return -1;
  }
  to = Fd();
  out.clear();
  constexpr std::size_t kPiece = 1 << 18;
  for (bool going = true; going;) {
    const std::size_t had = out.size();
    out.resize(had + kPiece);
    const ssize_t got =
        wait_readable(from.get(), wait_ms) ? ::read(from.get(), out.data() + had, kPiece) : -1;
    out.resize(had + (got > 0 ? static_cast<std::size_t>(got) : 0));
    going = got > 0 && out.size() <= most_bytes;
    if (got < 0 || out.size() > most_bytes) {
      ::kill(child, SIGKILL);
    }
  }
  return end_of(child);
}

void lift_memory_limit() {
  const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
  ::setrlimit(RLIMIT_MEMLOCK, &unlimited);
}

bool set_watchdog_timeout(int fd, int seconds) {
  return seconds > 0 && ::ioctl(fd, WDIOC_SETTIMEOUT, &seconds) == 0;
}

void end_machine(Ending ending) {
  ::sync();
  ::reboot(ending == Ending::reboot ? LINUX_REBOOT_CMD_RESTART : LINUX_REBOOT_CMD_POWER_OFF);
}

}  // namespace vedette::platform
