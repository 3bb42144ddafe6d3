// Purpose: writes lines to a pipe or terminal without waiting for its reader. In: whole lines. Out:
// the same in order, as fast as the reader takes them, with terminal control characters escaped.
// Bound: kRoom bytes wait. When full: put() refuses the line. Runs on: one thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace vedette::platform {

inline constexpr int kStandardOutput = 1, kStandardError = 2;  // descriptors

class LineWriter {
 public:
  static constexpr std::size_t kRoom = std::size_t{64} << 10;

  explicit LineWriter(int fd) : fd_(fd) {}

  // Adds the line end; false when too much is waiting. A line longer than kRoom is taken when
  // nothing waits.
  bool put(std::string_view line);
  // Writes as much as the reader takes now; true when nothing waits or the reader has gone.
  bool flush();

 private:
  int fd_;
  std::string waiting_;
};

}  // namespace vedette::platform
