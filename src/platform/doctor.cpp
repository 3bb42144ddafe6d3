#include "platform/doctor.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <optional>

#include "base/text.hpp"
#include "platform/file.hpp"
#include "platform/sandbox.hpp"

namespace vedette::platform {
namespace {

std::optional<std::string> read(const std::string& root, const std::string& path) {
  auto text = read_text_file(root + path, 1 << 16);
  while (text && !text->empty() && (text->back() == '\n' || text->back() == ' ')) {
    text->pop_back();
  }
  return text;
}

std::string word_in_brackets(const std::string& text) {
  const std::size_t open = text.find('[');
  const std::size_t close = text.find(']');
  return open == std::string::npos || close == std::string::npos
             ? text
             : text.substr(open + 1, close - open - 1);
}

class Examination {
 public:
  explicit Examination(std::string root) : root_(std::move(root)) {}

  struct Row {
    const char* id;
    const char* path;
    const char* wanted;
    const char* why;
    const char* remedy;
    bool reboot;
  };

  // `judge` maps the file's text to a verdict; a missing file gives "unknown".
  template <typename Judge>
  void file(const Row& row, Judge judge) {
    const auto text = read(root_, row.path);
    checks.push_back({row.id, text ? judge(*text) : Health::unknown,
                      text ? (text->empty() ? "(empty)" : text->substr(0, 80))
                           : std::string("cannot read ") + row.path,
                      row.wanted, row.why, row.remedy, row.reboot});
  }
  std::vector<Check> checks;
  std::string root_;
};

}  // namespace

std::string name_of(Health health) {
  switch (health) {
    case Health::pass:
      return "pass";
    case Health::warn:
      return "warn";
    case Health::fail:
      return "fail";
    case Health::not_applicable:
      return "not-applicable";
    case Health::unknown:
      return "unknown";
  }
  return "unknown";
}

namespace {

// Expands "0-3,6" to a list of cores.
std::string cores_in(const std::string& list) {
  std::string out;
  std::string_view rest = list;
  while (!rest.empty()) {
    std::string_view range = next_field(rest, ',');
    const auto first = parse_unsigned(next_field(range, '-'));
    const auto last = range.empty() ? first : parse_unsigned(range);
    for (std::uint64_t core = first.value_or(1); first && last && core <= *last && core < 4096;
         ++core) {
      out += (out.empty() ? "" : ",") + std::to_string(core);
    }
  }
  return out;
}

// Converts "32K" or "1024 kB" to bytes.
std::optional<std::uint64_t> bytes_in(std::string_view text) {
  while (!text.empty() && text.front() == ' ') {
    text.remove_prefix(1);
  }
  std::size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') {
    ++digits;
  }
  const auto number = parse_unsigned(text.substr(0, digits));
  std::string_view unit = text.substr(digits);
  while (!unit.empty() && unit.front() == ' ') {
    unit.remove_prefix(1);
  }
  const bool kilo = unit.starts_with("K") || unit.starts_with("k");
  const bool mega = unit.starts_with("M");
  return number ? std::optional(*number << (kilo ? 10 : mega ? 20 : 0)) : std::nullopt;
}

// Whether a list such as "2,3" contains a core.
bool names(const std::string& cores, std::string_view core) {
  return ("," + cores + ",").find("," + std::string(core) + ",") != std::string::npos;
}

// Device interrupts that arrive on one of `cores`; nothing if the kernel lists no interrupts.
std::optional<std::vector<std::string>> interrupts_on(const std::string& root,
                                                      const std::string& cores) {
  std::vector<std::string> found;
  bool shown = false;
  for (const std::string& number : list_folder(root + "/proc/irq")) {
    const auto list = read(root, "/proc/irq/" + number + "/effective_affinity_list");
    shown = shown || list.has_value();
    const std::string at = cores_in(list.value_or(""));
    std::string_view rest = at;
    bool here = false;
    while (!rest.empty()) {
      here = names(cores, next_field(rest, ',')) || here;
    }
    if (here) {
      found.push_back(number);
    }
  }
  return shown ? std::optional(found) : std::nullopt;
}

void examine_buses(Examination& e, const BoardFacts& board) {
  for (const auto& [name, driver] : board.can) {
    // 280 is a CAN interface (linux/if_arp.h).
    const bool there =
        read_text_file(e.root_ + "/sys/class/net/" + name + "/type", 16).value_or("") == "280\n";
    const bool adapter = driver == "any";
    e.checks.push_back(
        {"board-can",
         there     ? Health::pass
         : adapter ? Health::warn
                   : Health::fail,
         there ? name : name + " is not there", name, "a site for this board may read this CAN bus",
         adapter ? "plug the adapter in; its module must be loaded" : "modprobe " + driver, false});
  }
}

}  // namespace

