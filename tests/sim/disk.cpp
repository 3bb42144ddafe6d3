#include "sim/disk.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>
#include <vector>

#include "sim/disk_calls.hpp"

namespace vedette::sim {
namespace {

constexpr std::size_t kSector = 512;  // a write that is cut is cut between two of them

struct Write {
  off_t at;
  std::size_t bytes;
  std::vector<std::uint8_t> before;  // shorter where the file grew
  bool failed = false;               // its sync failed: a later one says nothing about it

  off_t end() const { return at + static_cast<off_t>(bytes); }
};

struct File {
  int own;  // a descriptor of the simulator
  off_t synced_size;
  std::vector<Write> unsynced;

  File(int descriptor, off_t size) : own(descriptor), synced_size(size) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { real_close(own); }
};

// What happened to a name, to be undone in reverse order.
struct Named {
  enum What : std::uint8_t { made, renamed, removed } what;
  std::string folder, from, to;
  std::string aside;  // of what `to` or `from` was before; empty: nothing
};

struct Disk {
  std::string folder, aside;
  Random* random = nullptr;
  std::function<void()> wait;
  Refusal refusal = Refusal::nothing;
  bool stopped = false;
  std::map<std::pair<dev_t, ino_t>, std::shared_ptr<File>> files;
  std::map<int, std::shared_ptr<File>> open;
  std::map<int, std::string> folders;  // open ones
  std::vector<Named> names;
  std::uint64_t kept_aside = 0;
  DiskCounters counters;
};
Disk g_disk;

std::string plain(std::string path) {
  while (path.size() > 1 && path.back() == '/') {
    path.pop_back();
  }
  return path;
}
std::string folder_of(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}
bool there(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}
std::string new_aside() {
  return g_disk.aside + "/" + std::to_string(++g_disk.kept_aside);
}

std::size_t read_before(const File& file, off_t at, std::vector<std::uint8_t>& into) {
  const ssize_t got = ::pread(file.own, into.data(), into.size(), at);
  into.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  return into.size();
}

off_t size_of(const File& file) {
  struct stat info {};
  ::fstat(file.own, &info);
  return info.st_size;
}

int refused(int error) {
  g_disk.counters.refused += error == 0 ? 0 : 1;
  return error;
}

void undo(const Named& name) {
  ++g_disk.counters.lost_names;
  if (name.what == Named::made) {
    real_unlink(name.to.c_str());
    return;
  }
  if (name.what == Named::renamed) {
    real_rename(name.to.c_str(), name.from.c_str());
  }
  if (!name.aside.empty()) {
    real_rename(name.aside.c_str(),
                name.what == Named::renamed ? name.to.c_str() : name.from.c_str());
  }
}

// Each folder has lost the last of what happened in it, or nothing.
void lose_names() {
  std::map<std::string, std::size_t> left;
  for (const Named& name : g_disk.names) {
    ++left[name.folder];
  }
  for (auto& [folder, count] : left) {
    count = g_disk.random->one_in(2) ? 0 : g_disk.random->below(count + 1);
  }
  for (auto name = g_disk.names.rbegin(); name != g_disk.names.rend(); ++name) {
    if (std::size_t& lost = left[name->folder]; lost != 0) {
      undo(*name);
      --lost;
    }
  }
}

void put_before(const File& file, const Write& write, std::size_t from, std::size_t to) {
  std::vector<std::uint8_t> bytes = write.before;
  bytes.resize(write.bytes);  // where the file grew, zeros
  if (to > from && real_pwrite(file.own, bytes.data() + from, to - from,
                               write.at + static_cast<off_t>(from)) < 0) {
    fail("the simulated disk itself fails: error %d", errno);
  }
}

// The newest first, so that a part that was written twice has its oldest content.
void lose_writes(File& file) {
  off_t kept = file.synced_size;
  for (auto write = file.unsynced.rbegin(); write != file.unsynced.rend(); ++write) {
    const std::uint64_t fate = g_disk.random->below(4);
    if (fate == 0) {  // one part of it arrived
      const std::size_t cut = g_disk.random->below(write->bytes / kSector + 1) * kSector;
      g_disk.random->one_in(2) ? put_before(file, *write, 0, cut)
                               : put_before(file, *write, cut, write->bytes);
      ++g_disk.counters.torn_writes;
    } else if (fate != 1) {
      put_before(file, *write, 0, write->bytes);
      ++g_disk.counters.lost_writes;
    }
    kept = fate < 2 ? std::max(kept, write->end()) : kept;
  }
  if (kept < size_of(file) && real_ftruncate(file.own, kept) != 0) {
    fail("the simulated disk itself fails: error %d", errno);
  }
}

Write part_of(const Write& write, off_t from, off_t to) {
  const auto first = static_cast<std::size_t>(from - write.at);
  const auto last = static_cast<std::size_t>(to - write.at);
  const std::size_t known = write.before.size();
  const auto begin = write.before.begin();
  return {from,
          last - first,
          {begin + static_cast<std::ptrdiff_t>(std::min(first, known)),
           begin + static_cast<std::ptrdiff_t>(std::min(last, known))},
          true};
}

// What of these is outside of `later`.
std::vector<Write> without(const std::vector<Write>& pieces, const Write& later) {
  std::vector<Write> left;
  for (const Write& piece : pieces) {
    if (piece.at < later.at) {
      left.push_back(part_of(piece, piece.at, std::min(piece.end(), later.at)));
    }
    if (piece.end() > later.end()) {
      left.push_back(part_of(piece, std::max(piece.at, later.end()), piece.end()));
    }
  }
  return left;
}

void forget_names(const std::string& folder) {
  std::erase_if(g_disk.names, [&](const Named& name) {
    const bool gone = folder.empty() || name.folder == folder;
    if (gone && !name.aside.empty()) {
      real_unlink(name.aside.c_str());
    }
    return gone;
  });
}

}  // namespace

void begin_disk(const std::string& folder, const std::string& aside, Random& random) {
  g_disk = Disk();
  g_disk.folder = folder + "/";
  g_disk.aside = aside;
  g_disk.random = &random;
}
void while_syncing(std::function<void()> wait) {
  g_disk.wait = std::move(wait);
}
void set_refusal(Refusal refusal) {
  g_disk.refusal = refusal;
}
Refusal refusal() {
  return g_disk.refusal;
}
void stop_disk() {
  g_disk.stopped = true;
}
const DiskCounters& disk_counters() {
  return g_disk.counters;
}

void restart_disk(bool power_cut) {
  if (power_cut) {
    for (auto& [inode, file] : g_disk.files) {
      if (!file->unsynced.empty() || file->synced_size < size_of(*file)) {
        lose_writes(*file);
      }
    }
    lose_names();
  }
  forget_names("");
  g_disk.files.clear();
  g_disk.open.clear();
  g_disk.folders.clear();
  g_disk.stopped = false;
}

// --- What the calls of disk_calls.cpp ask.

bool is_simulated(const char* path) {
  return !g_disk.folder.empty() && std::string_view(path).starts_with(g_disk.folder);
}

int before_open(const char* path, int flags) {
  const bool writes = (flags & O_ACCMODE) != O_RDONLY;
  if (!writes) {
    return 0;
  }
  if (g_disk.stopped) {
    return EIO;
  }
  if (g_disk.refusal == Refusal::read_only) {
    return refused(EROFS);
  }
  const bool full = g_disk.refusal == Refusal::full || g_disk.refusal == Refusal::all_full;
  return refused(full && !there(path) ? ENOSPC : 0);
}

void after_open(const char* path, int flags, bool was_there, int fd) {
  struct stat info {};
  ::fstat(fd, &info);
  if (S_ISDIR(info.st_mode)) {
    g_disk.folders[fd] = plain(path);
    return;
  }
  if ((flags & O_ACCMODE) == O_RDONLY) {
    return;
  }
  auto& file = g_disk.files[{info.st_dev, info.st_ino}];
  if (file == nullptr) {
    const std::string again = "/proc/self/fd/" + std::to_string(fd);
    file = std::make_shared<File>(real_open(again.c_str(), O_RDWR | O_CLOEXEC), info.st_size);
  }
  if ((flags & O_TRUNC) != 0) {  // only of files that hold nothing yet
    file->unsynced.clear();
    file->synced_size = 0;
  }
  g_disk.open[fd] = file;
  if (!was_there) {
    g_disk.names.push_back({Named::made, folder_of(path), {}, path, {}});
  }
}

void before_close(int fd) {
  g_disk.open.erase(fd);
  g_disk.folders.erase(fd);
}

int before_write(int fd, off_t at, std::size_t& bytes) {
  const auto found = g_disk.open.find(fd);
  if (found == g_disk.open.end()) {
    return 0;
  }
  File& file = *found->second;
  const bool grows = at + static_cast<off_t>(bytes) > size_of(file);
  if (g_disk.stopped) {
    return EIO;
  }
  switch (g_disk.refusal) {
    case Refusal::nothing:
      break;
    case Refusal::full:
      if (grows) {
        return refused(ENOSPC);
      }
      break;
    case Refusal::all_full:
      return refused(ENOSPC);
    case Refusal::read_only:
      return refused(EROFS);
    case Refusal::broken:
      if (g_disk.random->one_in(2) || bytes <= kSector) {
        return refused(EIO);
      }
      bytes = g_disk.random->below(bytes / kSector) * kSector + kSector;  // a part of it
  }
  Write write{at, bytes, std::vector<std::uint8_t>(bytes)};
  read_before(file, at, write.before);
  const bool synced = (::fcntl(fd, F_GETFL) & O_DSYNC) == O_DSYNC;
  if (!synced) {
    file.unsynced.push_back(std::move(write));
  } else {
    file.synced_size = std::max(file.synced_size, write.end());
  }
  return 0;
}

int before_truncate(int fd, off_t bytes) {
  const auto found = g_disk.open.find(fd);
  if (found == g_disk.open.end()) {
    return 0;
  }
  if (g_disk.stopped) {
    return EIO;
  }
  if (g_disk.refusal == Refusal::read_only || g_disk.refusal == Refusal::broken) {
    return refused(g_disk.refusal == Refusal::read_only ? EROFS : EIO);
  }
  File& file = *found->second;
  const off_t size = size_of(file);
  if (bytes < size) {
    Write cut{bytes, static_cast<std::size_t>(size - bytes), {}};
    cut.before.resize(cut.bytes);
    read_before(file, bytes, cut.before);
    file.unsynced.push_back(std::move(cut));
  }
  return 0;
}

int on_sync(int fd) {
  const auto found = g_disk.open.find(fd);
  const auto folder = g_disk.folders.find(fd);
  if (found == g_disk.open.end() && folder == g_disk.folders.end()) {
    return 0;
  }
  ++g_disk.counters.syncs;
  const std::shared_ptr<File> file = found == g_disk.open.end() ? nullptr : found->second;
  const std::string path = folder == g_disk.folders.end() ? std::string() : folder->second;
  if (g_disk.wait && !g_disk.stopped) {
    g_disk.wait();
  }
  if (g_disk.stopped) {
    return EIO;
  }
  if (g_disk.refusal == Refusal::broken) {
    if (file != nullptr) {
      for (Write& write : file->unsynced) {
        write.failed = true;
      }
    }
    return refused(EIO);
  }
  if (file == nullptr) {
    forget_names(path);
    return 0;
  }
  // Of a write whose sync failed, only what a later one covers is on disk.
  auto& writes = file->unsynced;
  std::vector<Write> left;
  for (std::size_t i = 0; i < writes.size(); ++i) {
    if (writes[i].failed) {
      std::vector<Write> pieces{writes[i]};
      for (std::size_t later = i + 1; later < writes.size(); ++later) {
        pieces = writes[later].failed ? std::move(pieces) : without(pieces, writes[later]);
      }
      left.insert(left.end(), pieces.begin(), pieces.end());
    }
  }
  writes = std::move(left);
  file->synced_size = size_of(*file);
  return 0;
}

int before_naming() {
  if (g_disk.stopped) {
    return EIO;
  }
  return refused(g_disk.refusal == Refusal::read_only ? EROFS : 0);
}

std::string keep_aside(const char* path) {
  if (!there(path)) {
    return {};
  }
  std::string aside = new_aside();
  if (::link(path, aside.c_str()) != 0) {
    fail("the simulated disk itself fails: error %d", errno);
  }
  return aside;
}

void after_rename(const char* from, const char* to, std::string aside) {
  g_disk.names.push_back({Named::renamed, folder_of(to), from, to, std::move(aside)});
}

void after_remove(const char* path, std::string aside) {
  g_disk.names.push_back({Named::removed, folder_of(path), path, {}, std::move(aside)});
}

}  // namespace vedette::sim
