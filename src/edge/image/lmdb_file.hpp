// Purpose: LMDB's handles, closed with their scope. In: a path. Out: environment, transaction,
// cursor; errors are the library's codes. Runs on: warm and cold threads.
#pragma once

#include <lmdb.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace vedette::image {

inline constexpr const char* kMeta = "meta";    // "position": ImagePosition
inline constexpr const char* kState = "state";  // by number: kStatePiece bytes, the last one fewer
inline constexpr const char* kTracks = "tracks";  // by key: Track
// With its header a whole number of LMDB's pages.
inline constexpr std::size_t kStatePiece = 64 * 4096 - 16;

class LmdbFile {
 public:
  LmdbFile() = default;
  LmdbFile(const LmdbFile&) = delete;
  LmdbFile& operator=(const LmdbFile&) = delete;
  ~LmdbFile() { ::mdb_env_close(env_); }
  // Default sync: a commit is on disk when it returns. No other process opens the file.
  int open(const std::string& path, std::uint64_t max_bytes, unsigned flags) {
    int error = ::mdb_env_create(&env_);
    error = error == 0 ? ::mdb_env_set_maxdbs(env_, 4) : error;
    error = error == 0 && max_bytes != 0 ? ::mdb_env_set_mapsize(env_, max_bytes) : error;
    return error == 0 ? ::mdb_env_open(env_, path.c_str(), MDB_NOSUBDIR | MDB_NOLOCK | flags, 0640)
                      : error;
  }
  MDB_env* get() const { return env_; }

 private:
  MDB_env* env_ = nullptr;
};

class LmdbTransaction {
 public:
  explicit LmdbTransaction(const LmdbFile& file) : file_(file) {}
  LmdbTransaction(const LmdbTransaction&) = delete;
  LmdbTransaction& operator=(const LmdbTransaction&) = delete;
  ~LmdbTransaction() { abort(); }
  int begin(unsigned flags) { return ::mdb_txn_begin(file_.get(), nullptr, flags, &txn_); }
  int commit() {
    MDB_txn* txn = txn_;
    txn_ = nullptr;
    return ::mdb_txn_commit(txn);
  }
  void abort() {
    if (txn_ != nullptr) {
      ::mdb_txn_abort(txn_);
      txn_ = nullptr;
    }
  }
  MDB_txn* get() const { return txn_; }

 private:
  const LmdbFile& file_;
  MDB_txn* txn_ = nullptr;
};

inline MDB_val value_of(std::string_view text) {
  return {text.size(), const_cast<char*>(text.data())};
}
inline MDB_val value_of(const void* data, std::size_t bytes) {
  return {bytes, const_cast<void*>(data)};
}

}  // namespace vedette::image