std::vector<Check> examine_board(const std::string& sysroot, const BoardFacts& board) {
  Examination e(sysroot);
  const std::string watch = board.watch;
  const std::string arguments = "add " + board.arguments + " to the kernel's command line";
  e.file({"board-machine", "/proc/sys/kernel/arch", board.machine.c_str(),
          "this board file describes another kind of machine",
          "take the board file of this machine", false},
         [&](const std::string& t) { return t == board.machine ? Health::pass : Health::fail; });
  const std::string cores = std::to_string(board.cores);
  e.file({"board-cores", "/sys/devices/system/cpu/present", cores.c_str(),
          "the plan runs on the cores that the board file names",
          "take the board file of this machine", false},
         [&](const std::string& t) {
           const std::string present = cores_in(t);
           const auto commas = std::count(present.begin(), present.end(), ',');
           return static_cast<std::uint64_t>(commas) + 1 == board.cores ? Health::pass
                                                                        : Health::fail;
         });
  e.file({"board-isolated", "/sys/devices/system/cpu/isolated", watch.c_str(),
          "other work on a watch core delays it", arguments.c_str(), true},
         [&](const std::string& t) { return cores_in(t) == watch ? Health::pass : Health::fail; });
  e.file({"board-nohz-full", "/sys/devices/system/cpu/nohz_full", watch.c_str(),
          "the timer interrupts a watch core every few milliseconds", arguments.c_str(), true},
         [&](const std::string& t) { return cores_in(t) == watch ? Health::pass : Health::warn; });
  const auto interrupts = interrupts_on(sysroot, watch);
  std::string numbers;
  for (const std::string& number : interrupts.value_or(std::vector<std::string>{})) {
    numbers += (numbers.empty() ? "" : " ") + number;
  }
  std::string others;
  for (std::uint64_t core = 0; core < board.cores; ++core) {
    if (!names(watch, std::to_string(core))) {
      others += (others.empty() ? "" : ",") + std::to_string(core);
    }
  }
  e.checks.push_back({"board-interrupts",
                      !interrupts       ? Health::unknown
                      : numbers.empty() ? Health::pass
                                        : Health::warn,
                      !interrupts       ? "cannot read /proc/irq"
                      : numbers.empty() ? "none"
                                        : numbers.substr(0, 80),
                      "no device interrupts on core " + watch,
                      "each takes 20 us from a watch core; if one stays, choose another watch core",
                      "for irq in " + numbers + "; do echo " + others +
                          " > /proc/irq/$irq/smp_affinity_list || echo \"$irq stays\"; done",
                      false});
  const auto size = [&](const char* id, const char* path, std::uint64_t bytes, const char* why) {
    const std::string wanted = std::to_string(bytes) + " bytes";
    e.file(
        {id, path, wanted.c_str(), why, "correct the board file", false},
        [&](const std::string& t) { return bytes_in(t) == bytes ? Health::pass : Health::warn; });
  };
  const char* const cache = "batches are sized to fit the cache";
  size("board-cache-line", "/sys/devices/system/cpu/cpu0/cache/index0/coherency_line_size",
       board.line_bytes, "memory is laid out in cache lines");
  size("board-cache-1", "/sys/devices/system/cpu/cpu0/cache/index0/size", board.l1d_bytes, cache);
  size("board-cache-2", "/sys/devices/system/cpu/cpu0/cache/index2/size", board.l2_bytes, cache);
  const std::string memory = std::to_string(board.memory_bytes >> 20) + " MiB";
  e.file({"board-memory", "/proc/meminfo", memory.c_str(), "the plan's memory must fit",
          "correct the board file", false},
         [&](const std::string& t) {
           const auto total = t.starts_with("MemTotal:") ? bytes_in(t.substr(9)) : std::nullopt;
           // The kernel reserves some of it.
           return total && *total >= board.memory_bytes / 10 * 8 ? Health::pass : Health::fail;
         });
  examine_buses(e, board);
  return e.checks;
}

