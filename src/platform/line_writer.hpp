// Purpose: lines for whoever reads a descriptor, a pipe or a terminal, whose writer must never wait
// for him. In: whole lines. Out: the same, in their order, as many at a time as the reader takes,
// with what would steer a terminal escaped.
// Bound: kRoom bytes wait. When full: put() says so and nothing is taken.
// Runs on: one thread.
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

  // With its line end; false when too much waits already. One that is longer than kRoom is taken
  // when nothing waits.
  bool put(std::string_view line);
  // Writes what the reader takes now; true when nothing waits any more, or nobody can read it.
  bool flush();

 private:
  int fd_;
  std::string waiting_;
};

}  // namespace vedette::platform
