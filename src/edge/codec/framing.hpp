// Purpose: cuts a stream of bytes into frames, for every source that is a stream. A codec says what
// starts at the front of some bytes (Cut); Cutting goes from frame to frame, and behind damage from
// byte to byte until a frame starts. In: bytes in pieces of any size. Out: Piece by Piece, so that
// each byte belongs to one frame, one gap or a separator. Bound: Framer::kBytes, one Framer for
// each connection. When full: what is held is thrown away as a gap. Fails as: gaps with a cause,
// whose bytes are what was thrown away. Runs on: the ingress thread, or stepped by its caller.
#pragma once

#include <cstdint>
#include <cstring>

#include "base/bytes.hpp"
#include "model/limits.hpp"
#include "model/refusal.hpp"

namespace vedette::codec {

// What starts at the front of some bytes.
struct Cut {
  enum class Kind : std::uint8_t {
    nothing,    // no frame: `bytes` belong to none
    blank,      // `bytes` only separate frames
    more,       // perhaps a frame: more bytes decide
    frame,      // a frame of `bytes`
    unchecked,  // its marker and length say a frame of `bytes`, and nothing can confirm it
    broken      // its marker and length say a frame of `bytes`, and its check denies it
  };
  Kind kind = Kind::nothing;
  std::size_t bytes = 1;
  RefusalCause cause = RefusalCause::framing;  // of nothing and broken
  std::size_t behind = 0;                      // separators that follow a frame
};

// Whether bytes follow those in memory.
enum class End : std::uint8_t {
  open,   // they may
  whole,  // none, and frames are whole: the end of a datagram or a file
  torn    // none, because the connection ended, perhaps within a frame
};

struct Place {
  End end;
  bool in_step;  // a frame or a separator ends here, or the stream begins

  bool ends() const { return end != End::open; }
};

// Total on any bytes, which are at least one; without state, because it looks ahead.
using CutFront = Cut (*)(Bytes bytes, Place place);

// The bytes at the front of a stream that belong together.
struct Piece {
  enum class Kind : std::uint8_t { none, frame, blank, gap };
  Kind kind = Kind::none;  // none: more bytes are needed
  std::size_t bytes = 0;
  RefusalCause cause = RefusalCause::none;  // of a gap; none if it continues the one before
  std::size_t behind = 0;                   // separators that follow a frame
};

// Where a stream is between two pieces.
class Cutting {
 public:
  // The piece at the front of `bytes`, which begin where the last piece ended. `full`: no more fit.
  Piece next(CutFront cut, Bytes bytes, End end, bool full);

 private:
  Cut confirm(CutFront cut, Bytes bytes, std::size_t length, Place place) const;
  Piece end_gap(bool in_step);

  std::size_t gap_ = 0;      // bytes at the front that start no frame
  std::size_t gap_end_ = 0;  // where the broken frame at the front claims to end; 0: none
  RefusalCause cause_ = RefusalCause::none;
  bool in_step_ = true;
  bool told_ = false;  // a gap without a cause of its own was told since the last frame
};

// The bytes of one connection that are not cut yet.
class Framer {
 public:
  static constexpr std::size_t kBytes = 2 * limits::kAsterixBlockBytes;  // noise, and a frame

  // Calls piece(const Piece&, Bytes) in the order of the bytes.
  template <typename OnPiece>
  void put(CutFront cut, Bytes chunk, End end, OnPiece&& piece) {
    do {
      const std::size_t room = sizeof hold_ - held_;
      const std::size_t taken = chunk.size() < room ? chunk.size() : room;
      if (taken != 0) {
        std::memcpy(hold_ + held_, chunk.data(), taken);
      }
      held_ += taken;
      chunk = chunk.subspan(taken);
      const std::size_t used =
          cut_all(cutting_, cut, Bytes(hold_, held_), chunk.empty() ? end : End::open,
                  held_ == sizeof hold_, piece);
      std::memmove(hold_, hold_ + used, held_ - used);
      held_ -= used;
    } while (!chunk.empty());
  }
  // Bytes with a boundary at their end, such as a datagram: nothing is copied or kept.
  template <typename OnPiece>
  static void whole(CutFront cut, Bytes bytes, OnPiece&& piece) {
    Cutting cutting;
    cut_all(cutting, cut, bytes, End::whole, false, piece);
  }
  // As after a reopened line.
  void reset() {
    cutting_ = {};
    held_ = 0;
  }

 private:
  template <typename OnPiece>
  static std::size_t cut_all(Cutting& cutting, CutFront cut, Bytes bytes, End end, bool full,
                             OnPiece&& piece) {
    std::size_t at = 0;
    while (at < bytes.size()) {
      const Piece next = cutting.next(cut, bytes.subspan(at), end, full && at == 0);
      if (next.kind == Piece::Kind::none) {
        break;
      }
      piece(next, bytes.subspan(at, next.bytes));
      at += next.bytes + next.behind;
    }
    return at;
  }

  Cutting cutting_;
  std::size_t held_ = 0;
  std::uint8_t hold_[kBytes] = {};
};

// Text: lines that end with CR, LF or both. Separators are blanks, tabs, NULs and byte order marks
// before a line. Any other byte that is no text ends the text before it, as a line end does; what
// stands beside such a byte, or was torn, is a line only if `sure` says so: noise has text in it,
// too, and a part of a line may read as a shorter one.
Cut cut_text(Bytes bytes, Place place, bool (*sure)(Bytes line));

// Bytes at the front that are text (printable ASCII and tabs).
std::size_t text_bytes(Bytes bytes);

}  // namespace vedette::codec
