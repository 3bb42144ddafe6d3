// Purpose: the belief image in LMDB: the frozen state with the journal position it stands for, and
// the tracks under their keys for whoever looks. A checkpoint: the journal can rebuild it. Bound:
// the plan's image bytes. When full or damaged: an error text; the journal goes on without it. Runs
// on: the journal thread, and recovery at start.
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
  // Opens or creates FOLDER/belief.mdb. A damaged file can make the library abort, so it is first
  // opened and read in a child process; then it is set aside and a new one made. Empty on success.
  std::string open(const std::string& folder, std::uint64_t max_bytes);
  // One transaction, synced. `tracks` are whole records of the frozen state.
  std::string write(const ImagePosition& position, Bytes frozen, std::span<const Track> tracks);
  // False when there is none.
  bool read(ImagePosition& position, std::vector<std::uint8_t>& frozen);
  bool set_aside() const { return set_aside_; }

 private:
  struct State;
  std::unique_ptr<State> state_;
  bool set_aside_ = false;
};

}  // namespace vedette::belief
