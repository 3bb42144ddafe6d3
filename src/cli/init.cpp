// Purpose: the first process of an image: prepares the machine, watches, and ends the machine when
// the watch ends. firmware/build-image writes the files below /etc/vedette.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/print.hpp"
#include "cli/slot_watch.hpp"
#include "core/engine/shard.hpp"
#include "edge/firmware/data_folders.hpp"
#include "edge/ingress/ingress.hpp"
#include "edge/journal/format.hpp"
#include "plan/plan.hpp"
#include "platform/clock.hpp"
#include "platform/file.hpp"
#include "platform/hash.hpp"
#include "platform/hot_thread.hpp"
#include "platform/machine.hpp"
#include "platform/packet_port.hpp"
#include "platform/socket.hpp"

namespace vedette::cli {
namespace {

constexpr const char* kFolder = "/etc/vedette/";
constexpr const char* kPartition = "vedette-data";
constexpr std::size_t kLongestCommand = 1024;
constexpr int kPartitionWaitMs = 10'000;
constexpr std::int64_t kLinkWaitNs = 2'000'000'000;
constexpr int kStartSeconds = 120;  // more than the slowest start takes; equal to the selector's
constexpr std::int64_t kLinkPauseNs = 20'000'000;

// {"kind":"init",…}
void say_line(std::initializer_list<std::pair<const char*, std::string_view>> members) {
  std::string text;
  JsonWriter<std::string> json(text);
  json.begin_object().member("kind", "init");
  for (const auto& [name, value] : members) {
    json.key(std::string_view(name)).value(value);
  }
  json.end_object();
  print_error_text(text + "\n");
}

void say(const char* what, const std::string& problem) {
  if (!problem.empty()) {
    say_line({{what, problem}});
  }
}

// Runs the action on each line. It reports failures and goes on, because a node that watches
// without its second port is better than one that does not start.
template <typename Do>
void each_line(const std::string& name, Do&& action) {
  const auto text = platform::read_text_file(kFolder + name, 1 << 16);
  std::string_view rest = text ? std::string_view(*text) : std::string_view();
  while (!rest.empty()) {
    const std::string_view line = next_field(rest, '\n');
    if (line.empty()) {
      continue;
    }
    say(name.c_str(), action(std::string(line)));
  }
}

// The plan's needs from the machine; none from a damaged plan.
struct Wanted {
  std::vector<std::string> packet_devices;
  bool huge_pages = false;

  template <typename Do>
  void each_pci_port(Do&& action) const {
    for (const std::string& device : packet_devices) {
      if (platform::is_pci_address(device)) {
        say("port", action(device));
      }
    }
  }
  bool kernel_ports() const {
    return !std::all_of(packet_devices.begin(), packet_devices.end(), platform::is_pci_address);
  }
};

Wanted wanted_by(const plan::Plan* plan) {
  return plan == nullptr ? Wanted{}
                         : Wanted{ingress::packet_devices(*plan), plan->cores()->huge_pages()};
}

// Prepares the machine beside the main thread, on the last core, which idles meanwhile. The file
// system comes up while the main thread reads the plan and drivers find the disk; packet ports
// while it mounts the data partition and recovers belief. The network comes last, because links may
// take seconds and the watch can begin without it; first only if a packet port uses an interface of
// the kernel.
class Machinery {
 public:
  Machinery() : start_([this] { start(); }), network_([this] { network(); }) {}
  ~Machinery() {
    start_.join();
    network_.join();
  }

  // Call once, when no network driver can take a packet port any more.
  void want(Wanted wanted) {
    wanted_ = std::move(wanted);
    planned_.store(true, std::memory_order_release);
  }
  // The devices on the disk's bus are present.
  void bus_is_ready() { bus_ready_.store(true, std::memory_order_release); }
  void wait_for_file_system() const { wait_for(file_system_); }
  void wait_for_ports() const { wait_for(ports_); }
  // True once sent data can arrive.
  const std::atomic<bool>& network_is_there() const { return linked_; }

