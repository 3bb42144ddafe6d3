// A process of its own reads the image, because a damaged file can abort the library. Its output is
// verified again here: neither it nor the file is trusted.
#include <lmdb.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "base/digest.hpp"
#include "edge/image/image.hpp"
#include "edge/image/lmdb_file.hpp"
#include "platform/file.hpp"
#include "platform/machine.hpp"

namespace vedette::image {
namespace {

constexpr const char* kName = "/belief.mdb";

// Walks one table read-only; visit(key, value) returns whether to go on. False on an error of the
// library or a visit.
template <typename Visit>
bool walk(MDB_txn* txn, const char* table, Visit&& visit) {
  MDB_dbi dbi = 0;
  MDB_cursor* cursor = nullptr;
  if (::mdb_dbi_open(txn, table, 0, &dbi) != 0 || ::mdb_cursor_open(txn, dbi, &cursor) != 0) {
    return false;
  }
  MDB_val key, value;
  int next = 0;
  bool good = true;
  while (good && (next = ::mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
    good = visit(Bytes(static_cast<const std::uint8_t*>(key.mv_data), key.mv_size),
                 Bytes(static_cast<const std::uint8_t*>(value.mv_data), value.mv_size));
  }
  ::mdb_cursor_close(cursor);
  return good && next == MDB_NOTFOUND;
}

// Reads the position, then the state's pieces in order.
template <typename Position, typename Piece>
bool read_pieces(MDB_txn* txn, Position&& on_position, Piece&& on_piece) {
  MDB_dbi meta = 0;
  MDB_val key = value_of("position");
  MDB_val value{};
  ImagePosition position;
  if (::mdb_dbi_open(txn, kMeta, 0, &meta) != 0 || ::mdb_get(txn, meta, &key, &value) != 0 ||
      value.mv_size != sizeof position) {
    return false;
  }
  std::memcpy(&position, value.mv_data, sizeof position);
  std::uint64_t number = 0;
  std::uint64_t left = position.state_bytes;
  return on_position(position) &&
         walk(txn, kState,
              [&](Bytes at, Bytes piece) {
                std::uint64_t said = 0;
                if (at.size() != sizeof said ||
                    piece.size() != std::min<std::uint64_t>(kStatePiece, left)) {
                  return false;
                }
                std::memcpy(&said, at.data(), sizeof said);
                left -= piece.size();
                return said == number++ && on_piece(piece);
              }) &&
         left == 0;
}

// Writes to each table and deletes again, in two commits.
int write_into(const LmdbFile& file) {
  const std::uint64_t number = ~std::uint64_t{0};
  for (const bool in : {true, false}) {
    LmdbTransaction transaction(file);
    int error = transaction.begin(0);
    for (const char* name : {kState, kTracks}) {
      MDB_dbi table = 0;
      MDB_val key = value_of(&number, sizeof number);
      MDB_val value = value_of(&number, sizeof number);
      error = error == 0 ? ::mdb_dbi_open(transaction.get(), name, 0, &table) : error;
      error = error != 0 ? error
              : in       ? ::mdb_put(transaction.get(), table, &key, &value, 0)
                         : ::mdb_del(transaction.get(), table, &key, nullptr);
    }
    error = error == 0 ? transaction.commit() : error;
    if (error != 0) {
      return error;
    }
  }
  return 0;
}

}  // namespace

Found read_image(const std::string& folder, std::size_t most_state_bytes, int wait_ms,
                 ImagePosition& position, std::vector<std::uint8_t>& state) {
  const std::string path = folder + kName;
  if (!platform::exists(path)) {
    return Found::none;
  }
  std::vector<std::uint8_t> sent;
  const int code = platform::run_self_for_output({"vedette", "check-belief", path, "--send"},
                                                 sizeof position + most_state_bytes, wait_ms, sent);
  if (code == -1) {
    return Found::unread;
  }
  if (code == 0 && sent.size() >= sizeof position) {
    std::memcpy(&position, sent.data(), sizeof position);
    const Bytes bytes = Bytes(sent).subspan(sizeof position);
    if (bytes.size() == position.state_bytes && position.checksum == checksum_of(position, bytes)) {
      state.assign(bytes.begin(), bytes.end());
      return Found::whole;
    }
  }
  return Found::damaged;
}

bool send_image(const std::string& path) {
  LmdbFile file;
  LmdbTransaction transaction(file);
  const auto send = [](Bytes bytes) {
    return std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size();
  };
  return file.open(path, 0, MDB_RDONLY) == 0 && transaction.begin(MDB_RDONLY) == 0 &&
         read_pieces(
             transaction.get(), [&](const ImagePosition& p) { return send(bytes_of(p)); }, send) &&
         std::fflush(stdout) == 0;
}

std::string check_image(const std::string& path, ImagePosition& position) {
  std::vector<std::uint8_t> state;
  {
    LmdbFile file;
    LmdbTransaction transaction(file);
    if (const int error = file.open(path, 0, MDB_RDONLY); error != 0) {
      return error_text(error);
    }
    const auto keep = [&](const ImagePosition& p) {
      position = p;
      return true;
    };
    const auto add = [&](Bytes piece) {
      state.insert(state.end(), piece.begin(), piece.end());
      return true;
    };
    if (transaction.begin(MDB_RDONLY) != 0 || !read_pieces(transaction.get(), keep, add)) {
      return "its state is incomplete";
    }
    if (position.checksum != checksum_of(position, state)) {
      return "its state does not match its checksum";
    }
    std::uint64_t tracks = 0;
    Digest digest;
    const bool good = walk(transaction.get(), kTracks, [&](Bytes, Bytes track) {
      ++tracks;
      digest.mix(track);
      return track.size() == sizeof(Track);
    });
    if (!good || tracks != position.tracks || digest.value() != position.tracks_digest) {
      return "its tracks are incomplete";
    }
  }
  platform::Fd copy;
  if (const int error = platform::copy_into_memory(path, copy); error != 0) {
    return "it cannot be copied: " + platform::error_text(error);
  }
  LmdbFile file;
  int error = file.open("/proc/self/fd/" + std::to_string(copy.get()),
                        2 * ImageWriter::file_bytes_needed(state.size(), position.tracks), 0);
  error = error == 0 ? write_into(file) : error;
  return error == 0 ? "" : "it cannot be written: " + error_text(error);
}

}  // namespace vedette::image
