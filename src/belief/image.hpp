// Purpose: the belief image in LMDB: the frozen state with the journal position it stands for, and
// the tracks under their keys for whoever looks. A checkpoint: the journal can rebuild it. Bound:
// the plan's image bytes. When full or damaged: an error; the journal goes on without it. Runs on:
// recovery at start, and the journal thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "model/track_table.hpp"

namespace vedette::belief {

struct ImagePosition {
  std::uint64_t batch;
  std::uint64_t digest;
  std::uint8_t plan_hash[32];
};

class Image {
 public:
  Image();
  ~Image();
  // Opens or creates FOLDER/belief.mdb; nothing when it is open. A damaged file can make the
  // library abort, so another process reads it first; then it is set aside and a new one made. 0,
  // or an errno or a code of LMDB's.
  int open(const std::string& folder, std::uint64_t max_bytes);
  // One transaction, synced. `tracks` are whole records of the frozen state.
  int write(const ImagePosition& position, Bytes frozen, std::span<const Track> tracks);
  // False when there is none.
  bool read(ImagePosition& position, std::vector<std::uint8_t>& frozen);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string error_text(int error);
// Reads all of the image in `path`; false when it is damaged. A damaged one may end the process.
bool readable(const std::string& path);

}  // namespace vedette::belief
