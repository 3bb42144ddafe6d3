// Purpose: what the first process of a machine sets up: kernel file systems, modules, the data
// partition, interfaces, devices; and shutdown. In: names. Out: empty texts, or the error. Runs on:
// threads that may wait, mostly before the watch.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace vedette::platform {

bool is_first_process();
// Ends the first process as a supervisor ends a service. False when the system refuses.
bool stop_first_process();
int configured_cores();  // including offline ones
// Whether the machine booted from one of our images.
bool first_process_is_this_program();

// Mounts /proc, /sys, /dev, /run and /tmp unless they are mounted.
std::string mount_kernel_file_systems();
// Loads a module file of the running kernel. One that is loaded or built in is no failure.
std::string load_module(const std::string& path);
// The device of the partition with this name in its GPT entry; waits for it to appear.
std::optional<std::string> find_partition(const std::string& name, int wait_ms);
// The whole device that the partition is on.
std::optional<std::string> disk_of_partition(const std::string& name);
std::string mount_ext4(const std::string& device, const std::string& folder);
// Brings "eth0" up; "eth0 10.0.2.15/24 10.0.2.2" also gives it an IPv4 address and a default
// gateway.
std::string bring_up(const std::string& line);
// Whether the interface of such a line has a link; true for one without an address.
bool has_link(const std::string& line);
// Call before loading drivers: keeps kernel drivers off this PCI device, so that it takes no
// interface name either.
std::string reserve_for_vfio(const std::string& address);
// Moves a PCI device ("0000:00:03.0") from the kernel's driver to vfio-pci, behind the IOMMU, for a
// driver in this process.
std::string give_to_vfio(const std::string& address);
// Sets a kernel parameter by its file below /proc/sys.
std::string set_kernel(const std::string& path, const std::string& value);

// Moves every interrupt to the cores of irqaffinity=: drivers may have chosen a watching core,
// where the handler would wait for ever. Per-core interrupts stay.
void gather_interrupts();

// Memory available without swapping, in bytes; 0 if unknown.
std::uint64_t available_memory();
// Reserved huge pages that are free, in bytes; available_memory() excludes them.
std::uint64_t free_huge_bytes();

// Runs this program again with these words, its output on ours; waits and returns its exit code,
// 128 + the signal that ended it, or -1 if it did not start. posix_spawn copies no page table.
int run_self(const std::vector<std::string>& words);
// The same with its output into `out` and its errors discarded. Kills it when it is silent for
// `wait_ms` or writes more than `most_bytes`.
int run_self_for_output(const std::vector<std::string>& words, std::size_t most_bytes, int wait_ms,
                        std::vector<std::uint8_t>& out);

// Lifts the locked-memory limit for this process and its children.
void lift_memory_limit();

// Calls `handler` for SIGINT and SIGTERM, on any thread between any two instructions; ignores
// SIGPIPE.
void catch_stop_signals(void (*handler)(int));

bool is_terminal(int fd);
std::size_t columns_of_terminal(int fd);  // 0: it does not say

// For an open watchdog device (Linux watchdog API).
bool set_watchdog_timeout(int fd, int seconds);

enum class Ending { power_off, reboot };
// Syncs the disks; returns only when the kernel refuses.
void end_machine(Ending ending);

}  // namespace vedette::platform
