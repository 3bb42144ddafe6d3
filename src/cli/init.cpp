// Purpose: the first process of an image: makes the machine ready, watches, and ends the machine
// when the watch ends. What it finds below /etc/vedette was put there by firmware/build-image.
#include <cstdio>
#include <string_view>

#include "base/text.hpp"
#include "cli/command.hpp"
#include "platform/file.hpp"
#include "platform/machine.hpp"

namespace vedette::cli {
namespace {

constexpr const char* kFolder = "/etc/vedette/";
constexpr const char* kPartition = "vedette-data";
constexpr int kPartitionWaitMs = 10'000;

void say(const char* what, const std::string& problem) {
  if (!problem.empty()) {
    std::fprintf(stderr, "{\"kind\":\"init\",\"%s\":\"%s\"}\n", what, problem.c_str());
  }
}

// One line each; what fails is said and left out, because a node that watches without its second
// port is more than one that does not start.
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

}  // namespace

int init() {
  say("mount", platform::mount_kernel_file_systems());
  each_line("modules", platform::load_module);
  each_line("interfaces", platform::bring_up);
  // The machine is the watch's alone: nothing else is to be saved from its threads.
  say("throttling", platform::set_kernel("/proc/sys/kernel/sched_rt_runtime_us", "-1"));
  RunCommand watch;
  watch.site.path = std::string(kFolder) + "site.plan";
  watch.alerts = true;
  watch.json = true;
  const auto device = platform::find_partition(kPartition, kPartitionWaitMs);
  const std::string data = device ? platform::mount_ext4(*device, "/data")
                                  : "there is no partition " + std::string(kPartition);
  if (!data.empty()) {
    // It warns all the same; what it records is gone with the power.
    std::fprintf(stderr, "{\"kind\":\"init\",\"data\":\"%s\",\"keeps\":\"in memory\"}\n",
                 data.c_str());
  }
  watch.data = data.empty() ? "/data/vedette" : "/run/vedette";
  const int code = run(watch);
  std::fprintf(stderr, "{\"kind\":\"init\",\"ended\":%d}\n", code);
  platform::end_machine(code == kOk ? platform::Ending::power_off : platform::Ending::reboot);
  return code;
}

}  // namespace vedette::cli
