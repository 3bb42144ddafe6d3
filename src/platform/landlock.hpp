// Purpose: takes files and TCP ports from the calling thread, except those named. In: folders and
// files with what may be done there; ports. Out: 0 or an errno. Bound: what the kernel's version of
// Landlock covers. Fails as: ENOSYS, EOPNOTSUPP where it is missing or switched off; a path that is
// not there is left out. Runs on: the thread to be confined.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace vedette::platform {

// What may be done with the files below a path.
enum class FileUse : std::uint8_t {
  read,     // files
  devices,  // read and write files, with their control calls
  keep,     // read, write, make, rename and remove files and folders
};
struct FileRule {
  std::string path;
  FileUse use;
};

int landlock_abi();  // 0: none
// The thread may no more gain privileges afterwards. Files first; the ports need version 4.
int confine_files_and_ports(std::span<const FileRule> files, std::span<const std::uint16_t> ports);

}  // namespace vedette::platform
