// Purpose: a disk in memory behind platform::StorageCalls, which can refuse writes.
#pragma once

#include <cerrno>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "platform/storage.hpp"

namespace vedette::tests {

class MemoryDisk {
 public:
  platform::Storage storage() { return {&calls(), this}; }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& [path, content] : files_) {
      names.push_back(path.substr(path.rfind('/') + 1));
    }
    return names;
  }
  int refuses_with = 0;  // errno of every write
  // Called within each call that changes the disk, with its name: a call that takes long.
  std::function<void(const std::string& call)> within;
  bool locked = false;

 private:
  using Content = std::vector<std::uint8_t>;
  using Purpose = platform::OpenFor;

  std::map<std::string, std::shared_ptr<Content>> files_;
  std::vector<std::shared_ptr<Content>> open_;

  static MemoryDisk& at(void* disk) { return *static_cast<MemoryDisk*>(disk); }
  Content& content(int file) { return *open_[static_cast<std::size_t>(file)]; }

  static Result<int, int> open(void* disk, const std::string& path, Purpose purpose) {
    auto& content = at(disk).files_[path];
    if (content == nullptr && purpose == Purpose::reading) {
      at(disk).files_.erase(path);
      return Failure{ENOENT};
    }
    if (content == nullptr || purpose == Purpose::blocks) {
      content = std::make_shared<Content>();
    }
    at(disk).open_.push_back(content);
    return static_cast<int>(at(disk).open_.size()) - 1;
  }
  static void close(void* disk, int file) {
    at(disk).open_[static_cast<std::size_t>(file)].reset();
  }
  static Result<std::uint64_t, int> size(void* disk, int file) {
    return at(disk).content(file).size();
  }
  static Result<std::size_t, int> read_at(void* disk, int file, std::uint64_t at_byte,
                                          std::span<std::uint8_t> into) {
    const Content& from = at(disk).content(file);
    const std::size_t begin = std::min<std::size_t>(at_byte, from.size());
    const std::size_t count = std::min(into.size(), from.size() - begin);
    std::memcpy(into.data(), from.data() + begin, count);
    return count;
  }
  static int takes(void* disk, const char* call) {
    if (at(disk).within) {
      at(disk).within(call);
    }
    return at(disk).refuses_with;
  }
  int put(int file, std::uint64_t at_byte, std::uint64_t count, const std::uint8_t* bytes) {
    if (const int error = takes(this, bytes == nullptr ? "zeros" : "write"); error != 0) {
      return error;
    }
    Content& to = content(file);
    to.resize(std::max<std::size_t>(to.size(), at_byte + count));
    bytes == nullptr ? std::memset(to.data() + at_byte, 0, count)
                     : std::memcpy(to.data() + at_byte, bytes, count);
    return 0;
  }
  static int rename(void* disk, const std::string& from, const std::string& to) {
    if (const int error = takes(disk, "rename"); error != 0) {
      return error;
    }
    auto moved = at(disk).files_.extract(from);
    if (moved.empty()) {
      return ENOENT;
    }
    at(disk).files_[to] = moved.mapped();
    return 0;
  }
  static std::vector<std::string> list(void* disk, const std::string& folder) {
    std::set<std::string> names;
    for (const auto& [path, content] : at(disk).files_) {
      if (path.starts_with(folder + "/")) {
        const std::string rest = path.substr(folder.size() + 1);
        names.insert(rest.substr(0, rest.find('/')));
      }
    }
    return {names.begin(), names.end()};
  }

  static const platform::StorageCalls& calls() {
    static constexpr platform::StorageCalls kCalls{
        .open = open,
        .close = close,
        .size = size,
        .read_at = read_at,
        .read_ahead = [](void*, int) {},
        .write_synced =
            [](void* disk, int file, std::uint64_t to, Bytes bytes) {
              return at(disk).put(file, to, bytes.size(), bytes.data());
            },
        .write_zeros = [](void* disk, int file, std::uint64_t to,
                          std::uint64_t bytes) { return at(disk).put(file, to, bytes, nullptr); },
        .sync = [](void* disk, int) { return takes(disk, "sync"); },
        .truncate =
            [](void* disk, int file, std::uint64_t bytes) {
              takes(disk, "truncate");
              at(disk).content(file).resize(bytes);
              return 0;
            },
        .rename = rename,
        .remove =
            [](void* disk, const std::string& path) {
              takes(disk, "remove");
              return at(disk).files_.erase(path) == 1 ? 0 : ENOENT;
            },
        .sync_folder = [](void* disk, const std::string&) { return takes(disk, "sync folder"); },
        .make_folders = [](void*, const std::string&) { return 0; },
        .list = list,
        .lock = [](void* disk, const std::string& path, std::string&) -> Result<int, int> {
          return std::exchange(at(disk).locked, true)
                     ? Failure{EWOULDBLOCK}
                     : open(disk, path + "/lock", Purpose::writing);
        },
    };
    return kCalls;
  }
};

}  // namespace vedette::tests
