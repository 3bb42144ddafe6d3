// Purpose: what the first process of a machine does to it: kernel file systems, modules, the data
// partition, interfaces, and switching it off. In: names. Out: empty texts, or what failed and how.
// Runs on: the main thread, before the watch and after it.
#pragma once

#include <optional>
#include <string>

namespace vedette::platform {

bool is_first_process();

// /proc, /sys, /dev, /run and /tmp; what is mounted already stays.
std::string mount_kernel_file_systems();
// A module file of the running kernel. One that is loaded or built in already is no failure.
std::string load_module(const std::string& path);
// The device of the partition with this name in its GPT entry; waits for it to appear.
std::optional<std::string> find_partition(const std::string& name, int wait_ms);
std::string mount_ext4(const std::string& device, const std::string& folder);
std::string bring_up(const std::string& interface);
// A kernel parameter, by its file below /proc/sys.
std::string set_kernel(const std::string& path, const std::string& value);

enum class Ending { power_off, reboot };
// Writes what is not written yet; returns only when the kernel refuses.
void end_machine(Ending ending);

}  // namespace vedette::platform
