#include "platform/doctor.hpp"

#include <cstdio>

#include "cli/command.hpp"
#include "cli/print.hpp"

namespace vedette::cli {

namespace {

std::string list_of(const std::vector<std::uint32_t>& cores) {
  std::string text;
  for (const std::uint32_t core : cores) {
    text += (text.empty() ? "" : ",") + std::to_string(core);
  }
  return text;
}

std::vector<std::pair<std::string, std::string>> buses_of(const plan::Board& board) {
  std::vector<std::pair<std::string, std::string>> buses;
  for (const plan::BoardCan& can : board.can) {
    buses.emplace_back(can.name, can.kernel_driver);
  }
  return buses;
}

// Prints every remedy as a script: first those that last until the next boot, then kernel
// arguments, which need one.
void print_fix_plan(const std::vector<platform::Check>& checks, const plan::Board* board) {
  print("#!/bin/sh\nset -eu\n");
  bool arguments = false;
  for (const platform::Check& c : checks) {
    if (c.health != platform::Health::fail && c.health != platform::Health::warn) {
      continue;
    }
    const bool command = c.remedy.starts_with("sysctl ") || c.remedy.starts_with("swapoff") ||
                         c.remedy.starts_with("echo ") || c.remedy.starts_with("cpupower ") ||
                         c.remedy.starts_with("for ");
    const bool kernel = c.remedy.find("command line") != std::string::npos;
    arguments = arguments || kernel;
    if (command && c.remedy.find("cpuN") == std::string::npos) {
      print("%s   # %s\n", c.remedy.c_str(), c.id.c_str());
    } else if (!kernel || board == nullptr) {
      print("# %s: %s\n", c.id.c_str(), c.remedy.c_str());
    }
  }
  if (arguments && board != nullptr) {
    print(
        "mkdir -p /etc/default/grub.d\n"
        "echo 'GRUB_CMDLINE_LINUX_DEFAULT=\"$GRUB_CMDLINE_LINUX_DEFAULT %s\"' > "
        "/etc/default/grub.d/vedette.cfg\nupdate-grub   # then reboot\n",
        plan::isolation_arguments(*board).c_str());
  }
}

}  // namespace

int doctor(const DoctorCommand& command) {
  const bool json = command.json;
  auto checks = platform::examine_host(command.sysroot);
  if (command.sysroot.empty() || command.sysroot == "/") {
    const auto more = platform::examine_sandbox();
    checks.insert(checks.end(), more.begin(), more.end());
  }
  plan::Board board;
  if (!command.board.empty()) {
    if (const int code = load_board(command.board, json, "doctor", board); code != kOk) {
      return code;
    }
    const auto more = platform::examine_board(
        command.sysroot,
        {board.machine, list_of(board.watch), plan::isolation_arguments(board), board.cores,
         board.line_bytes, board.l1d_bytes, board.l2_bytes, board.memory_bytes, buses_of(board)});
    checks.insert(checks.end(), more.begin(), more.end());
  }
  if (command.fix_plan) {
    print_fix_plan(checks, command.board.empty() ? nullptr : &board);
    return kOk;
  }
  bool found = false;
  std::string text;
  JsonWriter<std::string> out(text);
  out.begin_object().key("checks").begin_array();
  for (const platform::Check& c : checks) {
    const bool bad = c.health == platform::Health::fail || c.health == platform::Health::warn;
    found = found || c.health == platform::Health::fail;
    out.begin_object().member("id", std::string_view(c.id));
    out.member("result", std::string_view(platform::name_of(c.health)));
    out.member("seen", std::string_view(c.seen)).member("wanted", std::string_view(c.wanted));
    if (bad || c.health == platform::Health::unknown) {
      out.member("why", std::string_view(c.why)).member("remedy", std::string_view(c.remedy));
      out.member("reboot", c.reboot);
    }
    out.end_object();
    if (!json) {
      print("%-15s %-24s seen: %s\n", platform::name_of(c.health).c_str(), c.id.c_str(),
            c.seen.c_str());
      if (bad) {
        print("%15s wanted: %s, because %s\n%15s remedy: %s%s\n", "", c.wanted.c_str(),
              c.why.c_str(), "", c.remedy.c_str(), c.reboot ? " (needs a reboot)" : "");
      }
    }
  }
  out.end_array().end_object();
  if (json) {
    print_data("doctor", text);
  }
  return found ? kFound : kOk;
}

}  // namespace vedette::cli
