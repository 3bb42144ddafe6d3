// Purpose: `vedette update` and `vedette restart`: new versions of an image.
#include <csignal>
#include <cstdio>

#include "cli/command.hpp"
#include "firmware/install.hpp"
#include "platform/file.hpp"
#include "platform/machine.hpp"

namespace vedette::cli {
namespace {

constexpr const char* kRestartWanted = "/run/vedette-restart";

int exit_of(firmware::Refusal refusal) {
  using firmware::Refusal;
  switch (refusal) {
    case Refusal::unreadable:
    case Refusal::write_failed:
      return kIo;
    case Refusal::trial_under_way:
      return kTryLater;
    case Refusal::no_slots:
      return kNotFound;
    case Refusal::no_key:
    case Refusal::bad_signature:
    case Refusal::too_old:
    case Refusal::wrong_board:
      return kNotAllowed;
    default:
      return kBadData;
  }
}

const char* help_for(firmware::Refusal refusal) {
  using firmware::Refusal;
  switch (refusal) {
    case Refusal::bad_signature:
      return "take the bundle from its maker again, or one signed with this image's key";
    case Refusal::truncated:
    case Refusal::damaged:
      return "copy the bundle again; the slot that runs is untouched";
    case Refusal::no_key:
      return "make images with firmware/build-slot --update-key";
    case Refusal::wrong_board:
      return "make it with --board of this machine";
    case Refusal::too_old:
      return "a newer version was confirmed that forbids to go back so far";
    case Refusal::trial_under_way:
      return "let it confirm itself, or `vedette update confirm` or `rollback` first";
    default:
      return "";
  }
}

std::string first_line(const std::string& path) {
  const auto text = platform::read_text_file(path, 1 << 16);
  return text ? text->substr(0, text->find('\n')) : std::string();
}

}  // namespace

int update(const UpdateCommand& command, const std::string& word) {
  const auto disk_path = command.disk.empty() ? firmware::own_disk() : std::optional(command.disk);
  if (!disk_path) {
    return fail(command.json, "update", kNotFound, "no-slots",
                "this machine has no slots: it was not started from an image",
                "name the disk or its image with --disk");
  }
  firmware::SlotDisk disk;
  std::string problem = disk.open(*disk_path, word != "status");
  if (!problem.empty()) {
    return fail(command.json, "update", kIo, "no-slots", problem);
  }
  if (word == "install") {
    firmware::Bundle bundle;
    const auto key = platform::read_text_file(command.key, 1 << 16);
    firmware::Installed done{bundle.open(command.bundle, key.value_or("")), {}, 0};
    if (done.refusal == firmware::Refusal::none) {
      done =
          firmware::install(bundle, disk, first_line(command.board), command.starts,
                            [&](std::uint64_t written, std::uint64_t all) {
                              if (!command.json) {
                                std::fprintf(stderr, "\r%3llu %%",
                                             static_cast<unsigned long long>(written * 100 / all));
                              }
                            });
      if (!command.json) {
        std::fputc('\n', stderr);
      }
    }
    if (done.refusal != firmware::Refusal::none) {
      const std::string name(name_of(done.refusal));
      return fail(
          command.json, "update", exit_of(done.refusal), name,
          command.bundle + " is refused: " + name + (done.detail.empty() ? "" : ", " + done.detail),
          help_for(done.refusal));
    }
    if (!command.json) {
      std::printf("version %llu is in slot %u; the next start tries it (`vedette restart`)\n",
                  static_cast<unsigned long long>(bundle.manifest().version), done.slot);
      return kOk;
    }
  } else if (word != "status") {
    problem = word == "confirm" ? firmware::confirm(disk)
                                : firmware::roll_back(disk, VEDETTE_TRIAL_WITHDRAWN, "by operator");
    if (!problem.empty()) {
      return fail(command.json, "update", kTryLater, word, problem);
    }
  }
  const std::string status = firmware::status_json(disk);
  if (command.json) {
    print_data("update", status);
  } else {
    std::printf("%s\n", status.c_str());
  }
  return kOk;
}

void ask_for_restart() {
  platform::write_file_durably(kRestartWanted, {});
}

bool restart_wanted() {
  return platform::exists(kRestartWanted);
}

int restart_machine(bool json) {
  if (!platform::first_process_is_this_program()) {
    return fail(json, "restart", kNotFound, "not-an-image",
                "the first process of this machine is not vedette",
                "end the watch by its supervisor, or by SIGTERM");
  }
  ask_for_restart();
  if (::kill(1, SIGTERM) != 0) {
    return fail(json, "restart", kIo, "kill", "the first process cannot be told");
  }
  if (json) {
    print_data("restart", "{\"accepted\":true}");
  }
  return kOk;
}

}  // namespace vedette::cli
