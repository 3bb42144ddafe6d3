// Purpose: what the first process of a machine does to it: kernel file systems, modules, the data
// partition, interfaces, devices, and switching it off. In: names. Out: empty texts, or what failed
// and how. Runs on: threads that may wait, most of it before the watch.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace vedette::platform {

bool is_first_process();
// As a supervisor ends a service. False when the system refuses.
bool stop_first_process();
int configured_cores();  // those that are switched off among them
// The machine was started from an image of ours.
bool first_process_is_this_program();

// /proc, /sys, /dev, /run and /tmp; what is mounted already stays.
std::string mount_kernel_file_systems();
// A module file of the running kernel. One that is loaded or built in already is no failure.
std::string load_module(const std::string& path);
// The device of the partition with this name in its GPT entry; waits for it to appear.
std::optional<std::string> find_partition(const std::string& name, int wait_ms);
// The whole device that the partition is on.
std::optional<std::string> disk_of_partition(const std::string& name);
std::string mount_ext4(const std::string& device, const std::string& folder);
// "eth0", up; "eth0 10.0.2.15/24 10.0.2.2" with its IPv4 address and the gateway to elsewhere.
std::string bring_up(const std::string& line);
// Whether the interface of such a line, where it has an address, can send.
bool has_link(const std::string& line);
// Before drivers are loaded: no kernel driver takes this PCI device, so that it gets no interface's
// name either.
std::string reserve_for_vfio(const std::string& address);
// Takes a PCI device ("0000:00:03.0") from the kernel's driver and gives it to vfio-pci, behind the
// IOMMU, for a driver in this process.
std::string give_to_vfio(const std::string& address);
// A kernel parameter, by its file below /proc/sys.
std::string set_kernel(const std::string& path, const std::string& value);

// Every interrupt goes where new ones go by irqaffinity=: drivers that choose for themselves may
// have chosen a watching core, where the handler waits for ever. The kernel keeps those of each
// core.
void gather_interrupts();

// What the machine can still give without swapping, in bytes; 0 when it does not say.
std::uint64_t available_memory();
// In huge pages that are set aside and that nobody uses yet, in bytes; they are not in the former.
std::uint64_t free_huge_bytes();

// Runs this program once more with these words, its output on ours; waits and returns its exit
// code, 128 and the signal that ended it, or -1 when it could not be started. Copies no page table.
int run_self(const std::vector<std::string>& words);
// The same with its output into `out`, and its errors nowhere. It is ended when it says nothing for
// `wait_ms`, or more than `most_bytes`.
int run_self_for_output(const std::vector<std::string>& words, std::size_t most_bytes, int wait_ms,
                        std::vector<std::uint8_t>& out);

// This process and its children may lock all the memory they have.
void lift_memory_limit();

// SIGINT and SIGTERM call `handler`, on any thread and between any two instructions; SIGPIPE does
// nothing.
void catch_stop_signals(void (*handler)(int));

// Of an open watchdog device (Linux watchdog API).
bool set_watchdog_timeout(int fd, int seconds);

enum class Ending { power_off, reboot };
// Writes what is not written yet; returns only when the kernel refuses.
void end_machine(Ending ending);

}  // namespace vedette::platform