 private:
  static void wait_for(const std::atomic<bool>& what) {
    while (!what.load(std::memory_order_acquire)) {
      platform::rest_ns(1'000'000);
    }
  }
  void start() {
    platform::make_hot({"machinery", platform::configured_cores() - 1, 0});
    each_line("modules-file-system", platform::load_module);
    file_system_.store(true, std::memory_order_release);
    wait_for(planned_);
    each_line("modules-ports", platform::load_module);
    wait_for(bus_ready_);
    platform::gather_interrupts();
    wanted_.each_pci_port(platform::give_to_vfio);
    if (wanted_.kernel_ports()) {
      wait_for(interfaces_);
    }
    if (!wanted_.packet_devices.empty()) {
      platform::unpin();  // keeps the packet engine's threads off the watching core
      // The watch notices a failure when it opens its ports.
      platform::start_packet_engine(wanted_.packet_devices, wanted_.huge_pages);
    }
    ports_.store(true, std::memory_order_release);
  }
  void network() {
    platform::give_way();
    wait_for(planned_);
    wait_for(wanted_.kernel_ports() ? bus_ready_ : ports_);
    each_line("modules-network", platform::load_module);
    platform::gather_interrupts();
    each_line("interfaces", platform::bring_up);
    interfaces_.store(true, std::memory_order_release);
    const std::int64_t end = platform::monotonic_ns() + kLinkWaitNs;
    each_line("interfaces", [end](const std::string& line) {
      while (!platform::has_link(line) && platform::monotonic_ns() < end) {
        platform::rest_ns(kLinkPauseNs);
      }
      return platform::has_link(line) ? std::string() : line + ": no link yet";
    });
    linked_.store(true, std::memory_order_release);
  }