namespace {

auto is(const char* wanted, Health otherwise) {
  return [wanted, otherwise](const std::string& text) {
    return text == wanted ? Health::pass : otherwise;
  };
}

void examine_swap(Examination& e) {
  e.file({"swap", "/proc/swaps", "no swap", "reading a swapped page takes milliseconds",
          "swapoff -a", false},
         [](const std::string& t) {
           return t.find('\n') == std::string::npos ? Health::pass : Health::warn;
         });
  if (e.checks.back().health == Health::pass) {
    e.checks.back().seen = "no swap";  // not the table's heading
  }
}

void examine_scheduling(Examination& e) {
  e.file({"preempt-rt", "/sys/kernel/realtime", "1",
          "an ordinary kernel delays a thread for milliseconds",
          "install linux-image-rt-amd64 (or -rt-arm64) and boot it", true},
         is("1", Health::fail));
  e.file({"isolated-cores", "/sys/devices/system/cpu/isolated", "the engine's core",
          "other work on the engine's core delays it",
          "add isolcpus=managed_irq,domain,1 to the kernel's command line", true},
         [](const std::string& t) { return t.empty() ? Health::fail : Health::pass; });
  e.file({"nohz-full", "/sys/devices/system/cpu/nohz_full", "the engine's core",
          "the timer interrupts the engine every few milliseconds",
          "add nohz_full=1 rcu_nocbs=1 to the kernel's command line", true},
         [](const std::string& t) {
           return t.empty() || t == "(null)" ? Health::warn : Health::pass;
         });
  e.file({"rt-throttling", "/proc/sys/kernel/sched_rt_runtime_us", "-1",
          "a FIFO thread is stopped for 50 ms in every second",
          "sysctl -w kernel.sched_rt_runtime_us=-1", false},
         is("-1", Health::fail));
  const std::string server = "/sys/kernel/debug/sched/fair_server/cpu0/runtime";
  if (exists(e.root_ + server)) {
    e.file(
        {"fair-server", server.c_str(), "0",
         "since Linux 6.12 ordinary work may take time from FIFO threads",
         "echo 0 > /sys/kernel/debug/sched/fair_server/cpuN/runtime for the engine's core", false},
        is("0", Health::warn));
  } else {
    e.checks.push_back({"fair-server", Health::not_applicable, "the kernel shows no fair server",
                        "0", "", "", false});
  }
}

void examine_clock_and_pages(Examination& e) {
  e.file({"huge-pages", "/proc/sys/vm/nr_hugepages", "as many as `vedette plan` shows",
          "small pages cause TLB misses", "sysctl -w vm.nr_hugepages=64", false},
         [](const std::string& t) {
           return parse_unsigned(t).value_or(0) > 0 ? Health::pass : Health::warn;
         });
  e.file({"clock-source", "/sys/devices/system/clocksource/clocksource0/current_clocksource",
          "tsc, kvm-clock or arch_sys_counter", "a slow clock costs microseconds at each reading",
          "add clocksource=tsc tsc=reliable to the kernel's command line", true},
         [](const std::string& t) {
           return t == "tsc" || t == "arch_sys_counter" ? Health::pass
                  : t == "kvm-clock"                    ? Health::warn
                                                        : Health::fail;
         });
}

void examine_limits(Examination& e) {
  rlimit lock{};
  const bool have_lock = ::getrlimit(RLIMIT_MEMLOCK, &lock) == 0;
  const bool unlimited = lock.rlim_cur == RLIM_INFINITY;
  const std::uint64_t locked = unlimited ? 0 : lock.rlim_cur;
  e.checks.push_back({"memlock",
                      !have_lock                           ? Health::unknown
                      : unlimited || locked >= (64U << 20) ? Health::pass
                                                           : Health::warn,
                      unlimited ? "unlimited" : std::to_string(locked) + " bytes",
                      "64 MiB or unlimited",
                      "memory that is not locked may be swapped out or dropped",
                      "set LimitMEMLOCK=infinity in the service file", false});
  rlimit priority{};
  const bool have_priority = ::getrlimit(RLIMIT_RTPRIO, &priority) == 0;
  const auto status = read(e.root_, "/proc/self/status");
  bool capable = false;
  if (status) {
    const std::size_t at = status->find("CapEff:\t");
    const auto bits =
        at == std::string::npos ? std::nullopt : parse_unsigned(status->substr(at + 8, 16), 16);
    capable = bits && (*bits >> 23 & 1) != 0;  // CAP_SYS_NICE
  }
  e.checks.push_back({"rt-priority",
                      !have_priority                       ? Health::unknown
                      : priority.rlim_cur >= 50 || capable ? Health::pass
                                                           : Health::fail,
                      capable ? "CAP_SYS_NICE" : std::to_string(priority.rlim_cur),
                      "50, or CAP_SYS_NICE", "without it other threads delay the engine",
                      "set LimitRTPRIO=90 in the service file", false});
}

void examine_frequency(Examination& e) {
  const std::string governor = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor";
  if (exists(e.root_ + governor)) {
    e.file({"governor", governor.c_str(), "performance",
            "a core that runs slowly to save power speeds up late",
            "cpupower frequency-set -g performance", false},
           is("performance", Health::warn));
  } else {
    e.checks.push_back({"governor", Health::not_applicable,
                        "this machine does not scale its frequency", "performance", "", "", false});
  }
}

void examine_kernel_settings(Examination& e) {
  e.file({"transparent-huge-pages", "/sys/kernel/mm/transparent_hugepage/enabled",
          "never or madvise", "the kernel stops a thread while it merges pages",
          "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled", false},
         [](const std::string& t) {
           return word_in_brackets(t) == "always" ? Health::warn : Health::pass;
         });
  e.file({"io-uring", "/proc/sys/kernel/io_uring_disabled", "0", "sources need io_uring",
          "sysctl -w kernel.io_uring_disabled=0", false},
         is("0", Health::fail));
  e.file({"nmi-watchdog", "/proc/sys/kernel/nmi_watchdog", "0", "it interrupts every core",
          "sysctl -w kernel.nmi_watchdog=0", false},
         is("0", Health::warn));
}

}  // namespace

