// Purpose: the clock of a recorded text: the times that its lines carry. In: the whole text, then
// its lines in order. Out: each line's time; a line without one has the time of the line before.
// Bound: kLinesLooked lines decide which times count. Runs on: cold start, then ingress; total on
// any text.
//
// The first of these that the text has, `fix` and `of_day` in its first and its last half, because
// a few seconds of a receiver are no clock for the rest:
//   dated  a time of the logger or receiver: tag block `c:`, before or behind the sentence, PLAIN,
//          candump, Signal K, a $PGHP line before
//   fix    date and time of a receiver's fix: RMC, ZDA
//   of_day a time without date, of the logger or of any sentence, or a gateway's timer: the
//          recording's pace, not its day
#pragma once

#include <cstdint>

#include "base/bytes.hpp"

namespace vedette::ingress {

class LineClock {
 public:
  enum class Kind : std::uint8_t { none, dated, fix, of_day };
  static constexpr std::size_t kLinesLooked = 20'000;

  // `only_dated`: the site gives an interval, which goes before `fix` and `of_day`.
  void choose(Bytes text, bool only_dated = false);
  Kind kind() const { return kind_; }
  // Of the first line that has one; without date, since an unnamed midnight.
  std::int64_t first_ns() const { return first_ns_; }
  // 0 before the first time.
  std::int64_t take(Bytes line);

 private:
  std::int64_t without_date(Bytes line);

  Kind kind_ = Kind::none;
  std::int64_t first_ns_ = 0;
  std::int64_t last_ns_ = 0;
};

}  // namespace vedette::ingress
