// Purpose: `vedette flash`: writes an image to a disk that somebody carries to a machine.
#include "edge/firmware/flash.hpp"

#include <cstdio>

#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/print.hpp"
#include "platform/clock.hpp"
#include "platform/disks.hpp"
#include "platform/file.hpp"

namespace vedette::cli {
namespace {

int exit_of(firmware::FlashEnd end) {
  using firmware::FlashEnd;
  switch (end) {
    case FlashEnd::complete:
      return kOk;
    case FlashEnd::bad_map:
    case FlashEnd::bad_image:
      return kBadData;
    case FlashEnd::too_small:
      return kNotAllowed;
    case FlashEnd::verify_failed:
      return kFound;
    default:
      return kIo;
  }
}

const char* help_for(firmware::FlashEnd end) {
  using firmware::FlashEnd;
  switch (end) {
    case FlashEnd::bad_map:
      return "IMAGE.map must lie beside the image; unpack IMAGE.zst with `zstd -d`";
    case FlashEnd::bad_image:
      return "copy the image again, with its map";
    case FlashEnd::too_small:
      return "use a larger disk";
    case FlashEnd::write_failed:
    case FlashEnd::verify_failed:
      return "use another disk: this one does not store what is written to it";
    case FlashEnd::unplugged:
      return "plug it in again and repeat; until then it does not boot";
    case FlashEnd::cannot_open:
      return "run as root, and close what uses the disk";
    default:
      return "";
  }
}

void list(const std::vector<platform::Disk>& disks, bool json) {
  std::string text;
  JsonWriter<std::string> out(text);
  out.begin_object().key("disks").begin_array();
  for (const platform::Disk& disk : disks) {
    if (!disk.removable) {
      continue;
    }
    out.begin_object().member("device", std::string_view("/dev/" + disk.name));
    out.member("model", std::string_view(disk.model));
    out.member("serial", std::string_view(disk.serial)).member("bytes", disk.bytes);
    out.member("read_only", disk.read_only).key("used").begin_array();
    for (const std::string& use : disk.used) {
      out.value(std::string_view(use));
    }
    out.end_array().end_object();
    if (!json) {
      print("/dev/%-10s %7.1f GB  %s  %s%s\n", disk.name.c_str(),
            static_cast<double>(disk.bytes) * 1e-9,
            disk.model.empty() ? "(no model)" : disk.model.c_str(),
            disk.serial.empty() ? "(no serial)" : disk.serial.c_str(),
            disk.used.empty() ? "" : ("  in use: " + disk.used.front()).c_str());
    }
  }
  out.end_array().end_object();
  if (json) {
    print_data("flash", text);
  }
}

// The disk to write, or null with the problem.
const platform::Disk* choose(const std::vector<platform::Disk>& disks, const FlashCommand& command,
                             std::string& problem, std::string& help) {
  const std::string name = platform::disk_name_of("", command.device);
  if (name.empty()) {
    problem = command.device + " is not a disk";
    help = "`vedette flash --list` lists the disks";
    return nullptr;
  }
  for (const platform::Disk& disk : disks) {
    if (disk.name != name) {
      continue;
    }
    if (!disk.used.empty()) {
      problem = command.device + " is in use: " + disk.used.front();
      help = "unmount it first; the disk of the running system is never written";
    } else if (disk.read_only) {
      problem = command.device + " is write-protected";
      help = "move its lock switch, or use another";
    } else if (!disk.removable && !command.fixed) {
      problem = command.device + " is built in (" + disk.model + " " + disk.serial + ")";
      help = "add --fixed to overwrite it all the same";
    } else {
      return &disk;
    }
    return nullptr;
  }
  problem = command.device + " is a partition, or a device made of other disks";
  help = "name the whole disk, as `vedette flash --list` shows it";
  return nullptr;
}

}  // namespace

int flash(const FlashCommand& command) {
  const auto disks = platform::list_disks("");
  if (command.list) {
    list(disks, command.json);
    return kOk;
  }
  std::string problem;
  std::string help;
  if (choose(disks, command, problem, help) == nullptr) {
    return fail(command.json, "flash", kNotAllowed, "refused", problem, help);
  }
  std::string log = "image " + command.image + "\ndevice " + command.device + "\nbegin ";
  append_time(log, platform::realtime_ns());
  log += "\n";
  const std::string log_file = command.log.empty() ? command.image + ".flash.log" : command.log;
  if (platform::write_file_durably(log_file, as_bytes(log)) != 0) {
    return fail(command.json, "flash", kIo, "log", log_file + " cannot be written",
                "name another with --log");
  }
  firmware::BlockMap map;
  firmware::Flashed done{firmware::FlashEnd::bad_map, command.image + ".map"};
  const auto text = platform::read_text_file(command.image + ".map", 1 << 26);
  if (text && firmware::parse_block_map(*text, map)) {
    std::uint64_t shown = ~std::uint64_t{0};
    done = firmware::flash(command.image, map, command.device,
                           [&](std::string_view what, std::uint64_t bytes, std::uint64_t all) {
                             const std::uint64_t percent = bytes * 100 / all;
                             if (!command.json && percent != shown) {
                               shown = percent;
                               const auto bars = static_cast<int>(percent / 4);
                               print_error("\r%-12s [%.*s%*s] %3llu %%", what, bars,
                                           "#########################", 25 - bars, "",
                                           static_cast<unsigned long long>(percent));
                             }
                           });
    if (!command.json) {
      print_error_text("\n");
    }
  }
  const std::string name(name_of(done.end));
  log += "end ";
  append_time(log, platform::realtime_ns());
  log += "\nresult " + name + (done.detail.empty() ? "" : " " + done.detail) + "\n";
  platform::write_file_durably(log_file, as_bytes(log));
  if (done.end != firmware::FlashEnd::complete) {
    return fail(command.json, "flash", exit_of(done.end), name,
                command.device + ": " + name + ": " + done.detail, help_for(done.end));
  }
  if (command.json) {
    print_data("flash", "{\"result\":\"complete\",\"bytes\":" + std::to_string(map.bytes) + "}");
  } else {
    print("complete: %llu bytes written and read back; log in %s\n",
          static_cast<unsigned long long>(map.bytes), log_file.c_str());
  }
  return kOk;
}

}  // namespace vedette::cli
