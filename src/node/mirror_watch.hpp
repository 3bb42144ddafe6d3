// Purpose: notices a mirror that does not keep up for long, because people are told what it
// believes. In: how far engine and mirror are, at each look. Out: what is wrong, in words.
// Bound: kBehindNs. Runs on: the main thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace vedette::node {

class MirrorWatch {
 public:
  static constexpr std::int64_t kBehindNs = 10'000'000'000;

  struct Seen {
    std::uint64_t engine_batch = 0;
    std::uint64_t mirror_batch = 0;
    std::uint64_t turns = 0;  // of the mirror's thread
    bool lost = false;
    bool gone = false;
  };
  void look(const Seen& seen, std::int64_t now_ns) {
    if (seen.mirror_batch >= wanted_batch_) {
      wanted_batch_ = seen.engine_batch;
      wanted_ns_ = now_ns;
    }
    if (seen.turns != turns_ || turned_ns_ == 0) {
      turns_ = seen.turns;
      turned_ns_ = now_ns;
    }
    behind_ = now_ns - wanted_ns_ > kBehindNs;
    hangs_ = now_ns - turned_ns_ > kBehindNs;
    lost_ = seen.lost;
    gone_ = seen.gone;
  }
  // Empty if it keeps up.
  std::string_view trouble() const {
    return !behind_ ? ""
           : gone_  ? "mirror: its thread has ended; the next start begins a new one"
           : hangs_ ? "mirror: its thread hangs"
           : lost_  ? "mirror: it has lost its way and waits for a copy of the engine's state"
                    : "mirror: more than 10 s behind";
  }

 private:
  std::uint64_t wanted_batch_ = 0;  // the engine's at wanted_ns_
  std::int64_t wanted_ns_ = 0;
  std::uint64_t turns_ = 0;
  std::int64_t turned_ns_ = 0;
  bool behind_ = false, hangs_ = false, lost_ = false, gone_ = false;
};

}  // namespace vedette::node
