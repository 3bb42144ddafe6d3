#include "platform/file_in_reading.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <thread>
#include <utility>

#include "platform/hot_thread.hpp"

namespace vedette::platform {

struct FileInReading::State {
  std::unique_ptr<std::uint8_t[]> memory;
  std::size_t room = 0;
  StorageFile file;
  std::size_t size = 0;
  // The release stores of the reading thread pair with acquire loads: bytes are visible before
  // their count.
  std::atomic<std::size_t> there{0};
  std::atomic<bool> ended{false}, stop{false};
  std::atomic<int> error{0};
  std::thread thread;

  void read_all() {
    constexpr std::size_t kPiece = std::size_t{1} << 20;
    std::size_t got = 0;
    while (got < size && !stop.load(std::memory_order_relaxed)) {
      const auto n = file.read_at(got, {memory.get() + got, std::min(kPiece, size - got)});
      if (!n || n.value() == 0) {  // 0: truncated meanwhile
        error.store(n ? EIO : n.error(), std::memory_order_relaxed);
        break;
      }
      got += n.value();
      there.store(got, std::memory_order_release);
    }
    ended.store(true, std::memory_order_release);
  }
  void end() {
    stop.store(true, std::memory_order_relaxed);
    if (thread.joinable()) {
      thread.join();
    }
  }
};

FileInReading::FileInReading() : state_(std::make_unique<State>()) {}
FileInReading::~FileInReading() {
  state_->end();
}

Result<std::size_t, int> FileInReading::start(StorageFile file, std::size_t limit) {
  State& s = *state_;
  s.end();
  const auto size = file.size();
  if (!size) {
    return Failure{size.error()};
  }
  if (size.value() > limit) {
    return Failure{EFBIG};
  }
  s.file = std::move(file);
  s.size = static_cast<std::size_t>(size.value());
  if (s.size > s.room) {
    s.memory.reset();
    s.memory = std::make_unique_for_overwrite<std::uint8_t[]>(s.size);
    s.room = s.size;
  }
  s.there.store(0);
  s.ended.store(false);
  s.stop.store(false);
  s.error.store(0);
  s.thread = std::thread([&s] { s.read_all(); });
  return s.size;
}

bool FileInReading::wait_for(std::size_t bytes) {
  State& s = *state_;
  std::size_t there = s.there.load(std::memory_order_acquire);
  while (there < bytes && !s.ended.load(std::memory_order_acquire)) {
    rest_ns(20'000);
    there = s.there.load(std::memory_order_acquire);
  }
  return s.there.load(std::memory_order_acquire) >= bytes;
}

const std::uint8_t* FileInReading::data() const {
  return state_->memory.get();
}

int FileInReading::error() const {
  return state_->error.load(std::memory_order_relaxed);
}

}  // namespace vedette::platform
