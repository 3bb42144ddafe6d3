#include "belief/image.hpp"

#include <lmdb.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "platform/file.hpp"
#include "platform/machine.hpp"

namespace vedette::belief {

struct Image::State {
  MDB_env* env = nullptr;
  MDB_dbi meta = 0;
  MDB_dbi tracks = 0;
};

namespace {

int open_env(const std::string& path, std::uint64_t max_bytes, unsigned flags, MDB_env** out) {
  MDB_env* env = nullptr;
  int error = ::mdb_env_create(&env);
  if (error == 0) {
    error = ::mdb_env_set_maxdbs(env, 4);
  }
  if (error == 0 && max_bytes != 0) {
    error = ::mdb_env_set_mapsize(env, max_bytes);
  }
  if (error == 0) {
    // Default sync: a commit is on disk when it returns. The folder's lock keeps others out.
    error = ::mdb_env_open(env, path.c_str(), MDB_NOSUBDIR | MDB_NOLOCK | flags, 0640);
  }
  if (error != 0) {
    ::mdb_env_close(env);
    return error;
  }
  *out = env;
  return 0;
}

MDB_val value_of(std::string_view text) {
  return {text.size(), const_cast<char*>(text.data())};
}

}  // namespace

Image::Image() : state_(std::make_unique<State>()) {}

Image::~Image() {
  if (state_->env != nullptr) {
    ::mdb_env_close(state_->env);
  }
}

std::string error_text(int error) {
  return ::mdb_strerror(error);
}

bool readable(const std::string& path) {
  MDB_env* env = nullptr;
  MDB_txn* txn = nullptr;
  MDB_dbi dbi = 0;
  bool good = open_env(path, 0, MDB_RDONLY, &env) == 0 &&
              ::mdb_txn_begin(env, nullptr, MDB_RDONLY, &txn) == 0;
  for (const char* name : {"meta", "tracks"}) {
    const int opened = good ? ::mdb_dbi_open(txn, name, 0, &dbi) : MDB_NOTFOUND;
    MDB_cursor* cursor = nullptr;
    if (opened == 0 && ::mdb_cursor_open(txn, dbi, &cursor) == 0) {
      MDB_val key, data;
      volatile std::uint8_t seen = 0;
      int next = 0;
      while ((next = ::mdb_cursor_get(cursor, &key, &data, MDB_NEXT)) == 0) {
        for (std::size_t i = 0; i < data.mv_size; i += 512) {
          seen = static_cast<std::uint8_t>(seen + static_cast<std::uint8_t*>(data.mv_data)[i]);
        }
      }
      good = good && next == MDB_NOTFOUND;
    } else {
      good = good && opened == MDB_NOTFOUND;
    }
  }
  return good;
}

int Image::open(const std::string& folder, std::uint64_t max_bytes) {
  if (state_->env != nullptr) {
    return 0;
  }
  const std::string path = folder + "/belief.mdb";
  // Where no process can be started it is taken as it is.
  if (platform::exists(path) && platform::run_self({"vedette", "check-belief", path}) > 0) {
    std::rename(path.c_str(), (path + ".damaged").c_str());
  }
  MDB_txn* txn = nullptr;
  if (!platform::exists(path)) {
    // A power cut while LMDB makes its first pages can leave a file it cannot open: make it under
    // another name, then rename it.
    const std::string beside = path + ".new";
    std::remove(beside.c_str());
    MDB_env* fresh = nullptr;
    int error = open_env(beside, max_bytes, 0, &fresh);
    MDB_dbi dbi = 0;
    if (error == 0 && (error = ::mdb_txn_begin(fresh, nullptr, 0, &txn)) == 0) {
      ::mdb_dbi_open(txn, "meta", MDB_CREATE, &dbi);
      ::mdb_dbi_open(txn, "tracks", MDB_CREATE | MDB_INTEGERKEY, &dbi);
      error = ::mdb_txn_commit(txn);
    }
    if (fresh != nullptr) {
      ::mdb_env_close(fresh);
    }
    if (error != 0 || std::rename(beside.c_str(), path.c_str()) != 0) {
      return error != 0 ? error : errno;
    }
  }
  int error = open_env(path, max_bytes, 0, &state_->env);
  if (error == 0 && (error = ::mdb_txn_begin(state_->env, nullptr, 0, &txn)) == 0) {
    error = ::mdb_dbi_open(txn, "meta", MDB_CREATE, &state_->meta);
    if (error == 0) {
      error = ::mdb_dbi_open(txn, "tracks", MDB_CREATE | MDB_INTEGERKEY, &state_->tracks);
    }
    const int committed = ::mdb_txn_commit(txn);
    error = error == 0 ? committed : error;
  }
  if (error != 0) {
    ::mdb_env_close(state_->env);
    state_->env = nullptr;
  }
  return error;
}

int Image::write(const ImagePosition& position, Bytes frozen, std::span<const Track> tracks) {
  MDB_txn* txn = nullptr;
  int error = ::mdb_txn_begin(state_->env, nullptr, 0, &txn);
  const auto put = [&](MDB_dbi dbi, MDB_val key, const void* data, std::size_t bytes) {
    MDB_val value{bytes, const_cast<void*>(data)};
    if (error == 0) {
      error = ::mdb_put(txn, dbi, &key, &value, 0);
    }
  };
  if (error == 0) {
    put(state_->meta, value_of("position"), &position, sizeof position);
    put(state_->meta, value_of("state"), frozen.data(), frozen.size());
    error = error == 0 ? ::mdb_drop(txn, state_->tracks, 0) : error;
    for (const Track& track : tracks) {
      put(state_->tracks, {sizeof track.key, const_cast<std::uint64_t*>(&track.key)}, &track,
          sizeof track);
    }
    if (error == 0) {
      error = ::mdb_txn_commit(txn);
    } else {
      ::mdb_txn_abort(txn);
    }
  }
  return error;
}

bool Image::read(ImagePosition& position, std::vector<std::uint8_t>& frozen) {
  MDB_txn* txn = nullptr;
  if (state_->env == nullptr || ::mdb_txn_begin(state_->env, nullptr, MDB_RDONLY, &txn) != 0) {
    return false;
  }
  MDB_val key = value_of("position");
  MDB_val value{};
  bool found = ::mdb_get(txn, state_->meta, &key, &value) == 0 && value.mv_size == sizeof position;
  if (found) {
    std::memcpy(&position, value.mv_data, sizeof position);
    key = value_of("state");
    found = ::mdb_get(txn, state_->meta, &key, &value) == 0;
  }
  if (found) {
    const auto* bytes = static_cast<const std::uint8_t*>(value.mv_data);
    frozen.assign(bytes, bytes + value.mv_size);
  }
  ::mdb_txn_abort(txn);
  return found;
}

}  // namespace vedette::belief
