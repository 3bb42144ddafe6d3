// Purpose: the disk under the journal as a table of calls, so that a test or simulator can supply
// its own disk. In: paths and blocks. Out: 0 or an errno; a write is whole or an error. When full:
// ENOSPC. Cost: one indirect call a block, no virtual base. Runs on: threads that may wait for the
// disk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace vedette::platform {

// For OpenFor::blocks: memory, offset and length of a write are multiples of it.
inline constexpr std::size_t kDirectBytes = 4096;
// Size of the zeroed memory that write_zeros() writes from; one per process.
inline constexpr std::size_t kZeroBytes = std::size_t{256} << 10;

enum class OpenFor : std::uint8_t {
  reading,  // a plain file (else kNotPlain or EISDIR); never waits
  writing,  // created when missing; keeps its content
  blocks,   // created or emptied; bypasses the page cache where possible
};

// The calls of a disk. `file` numbers an open file of that disk; paths are absolute or relative to
// the process. They return 0 or an errno unless stated otherwise.
struct StorageCalls {
  Result<int, int> (*open)(void* disk, const std::string& path, OpenFor purpose);
  void (*close)(void* disk, int file);
  Result<std::uint64_t, int> (*size)(void* disk, int file);
  // Returns bytes read; short only at the end of the file.
  Result<std::size_t, int> (*read_at)(void* disk, int file, std::uint64_t at,
                                      std::span<std::uint8_t> into);
  void (*read_ahead)(void* disk, int file);  // hint: the whole file is read soon
  // Returns once the bytes are on the disk.
  int (*write_synced)(void* disk, int file, std::uint64_t at, Bytes bytes);
  // Not synced. Overwriting zeros later changes no metadata, so that its sync is one write.
  int (*write_zeros)(void* disk, int file, std::uint64_t at, std::uint64_t bytes);
  int (*sync)(void* disk, int file);
  int (*truncate)(void* disk, int file, std::uint64_t bytes);
  int (*rename)(void* disk, const std::string& from, const std::string& to);
  int (*remove)(void* disk, const std::string& path);
  int (*sync_folder)(void* disk, const std::string& path);  // after rename, remove and create
  int (*make_folders)(void* disk, const std::string& path);
  std::vector<std::string> (*list)(void* disk, const std::string& path);  // names, sorted
  // Opens a file that keeps other processes out of the folder until it is closed, or EWOULDBLOCK;
  // `holder` then names the process with the lock, if known.
  Result<int, int> (*lock)(void* disk, const std::string& folder, std::string& holder);
};

struct Storage {
  const StorageCalls* calls;
  void* disk;
};
Storage machine_storage();

// An open file; closes itself.
class StorageFile {
 public:
  StorageFile() = default;
  StorageFile(Storage storage, int file) : storage_(storage), file_(file) {}
  StorageFile(StorageFile&& other) noexcept
      : storage_(other.storage_), file_(std::exchange(other.file_, -1)) {}
  StorageFile& operator=(StorageFile&& other) noexcept {
    close();
    storage_ = other.storage_;
    file_ = std::exchange(other.file_, -1);
    return *this;
  }
  ~StorageFile() { close(); }

  bool valid() const { return file_ >= 0; }
  Result<std::uint64_t, int> size() const { return storage_.calls->size(storage_.disk, file_); }
  Result<std::size_t, int> read_at(std::uint64_t at, std::span<std::uint8_t> into) const {
    return storage_.calls->read_at(storage_.disk, file_, at, into);
  }
  bool read_whole(std::uint64_t at, std::span<std::uint8_t> into) const {
    const auto got = read_at(at, into);
    return got && got.value() == into.size();
  }
  void read_ahead() const { storage_.calls->read_ahead(storage_.disk, file_); }
  int write_synced(std::uint64_t at, Bytes bytes) const {
    return storage_.calls->write_synced(storage_.disk, file_, at, bytes);
  }
  int write_zeros(std::uint64_t at, std::uint64_t bytes) const {
    return storage_.calls->write_zeros(storage_.disk, file_, at, bytes);
  }
  int sync() const { return storage_.calls->sync(storage_.disk, file_); }
  int truncate(std::uint64_t bytes) const {
    return storage_.calls->truncate(storage_.disk, file_, bytes);
  }

 private:
  void close() {
    if (valid()) {
      storage_.calls->close(storage_.disk, std::exchange(file_, -1));
    }
  }

  Storage storage_{};
  int file_ = -1;
};

// A folder on a disk. A bare path is on the machine's disk.
class Folder {
 public:
  Folder() : Folder(std::string()) {}
  Folder(std::string path, Storage storage = machine_storage())
      : path_(std::move(path)), storage_(storage) {}

  const std::string& path() const { return path_; }
  Folder in(const std::string& name) const { return {path_of(name), storage_}; }

  Result<StorageFile, int> open(const std::string& name, OpenFor purpose) const;
  // Fills `into` from `at` on; false when the file is missing or too short.
  bool read_at(const std::string& name, std::uint64_t at, std::span<std::uint8_t> into) const;
  Result<std::vector<std::uint8_t>, int> read(const std::string& name, std::size_t limit) const;
  Result<std::uint64_t, int> size(const std::string& name) const;
  int rename(const std::string& from, const std::string& to) const {
    return storage_.calls->rename(storage_.disk, path_of(from), path_of(to));
  }
  int remove(const std::string& name) const {
    return storage_.calls->remove(storage_.disk, path_of(name));
  }
  int sync() const { return storage_.calls->sync_folder(storage_.disk, path_); }
  int make() const { return storage_.calls->make_folders(storage_.disk, path_); }
  std::vector<std::string> list() const { return storage_.calls->list(storage_.disk, path_); }
  Result<StorageFile, int> lock(std::string& holder) const;

 private:
  std::string path_of(const std::string& name) const { return path_ + "/" + name; }

  std::string path_;
  Storage storage_;
};

}  // namespace vedette::platform