  Wanted wanted_;
  std::atomic<bool> file_system_{false}, planned_{false}, bus_ready_{false}, ports_{false},
      interfaces_{false}, linked_{false};
  std::thread start_, network_;
};

// Empty, or the error.
std::string mount_data(const std::optional<std::string>& device) {
  return device ? platform::mount_ext4(*device, "/data")
                : "this machine's disk has no partition " + std::string(kPartition);
}

// Runs `vedette` commands typed at the console.
void serve_console() {
  std::string line;
  for (int c = std::getchar(); c != EOF; c = std::getchar()) {
    if (c != '\n' && c != '\r') {
      line += line.size() < kLongestCommand ? std::string(1, static_cast<char>(c)) : std::string();
      continue;
    }
    if (line.size() == kLongestCommand) {  // noise on the line
      say("console", "ignored a line of more than 1023 characters");
      line.clear();
    }
    std::vector<std::string> words{"vedette"};
    std::string_view rest = line;
    while (!rest.empty()) {
      const std::string_view word = next_field(rest, ' ');
      if (!word.empty()) {
        words.emplace_back(word);
      }
    }
    line.clear();
    if (words.size() > 1) {
      const int code = platform::run_self(words);
      print_error("{\"kind\":\"console\",\"ended\":%d}\n", code);
    }
  }
}

// Plants a fault from the kernel's command line for the rig: VEDETTE_FAULT=hang stops the thread
// that feeds the watchdog; hang-at-start hangs before this process owns the watchdog, as a kernel
// would; hang-in-start hangs before the watch.
void plant_fault(std::string_view where) {
  const char* fault = std::getenv("VEDETTE_FAULT");
  while (fault != nullptr && fault == where) {
    platform::rest_ns(1'000'000'000);
  }
}

// Arms the machine's watchdog for the start, so that it resets a hang before the watch feeds it.
// Returns -1 where the device needs modules that load later; the watch opens it then.
int arm_watchdog(const plan::Plan& plan) {
  each_line("modules-watchdog", platform::load_module);  // stops what the selector armed
  const flatbuffers::String* device = plan.cores()->watchdog_device();
  if (device == nullptr || device->size() == 0) {
    return -1;
  }
  auto opened = platform::open_for_writing(device->str());
  if (!opened) {
    return -1;
  }
  platform::set_watchdog_timeout(opened->get(),
                                 kStartSeconds);  // fails on devices with a fixed timeout
  return std::move(opened).value().release();
}

// Prints why this machine has no slots, if it has none.
std::unique_ptr<SlotWatch> watch_slots(RunCommand& command, const plan::Plan& plan) {
  auto slots = std::make_unique<SlotWatch>(
      plan, platform::read_text_file(std::string(kFolder) + "interfaces", 1 << 16).value_or(""));
  if (!slots->open()) {
    return nullptr;
  }
  // Every start writes the boot state, so its count only grows.
  command.least_epoch = static_cast<std::uint32_t>(slots->starts());
  command.firmware_status = [at = slots.get()] { return at->status_json(); };
  command.each_second = [at = slots.get()](const node::Health& health) {
    plant_fault("hang");
    at->look(health);
  };
  return slots;
}

// 16 hexadecimal digits for the format of journal and state, whatever the plan: an image whose
// program reads another format begins its own folder, and a rollback finds the old one.
std::string data_folder_name() {
  const std::string format =
      "journal " + std::to_string(journal::kFormatVersion) + ' ' + engine::state_format();
  std::string name;
  append_hex(name, Bytes(platform::sha256(as_bytes(format))).first(8));
  return name;
}

// Commands at the console find the node without a path.
void enter_data_folder(const std::optional<std::string>& device) {
  const std::string data = mount_data(device);
  if (!data.empty()) {
    // The node still warns; its record is lost with the power.
    say_line({{"data", data}, {"means", "records stay in memory and are lost with the power"}});
  }
  const std::string name = data_folder_name();
  if (data.empty()) {
    const firmware::DataFolders kept = firmware::take_data_folder("/data", name);
    say("data", kept.problem);
    for (const std::string& removed : kept.removed) {
      say_line({{"removed", removed}, {"of", "an older version"}});
    }
  }
  const std::string folder = (data.empty() ? "/data/" : "/run/") + name;
  platform::make_folders(folder);
  if (platform::enter_folder(folder)) {
    std::thread(serve_console).detach();
  }
}

// Brings CAN interfaces up, and again when they have gone. The node cannot: its threads keep no
// right of root.
void keep_buses_up(const plan::Plan* plan) {
  constexpr std::int64_t kLookNs = 500'000'000;
  std::vector<std::pair<std::string, std::uint32_t>> buses;
  for (std::size_t i = 0; plan != nullptr && i < plan->sources()->size(); ++i) {
    const plan::Source& s = *plan->sources()->Get(static_cast<flatbuffers::uoffset_t>(i));
    if (s.driver() == plan::DriverKind::can) {
      buses.emplace_back(s.interface()->str(), s.bitrate());
    }
  }
  while (!buses.empty()) {
    for (const auto& [interface, bitrate] : buses) {
      const auto opened = platform::open_can(interface);
      if (!opened && (opened.error() == ENETDOWN || opened.error() == ENODEV)) {
        (void)platform::bring_up_can(interface, bitrate);  // the source says what is wrong
      }
    }
    platform::rest_ns(kLookNs);
  }
}

}  // namespace

int init() {
  say("mount", platform::mount_kernel_file_systems());
  plant_fault("hang-at-start");
  say("loopback", platform::bring_up("lo 127.0.0.1/8"));  // the engine warms its send path there
  platform::lift_memory_limit();
  platform::bound_thread_stacks();
  platform::fill_in_memory();
  Machinery machinery;
  RunCommand command;
  command.site.path = std::string(kFolder) + "site.plan";
  command.alerts = true;
  command.json = true;
  LoadedPlan loaded;
  int code = load_site(command.site, command.json, "init", loaded);
  if (code == kOk) {
    command.watchdog = arm_watchdog(*loaded.plan);
  }
  plant_fault("hang-in-start");
  const Wanted wanted = wanted_by(loaded.plan);
  wanted.each_pci_port(platform::reserve_for_vfio);
  machinery.want(wanted);
  each_line("modules-disk", platform::load_module);
  machinery.bus_is_ready();
  machinery.wait_for_file_system();
  // Throttling protects other work from real-time threads, and this machine has none.
  say("throttling", platform::set_kernel("/proc/sys/kernel/sched_rt_runtime_us", "-1"));
  // A socket that is opened later has the buffer that it asks for, without a right of root.
  say("buffers", platform::set_kernel("/proc/sys/net/core/rmem_max", "4194304"));
  command.before_ports = [&machinery] {
    each_line("modules-late", platform::load_module);
    machinery.wait_for_ports();
  };
  command.network = &machinery.network_is_there();
  const auto device = platform::find_partition(kPartition, kPartitionWaitMs);
  std::unique_ptr<SlotWatch> slots;
  std::jthread slots_opened([&] {
    if (code == kOk) {
      slots = watch_slots(command, *loaded.plan);
    }
  });
  enter_data_folder(device);
  command.data = "vedette-data";
  slots_opened.join();
  if (code == kOk) {
    std::thread(keep_buses_up, loaded.plan).detach();
    // On a thread of its own, which keeps little; this one mounts, and ends the machine.
    std::thread([&] { code = watch(command, loaded); }).join();
    if (code == kOk && slots) {
      slots->ended_in_order();
    }
  }
  print_error("{\"kind\":\"init\",\"ended\":%d}\n", code);
  platform::end_machine(code == kOk && !restart_wanted() ? platform::Ending::power_off
                                                         : platform::Ending::reboot);
  return code;
}

}  // namespace vedette::cli
