// Purpose: unpacks the bytes of a file as they come: plain, gzip or zstd, which its first bytes
// say. In: pieces of any size. Out: the content, behind what `out` holds. Bound: UnpackBounds, and
// a window of kWindowBits for zstd. Fails as: a text that says what is wrong, and where. Runs on:
// cold threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"

namespace vedette::platform {

struct UnpackBounds {
  std::size_t bytes = 0;       // unpacked
  std::size_t ratio = 0;       // unpacked to packed, above free_bytes
  std::size_t free_bytes = 0;  // unpacked whatever the ratio
};

// How far zstd data may look back, 128 MiB: what its program makes and reads unless told otherwise.
inline constexpr int kWindowBits = 27;

using Unfit = std::optional<std::string>;  // what is wrong with the file, if anything

class Unpacker {
 public:
  Unpacker(const UnpackBounds& bounds, std::vector<std::uint8_t>& out)
      : bounds_(bounds), out_(out) {}

  Unfit put(Bytes piece);
  Unfit end();

  // One packing's own stream.
  class Packing {
   public:
    struct Step {
      std::size_t taken = 0, made = 0;
      bool ended = false;            // a member is whole; another may follow
      const char* damage = nullptr;  // what the library says
      bool looks_far = false;        // farther back than kWindowBits
    };
    virtual ~Packing() = default;
    virtual const char* name() const = 0;
    virtual bool begins(std::uint8_t first) const = 0;  // a member after the first
    virtual Step unpack(Bytes piece, std::vector<std::uint8_t>& room) = 0;
  };

 private:
  void begin();
  Unfit put_known(Bytes piece);
  Unfit unpack(Bytes piece);
  Unfit too_large() const;
  // Takes padding off the front; whether another member starts there.
  bool next_member(Bytes& piece);

  const UnpackBounds& bounds_;
  std::vector<std::uint8_t>& out_;
  std::vector<std::uint8_t> head_, room_;
  std::unique_ptr<Packing> packing_;  // null: plain
  std::size_t read_ = 0;
  bool known_ = false;
  bool between_ = false;  // after the end of a member
  bool padding_ = false;
};

}  // namespace vedette::platform
