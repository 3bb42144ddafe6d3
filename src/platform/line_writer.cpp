#include "platform/line_writer.hpp"

#include <poll.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/terminal.hpp"
#include "platform/sandbox.hpp"

namespace vedette::platform {
namespace {

// What a write after poll() can take: a pipe has a page free, a terminal the rest of a page when
// fewer than 256 characters wait.
constexpr std::size_t kPiece = 2048;

bool takes_more(int fd) {
  pollfd wanted{fd, POLLOUT, 0};
  return ::poll(&wanted, 1, 0) == 1;
}

// Lines up to a piece are written whole, because other processes may write to the same descriptor.
std::size_t piece_of(std::string_view text) {
  if (text.size() <= kPiece) {
    return text.size();
  }
  const std::size_t end = text.rfind('\n', kPiece - 1);
  return end == std::string_view::npos ? kPiece : end + 1;
}

bool is_file(int fd) {
  struct stat info {};
  return ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
}

}  // namespace

LineWriter::LineWriter(int fd) : LineWriter(fd, is_file(fd)) {}

LineWriter::~LineWriter() {
  if (!thread_.joinable()) {
    return;
  }
  std::unique_lock lock(handed_->guard);
  handed_->text += waiting_;  // while the thread was busy, nothing could be handed
  handed_->ends = true;
  handed_->changed.notify_one();
  const bool idle = !handed_->writes && handed_->text.empty();
  lock.unlock();
  idle ? thread_.join() : thread_.detach();
}

void LineWriter::write_handed(Handed& handed, int fd) {
  ::pthread_setname_np(::pthread_self(), "log");
  confine(Confined::log);
  std::string text;
  std::unique_lock lock(handed.guard);
  for (;;) {
    handed.changed.wait(lock, [&] { return !handed.text.empty() || handed.ends; });
    if (handed.text.empty()) {
      return;
    }
    text.swap(handed.text);
    handed.writes = true;
    lock.unlock();
    for (std::size_t done = 0; done < text.size();) {
      const ssize_t n = ::write(fd, text.data() + done, text.size() - done);
      done = n > 0 ? done + static_cast<std::size_t>(n) : errno == EINTR ? done : text.size();
    }
    text.clear();
    lock.lock();
    handed.writes = false;
  }
}

// True when the thread has written everything. It begins here, because the caller's cores are
// settled by now.
bool LineWriter::hand_over() {
  if (!thread_.joinable()) {
    if (waiting_.empty()) {
      return true;
    }
    handed_ = std::make_shared<Handed>();
    thread_ = std::thread([handed = handed_, fd = fd_] { write_handed(*handed, fd); });
  }
  const std::lock_guard lock(handed_->guard);
  if (handed_->text.empty() && !handed_->writes && !waiting_.empty()) {
    handed_->text.swap(waiting_);
    handed_->changed.notify_one();
  }
  return waiting_.empty() && handed_->text.empty() && !handed_->writes;
}

bool LineWriter::flush() {
  return by_thread_ ? hand_over() : flush_now();
}

bool LineWriter::put(std::string_view line) {
  const auto no_room = [&] { return !waiting_.empty() && waiting_.size() + line.size() > kRoom; };
  if (no_room()) {
    flush();
  }
  if (no_room()) {
    return false;
  }
  append_for_terminal(waiting_, line, Lines::kept);
  return true;
}

bool LineWriter::flush_now() {
  std::size_t done = 0;
  while (done < waiting_.size() && takes_more(fd_)) {
    const std::string_view rest = std::string_view(waiting_).substr(done);
    const ssize_t n = ::write(fd_, rest.data(), piece_of(rest));
    if (n >= 0) {
      done += static_cast<std::size_t>(n);
    } else if (errno == EAGAIN) {  // another process set O_NONBLOCK
      break;
    } else if (errno != EINTR) {
      done = waiting_.size();  // the reader has gone
    }
  }
  waiting_.erase(0, done);
  return waiting_.empty();
}

}  // namespace vedette::platform
