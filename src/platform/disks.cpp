#include "platform/disks.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <climits>
#include <cstdlib>

#include "base/text.hpp"
#include "platform/file.hpp"

namespace vedette::platform {
namespace {

std::string fact(const std::string& path) {
  const auto text = read_text_file(path, 4096);
  std::string_view rest = text ? std::string_view(*text) : std::string_view();
  std::string_view line = next_field(rest, '\n');
  while (!line.empty() && line.back() == ' ') {
    line.remove_suffix(1);
  }
  while (!line.empty() && line.front() == ' ') {
    line.remove_prefix(1);
  }
  return std::string(line);
}

// Collects the entries "/dev/NAME" of a table in /proc, with `what` each is used for.
void add_uses(const std::string& table, std::string_view part, const char* what,
              std::vector<std::string>& used) {
  const auto text = read_text_file(table, 1 << 20);
  std::string_view rest = text ? std::string_view(*text) : std::string_view();
  const std::string device = "/dev/" + std::string(part);
  while (!rest.empty()) {
    std::string_view line = next_field(rest, '\n');
    const std::string_view first = next_field(line, ' ');
    if (first == device || first.starts_with(device + "\t")) {
      const std::string_view where = next_field(line, ' ');
      used.push_back((what[0] != '\0' ? what : std::string(where)) + " on " + std::string(part));
    }
  }
}

void add_part(const std::string& root, const std::string& folder, const std::string& part,
              std::vector<std::string>& used) {
  add_uses(root + "/proc/mounts", part, "", used);
  add_uses(root + "/proc/swaps", part, "swap", used);
  for (const std::string& holder : list_folder(folder + "/holders")) {
    used.push_back(part + " below " + holder);
  }
}

}  // namespace

std::vector<Disk> list_disks(const std::string& root) {
  std::vector<Disk> disks;
  const std::string blocks = root + "/sys/block/";
  for (const std::string& name : list_folder(blocks)) {
    const std::string folder = blocks + name;
    const auto sectors = parse_unsigned(fact(folder + "/size")).value_or(0);
    const bool made_up = name.starts_with("ram") || name.starts_with("zram") ||
                         name.starts_with("dm-") || name.starts_with("md") ||
                         name.starts_with("sr") || (name.starts_with("loop") && sectors == 0);
    if (made_up) {
      continue;
    }
    Disk disk;
    disk.name = name;
    disk.model = fact(folder + "/device/model");
    disk.model = disk.model.empty() ? fact(folder + "/device/name") : disk.model;  // of a card
    disk.serial = fact(folder + "/device/serial");
    disk.serial = disk.serial.empty() ? fact(folder + "/serial") : disk.serial;
    if (name.starts_with("loop")) {
      disk.model = "file " + fact(folder + "/loop/backing_file");
    }
    disk.bytes = sectors * 512;
    char target[PATH_MAX];
    const bool linked = ::realpath(folder.c_str(), target) != nullptr;
    const std::string_view way = linked ? std::string_view(target) : std::string_view();
    disk.removable = fact(folder + "/removable") == "1" || name.starts_with("mmcblk") ||
                     way.find("/usb") != std::string_view::npos || name.starts_with("loop");
    disk.read_only = fact(folder + "/ro") == "1";
    add_part(root, folder, name, disk.used);
    for (const std::string& part : list_folder(folder)) {
      if (part.starts_with(name)) {
        add_part(root, folder + "/" + part, part, disk.used);
      }
    }
    disks.push_back(std::move(disk));
  }
  return disks;
}

std::string disk_name_of(const std::string& root, const std::string& path) {
  struct stat about {};
  if (::stat(path.c_str(), &about) != 0 || !S_ISBLK(about.st_mode)) {
    return {};
  }
  const std::string number =
      std::to_string(major(about.st_rdev)) + ":" + std::to_string(minor(about.st_rdev));
  for (const std::string& name : list_folder(root + "/sys/class/block")) {
    if (fact(root + "/sys/class/block/" + name + "/dev") == number) {
      return name;
    }
  }
  return {};
}

}  // namespace vedette::platform
