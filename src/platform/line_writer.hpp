// Purpose: writes lines without waiting for a pipe's or terminal's reader, or for a file's disk.
// In: whole lines. Out: the same in order, as fast as the other end takes them, with terminal
// control characters escaped. Bound: kRoom bytes wait; a file has a thread more, because poll()
// says of a file that it takes everything, and the write hangs with its disk. When full: put()
// refuses the line. Runs on: one thread.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace vedette::platform {

inline constexpr int kStandardOutput = 1, kStandardError = 2;  // descriptors

class LineWriter {
 public:
  static constexpr std::size_t kRoom = std::size_t{64} << 10;

  explicit LineWriter(int fd);
  LineWriter(int fd, bool by_thread) : fd_(fd), by_thread_(by_thread) {}
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;
  ~LineWriter();  // leaves behind what hangs

  // Adds the line end; false when too much is waiting. A line longer than kRoom is taken when
  // nothing waits.
  bool put(std::string_view line);
  // Writes as much as the reader takes now; true when nothing waits or the reader has gone.
  bool flush();

 private:
  // Shared with the thread, which may hang for longer than this object lives.
  struct Handed {
    std::mutex guard;
    std::condition_variable changed;
    std::string text;
    bool writes = false, ends = false;
  };
  static void write_handed(Handed& handed, int fd);
  bool hand_over();
  bool flush_now();

  int fd_;
  bool by_thread_;
  std::string waiting_;
  std::shared_ptr<Handed> handed_;
  std::thread thread_;
};

}  // namespace vedette::platform
