// Purpose: a board file: what a machine is made of, which of its cores watch, how it boots, and the
// evidence for each fact. In: TOML text. Out: a Board, or every problem with its place. Runs on:
// cold threads.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "plan/problem.hpp"

namespace vedette::plan {

struct BoardPort {
  std::string name, kernel_driver, dpdk;  // dpdk: the poll-mode driver, af_xdp or af_packet
};

struct BoardCan {
  std::string name, kernel_driver;  // "any": an adapter, driven by whichever module knows it
};

struct Board {
  std::string title;
  std::string machine;  // x86_64 or aarch64
  std::string cpu_model;
  std::uint32_t cores = 0;
  std::vector<std::uint32_t> watch;  // isolated cores: the engine's, then ingress'
  std::uint64_t line_bytes = 0, l1d_bytes = 0, l2_bytes = 0, memory_bytes = 0;
  std::vector<BoardPort> ports;
  std::vector<BoardCan> can;
  std::vector<std::string> serial;
  std::string watchdog, watchdog_driver;
  std::string storage;
  std::string boot;         // uefi, u-boot or bios
  std::string device_tree;  // u-boot: its name in the kernel's package, without .dtb
  std::string kernel_arguments;
  std::vector<std::string> modules;
  std::string tested;  // "untested", or the day it ran on the hardware
};

// Evidence of every fact, in the order of the file: "cpu.cores", "device-tree".
struct Evidence {
  std::string fact, from;
};

struct ReadBoard {
  Board board;
  std::vector<Evidence> evidence;
  std::vector<Problem> problems;
};
ReadBoard read_board(std::string_view text);

// The kernel arguments that reserve the watching cores for the watch.
std::string isolation_arguments(const Board& board);
// Largest batch that stays in the second-level cache together with the data it touches.
std::uint32_t batch_bound(const Board& board);

}  // namespace vedette::plan
