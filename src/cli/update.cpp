// Purpose: `vedette update` and `vedette restart`: installs and switches versions of an image.
#include <cstdio>

#include "cli/command.hpp"
#include "cli/print.hpp"
#include "cli/slot_watch.hpp"
#include "edge/firmware/install.hpp"
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
    case Refusal::restart_first:
      return kTryLater;
    case Refusal::no_slots:
      return kNotFound;
    case Refusal::no_key:
    case Refusal::bad_signature:
    case Refusal::too_old:
    case Refusal::wrong_board:
    case Refusal::drops_update_key:
    case Refusal::drops_addresses:
      return kNotAllowed;
    default:
      return kBadData;
  }
}

const char* help_for(firmware::Refusal refusal) {
  using firmware::Refusal;
  switch (refusal) {
    case Refusal::bad_signature:
      return "get the bundle from its maker again; it must be signed with this image's key";
    case Refusal::truncated:
    case Refusal::damaged:
      return "copy the bundle again; the version that runs is untouched";
    case Refusal::no_key:
      return "this post takes no updates: its image was built without --update-key. On a card in "
             "another machine, name a public key on P-256 with --key";
    case Refusal::drops_update_key:
      return "build the bundle with firmware/build-bundle, which includes the update key";
    case Refusal::drops_addresses:
      return "build the bundle with each --address that the image was built with";
    case Refusal::wrong_board:
      return "get or build the bundle for this board (firmware/build-bundle --board)";
    case Refusal::too_old:
      return "install a newer bundle; `vedette update rollback` goes back to the version before";
    case Refusal::trial_under_way:
      return "wait until it confirms itself, or end the trial with `vedette update confirm` or "
             "`vedette update rollback`";
    case Refusal::restart_first:
      return "`vedette restart`, then install again";
    case Refusal::not_a_bundle:
      return "name the bundle file, or the whole device that it was written to";
    case Refusal::bad_manifest:
      return "build the bundle again with firmware/build-bundle";
    case Refusal::too_large:
      return "build the bundle for this board; its slots cannot grow";
    default:
      return "";
  }
}

std::string first_line(const std::string& path) {
  const auto text = platform::read_text_file(path, 1 << 16);
  return text ? text->substr(0, text->find('\n')) : std::string();
}

// A trial that an operator confirms must be as healthy as one that confirms itself.
std::string why_not_confirm() {
  const auto problem = platform::read_text_file(kTrialProblem, 1 << 16);
  return !problem           ? "the version on trial does not watch yet; wait until it does"
         : problem->empty() ? std::string()
                            : "the version on trial is not healthy: " + *problem;
}

// Records what this version lacks, so that its successor's trial need not do better.
std::string keep_lacks(std::uint64_t version) {
  LoadedPlan loaded;
  SiteOptions site;
  site.path = "/etc/vedette/site.plan";
  if (load_site(site, true, "update", loaded) != kOk) {
    return "the running plan cannot be read";
  }
  const std::string text = firmware::baseline_of(version, lacks_of_this_post(*loaded.plan));
  const int error = platform::write_file_durably(kLackedBefore, as_bytes(text));
  return error == 0 ? std::string() : platform::error_text(error);
}

int refuse(const UpdateCommand& command, const firmware::Installed& done, bool keep) {
  const std::string name(name_of(done.refusal));
  const std::string text =
      command.bundle + " is refused: " + name + (done.detail.empty() ? "" : ", " + done.detail);
  if (keep) {
    platform::write_file_durably(kRefused, as_bytes("Since this start: " + text + "."));
  }
  return fail(command.json, "update", exit_of(done.refusal), name, text, help_for(done.refusal));
}

int install(const UpdateCommand& command, const firmware::SlotDisk& disk, bool own) {
  firmware::Bundle bundle;
  const auto key = platform::read_text_file(command.key, 1 << 16);
  firmware::Installed done{bundle.open(command.bundle, key.value_or("")), {}, 0};
  if (done.refusal != firmware::Refusal::none) {
    return refuse(command, done, own);
  }
  done = firmware::install(bundle, disk, first_line(command.board), command.starts,
                           [&](std::uint64_t written, std::uint64_t all) {
                             if (!command.json) {
                               print_error("\r%3llu %%",
                                           static_cast<unsigned long long>(written * 100 / all));
                             }
                           });
  if (!command.json) {
    print_error_text("\n");
  }
  if (done.refusal != firmware::Refusal::none) {
    return refuse(command, done, own);
  }
  if (own) {
    if (const std::string problem = keep_lacks(bundle.manifest().version); !problem.empty()) {
      print_error(
          "vedette: cannot note what this version runs without: %s; the new version confirms "
          "itself "
          "only if nothing is missing\n",
          problem.c_str());
    }
  }
  if (!command.json) {
    print("version %llu is in slot %u; the next start tries it (`vedette restart`)\n",
          static_cast<unsigned long long>(bundle.manifest().version), done.slot);
  }
  return kOk;
}

}  // namespace

int update(const UpdateCommand& command, const std::string& word) {
  const auto disk_path = command.disk.empty() ? firmware::own_disk() : std::optional(command.disk);
  if (!disk_path) {
    return fail(command.json, "update", kNotFound, "no-slots",
                "this machine has no slots: it did not start from an image",
                "name the disk or its image with --disk");
  }
  firmware::SlotDisk disk;
  std::string problem = disk.open(*disk_path, word != "status");
  if (!problem.empty()) {
    return fail(command.json, "update", kIo, "no-slots", problem);
  }
  const bool running_post = platform::first_process_is_this_program();
  if (word == "install") {
    if (const int code = install(command, disk, running_post && command.disk.empty());
        code != kOk || !command.json) {
      return code;
    }
  } else if (word == "confirm") {
    problem = running_post ? why_not_confirm() : "";
    problem = problem.empty() ? firmware::confirm(disk) : problem;
  } else if (word == "rollback") {
    if (command.force && running_post) {
      return fail(command.json, "update", kNotAllowed, "rollback",
                  "a running post goes back only to a version that was confirmed and ran well",
                  "--force is for its card in another machine");
    }
    problem = firmware::roll_back(disk, VEDETTE_TRIAL_WITHDRAWN, "by operator", command.force);
  }
  if (!problem.empty()) {
    return fail(command.json, "update", kTryLater, word, problem,
                "`vedette update status` says what each slot holds");
  }
  const std::string refused =
      running_post ? platform::read_text_file(kRefused, 4096).value_or("") : std::string();
  if (command.json) {
    print_data("update", firmware::status_json(disk, refused));
    return kOk;
  }
  const auto state = disk.read_state();
  if (!state) {
    print("The boot state is damaged: the next start takes slot 0 as confirmed.\n");
    return kOk;
  }
  for (const std::string& sentence : firmware::in_words(*state, disk.read_heads())) {
    print_text(sentence + "\n");
  }
  if (!refused.empty()) {
    print_text(refused + "\n");
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
                "this machine does not run a vedette image",
                "stop the node through its supervisor or with SIGTERM, then restart the machine");
  }
  ask_for_restart();
  if (!platform::stop_first_process()) {
    return fail(json, "restart", kIo, "kill", "the system refused the signal to the first process");
  }
  if (json) {
    print_data("restart", "{\"accepted\":true}");
  }
  return kOk;
}

}  // namespace vedette::cli
