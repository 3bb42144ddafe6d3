// Purpose: the belief image in LMDB: the frozen state, what it stands for, and the tracks under
// their keys for whoever looks. A checkpoint: the journal can rebuild it. The library is never
// given bytes that this process has not just written: an image is written as a new file and renamed
// over the last, and read back by another process, which hands its bytes over; what their checksum
// does not cover is not believed. Bound: the plan's image bytes, kPieceBytes of memory beside the
// state. When full or damaged: an error; the journal goes on without it. Runs on: recovery at
// start, and the journal thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "model/track_table.hpp"

namespace vedette::image {

// What a state stands for: the last batch in it, and the engine's digest behind that.
struct ImagePosition {
  std::uint64_t batch;
  std::uint64_t digest;
  std::uint64_t state_bytes;
  std::uint64_t tracks, tracks_digest;  // of the table of tracks, in the order of keys
  std::uint8_t plan_hash[32];
  std::uint64_t checksum;  // over all of the above and the state
};
std::uint64_t checksum_of(const ImagePosition& position, Bytes state);

// What one transaction holds in memory at most before it is committed: little beside the state, and
// as few commits as that allows, since each waits for the disk.
std::size_t transaction_bytes(std::size_t state_bytes);

// Writes images of up to so many tracks into FOLDER/belief.mdb.
class ImageWriter {
 public:
  static std::size_t bytes_needed(std::size_t state_bytes, std::size_t tracks);
  // The largest file.
  static std::uint64_t file_bytes_needed(std::size_t state_bytes, std::size_t tracks);
  void init(const std::string& folder, std::uint64_t max_bytes, std::size_t tracks);
  // The image that is there did not verify, or is no state of this engine's: the first writing sets
  // it aside as belief.mdb.damaged.
  void distrust_last() { distrusted_ = true; }
  // A new file, synced, renamed over the last. `tracks` are those of the state. Fills in the
  // position's sizes and checksums. 0, or an errno or a code of LMDB's. Where two runs in a row
  // ended while they wrote one, this run writes none (ECANCELED): whatever the disk does there ends
  // no third.
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
  none,     // there is no image
  whole,    // position and state are what was written
  damaged,  // it does not verify
  unread    // no process could be started to read it
};
// Reads FOLDER/belief.mdb in another process, within `wait_ms` of its last sign of life.
Found read_image(const std::string& folder, std::size_t most_state_bytes, int wait_ms,
                 ImagePosition& position, std::vector<std::uint8_t>& state);
// The other process: position and state to standard output. False when the file is damaged, or the
// process ends.
bool send_image(const std::string& path);

// Reads all of the image in `path` and compares it with its checksum and its tracks with its state,
// then writes into a copy in memory. Empty, or what is wrong; a damaged file may end the process.
std::string check_image(const std::string& path, ImagePosition& position);

}  // namespace vedette::image
