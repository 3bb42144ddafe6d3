// Purpose: reads a file from its beginning on a thread of its own, into memory that the next file
// reuses: the caller works on the first bytes while the rest is read.
// In: an open file. Out: its bytes, as they arrive. Bound: the limit given to start(). Fails as:
// errno. Runs on: cold threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/result.hpp"
#include "platform/storage.hpp"

namespace vedette::platform {

class FileInReading {
 public:
  FileInReading();
  ~FileInReading();
  // Stops reading the previous file. Returns the new one's size, at most `limit` (EFBIG beyond), or
  // errno.
  Result<std::size_t, int> start(StorageFile file, std::size_t limit);
  // Waits until the first `bytes` are read; false on a read error.
  bool wait_for(std::size_t bytes);
  const std::uint8_t* data() const;
  // The read error; 0 while there is none.
  int error() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace vedette::platform