std::vector<Check> examine_host(const std::string& sysroot) {
  Examination e(sysroot);
  examine_scheduling(e);
  examine_clock_and_pages(e);
  examine_swap(e);
  e.file({"irq-affinity", "/proc/irq/default_smp_affinity", "without the engine's core",
          "interrupts on the engine's core delay it",
          "add irqaffinity=0 to the kernel's command line", true},
         [](const std::string& t) { return t == "1" || t == "01" ? Health::pass : Health::warn; });
  examine_limits(e);
  examine_frequency(e);
  examine_kernel_settings(e);
  return e.checks;
}

std::vector<Check> examine_sandbox() {
  std::vector<Check> checks;
  const auto lacks = kernel_sandbox();
  for (std::size_t i = 0; i < lacks.size(); ++i) {
    const SandboxPieceFacts& facts = facts_of(static_cast<SandboxPiece>(i));
    checks.push_back({"sandbox-" + std::string(facts.name),
                      lacks[i] == 0 ? Health::pass : Health::warn,
                      lacks[i] == 0 ? "yes" : "no: " + error_text(lacks[i]),
                      "yes: " + std::string(facts.does), "without it " + std::string(facts.instead),
                      "boot Linux " + std::string(facts.since) +
                          " or later, with it switched on in its configuration",
                      true});
  }
  return checks;
}

}  // namespace vedette::platform
