#include "edge/image/image.hpp"

#include <lmdb.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>

#include "base/digest.hpp"
#include "edge/image/lmdb_file.hpp"
#include "platform/file.hpp"

namespace vedette::image {
namespace {

constexpr const char* kName = "/belief.mdb";
constexpr std::size_t kPage = 4096;

// Splits writes into transactions of bounded size.
class Filling {
 public:
  Filling(const LmdbFile& file, std::size_t most_bytes)
      : transaction_(file), most_bytes_(most_bytes) {}
  int begin() {
    int error = transaction_.begin(0);
    for (std::size_t i = 0; i < std::size(kTables) && error == 0; ++i) {
      error = ::mdb_dbi_open(transaction_.get(), kTables[i].name, kTables[i].flags, &tables_[i]);
    }
    return error;
  }
  enum Table { meta, state, tracks };
  int put(Table table, MDB_val key, MDB_val value, unsigned flags = 0) {
    if (held_ + value.mv_size > most_bytes_ && held_ != 0) {
      held_ = 0;
      int error = transaction_.commit();
      error = error == 0 ? transaction_.begin(0) : error;
      if (error != 0) {
        return error;
      }
    }
    held_ += value.mv_size;
    return ::mdb_put(transaction_.get(), tables_[table], &key, &value, flags);
  }
  int end() { return transaction_.commit(); }

 private:
  static constexpr struct {
    const char* name;
    unsigned flags;
  } kTables[] = {{kMeta, MDB_CREATE},
                 {kState, MDB_CREATE | MDB_INTEGERKEY},
                 {kTracks, MDB_CREATE | MDB_INTEGERKEY}};

  LmdbTransaction transaction_;
  MDB_dbi tables_[std::size(kTables)] = {};
  std::size_t most_bytes_;
  std::size_t held_ = 0;
};

}  // namespace

std::string error_text(int error) {
  return error == ECANCELED ? "the last two runs ended while they wrote it, so this run writes none"
                            : ::mdb_strerror(error);
}

std::uint64_t checksum_of(const ImagePosition& position, Bytes state) {
  Digest digest;
  digest.mix(bytes_of(position).first(offsetof(ImagePosition, checksum)));
  digest.mix(state);
  return digest.value();
}

std::size_t transaction_bytes(std::size_t state_bytes) {
  return std::clamp<std::size_t>(state_bytes / 16, 512 << 10, 4 << 20);
}

std::size_t ImageWriter::bytes_needed(std::size_t state_bytes, std::size_t tracks) {
  return tracks * sizeof(Place) + transaction_bytes(state_bytes);
}

// State pieces are whole pages; tracks fill leaves, with branches above. Each commit rewrites the
// path to its last leaf, twice until the old pages are free.
std::uint64_t ImageWriter::file_bytes_needed(std::size_t state_bytes, std::size_t tracks) {
  constexpr std::size_t kNode = sizeof(Track) + 2 * sizeof(std::uint64_t) + 2;
  constexpr std::size_t kInLeaf = (kPage - 16) / kNode;
  constexpr std::size_t kWay = 16;
  const std::size_t pieces = state_bytes / kStatePiece + 1;
  const std::size_t leaves = tracks / kInLeaf + 1;
  const std::size_t commits =
      (state_bytes + tracks * sizeof(Track)) / (transaction_bytes(state_bytes) / 2) + 2;
  return kPage * (pieces * 64 + leaves + leaves / 64 + commits * kWay + 64);
}

void ImageWriter::init(const std::string& folder, std::uint64_t max_bytes, std::size_t tracks) {
  path_ = folder + kName;
  max_bytes_ = max_bytes;
  order_.reserve(tracks);
}

// Removes a former run's remains only now, so that a start that fails leaves the folder as it was.
void ImageWriter::begin() {
  begun_ = true;
  const std::string beside = path_ + ".new";
  if (platform::exists(beside)) {
    const std::string unfinished = path_ + ".unfinished";
    given_up_ = platform::exists(unfinished);
    std::rename(beside.c_str(), unfinished.c_str());
  }
  if (distrusted_) {
    std::rename(path_.c_str(), (path_ + ".damaged").c_str());
  }
}

int ImageWriter::write(ImagePosition position, Bytes state, std::span<const FrozenTrack> tracks) {
  if (!begun_) {
    begin();
  }
  if (given_up_) {
    return ECANCELED;
  }
  // In key order, so that each leaf is written once.
  order_.clear();
  for (std::uint32_t i = 0; i < tracks.size(); ++i) {
    order_.push_back({tracks[i].track.key, i});
  }
  std::sort(order_.begin(), order_.end(),
            [](const Place& a, const Place& b) { return a.key < b.key; });
  Digest digest;
  for (const Place& place : order_) {
    digest.mix(bytes_of(tracks[place.at].track));
  }
  position.tracks = tracks.size();
  position.tracks_digest = digest.value();
  position.state_bytes = state.size();
  position.checksum = checksum_of(position, state);
  const std::string beside = path_ + ".new";
  if (std::remove(beside.c_str()) != 0 && errno != ENOENT) {
    return errno;
  }
  const int error = fill(beside, position, state, tracks);
  if (error != 0) {
    std::remove(beside.c_str());
    return error;
  }
  if (std::rename(beside.c_str(), path_.c_str()) != 0) {
    return errno;
  }
  std::remove((path_ + ".unfinished").c_str());
  return 0;
}

int ImageWriter::fill(const std::string& path, const ImagePosition& position, Bytes state,
                      std::span<const FrozenTrack> tracks) const {
  LmdbFile file;
  int error = file.open(path, max_bytes_, 0);
  if (error != 0) {
    return error;
  }
  Filling filling(file, transaction_bytes(state.size()));
  error = filling.begin();
  for (std::size_t at = 0; at < state.size() && error == 0; at += kStatePiece) {
    const std::uint64_t number = at / kStatePiece;
    const Bytes piece = state.subspan(at, std::min(kStatePiece, state.size() - at));
    error = filling.put(Filling::state, value_of(&number, sizeof number),
                        value_of(piece.data(), piece.size()), MDB_APPEND);
  }
  for (const Place& place : order_) {
    if (error != 0) {
      break;
    }
    error = filling.put(Filling::tracks, value_of(&place.key, sizeof place.key),
                        value_of(&tracks[place.at].track, sizeof(Track)), MDB_APPEND);
  }
  // Last, because a file without a position is no image.
  error = error == 0 ? filling.put(Filling::meta, value_of("position"),
                                   value_of(&position, sizeof position))
                     : error;
  return error == 0 ? filling.end() : error;
}

}  // namespace vedette::image
