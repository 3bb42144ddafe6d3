// Purpose: the belief image in LMDB: the frozen state, its position, and the tracks by key for
// readers. A checkpoint: the journal can rebuild it. The library in this process sees only bytes
// that this process has just written: each image is a new file, renamed over the last, and another
// process reads it back. Data outside the checksum is not trusted. Bound: the plan's image bytes,
// kPieceBytes of memory besides the state. When full or damaged: an error; the journal goes on
// without it. Runs on: recovery at start, and the journal thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "model/track_table.hpp"

namespace vedette::image {

// The last batch in a state, and the engine's digest after it.
struct ImagePosition {
  std::uint64_t batch;
  std::uint64_t digest;
  std::uint64_t state_bytes;
  std::uint64_t tracks, tracks_digest;  // of the track table, in key order
  std::uint8_t plan_hash[32];
  std::uint64_t checksum;  // over all of the above and the state
};
std::uint64_t checksum_of(const ImagePosition& position, Bytes state);

// Memory of one transaction: small beside the state, yet large enough for few commits, because each
// waits for the disk.
std::size_t transaction_bytes(std::size_t state_bytes);

// Writes images of at most `tracks` tracks to FOLDER/belief.mdb.
class ImageWriter {
 public:
  static std::size_t bytes_needed(std::size_t state_bytes, std::size_t tracks);
  // The largest file.
  static std::uint64_t file_bytes_needed(std::size_t state_bytes, std::size_t tracks);
  void init(const std::string& folder, std::uint64_t max_bytes, std::size_t tracks);
  // For an image that does not verify or has no state of this engine: the first write moves it to
  // belief.mdb.damaged.
  void distrust_last() { distrusted_ = true; }
  // Writes a new file, syncs it and renames it over the last. `tracks` are the state's. Fills in
  // the position's sizes and checksums. 0, or an errno or LMDB code. After two consecutive runs
  // that ended while writing, this run writes none (ECANCELED), so that a faulty disk cannot end a
  // third.
  int write(ImagePosition position, Bytes state, std::span<const FrozenTrack> tracks);

 private:
  struct Place {
    std::uint64_t key;
    std::uint32_t at;
  };
  void begin();
  int fill(const std::string& path, const ImagePosition& position, Bytes state,
           std::span<const FrozenTrack> tracks) const;

  std::string path_;
  std::uint64_t max_bytes_ = 0;
  std::vector<Place> order_;
  bool begun_ = false;
  bool given_up_ = false;
  bool distrusted_ = false;
};

std::string error_text(int error);

enum class Found {
  none,     // no image
  whole,    // position and state verify
  damaged,  // does not verify
  unread    // no process could be started to read it
};
// Reads FOLDER/belief.mdb in another process, which may be silent for `wait_ms`.
Found read_image(const std::string& folder, std::size_t most_state_bytes, int wait_ms,
                 ImagePosition& position, std::vector<std::uint8_t>& state);
// Body of that process: writes position and state to standard output. False when the file is
// damaged, unless it ends the process.
bool send_image(const std::string& path);

// Compares the whole image with its checksum and its tracks with its state, then writes to a copy
// in memory. Empty, or the error; a damaged file may end the process.
std::string check_image(const std::string& path, ImagePosition& position);

}  // namespace vedette::image
