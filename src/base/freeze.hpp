// Purpose: state to bytes and back, for snapshots. Bound: the span given. When full: ok() is false.
// Damaged input is an operating error: a short read gives zeros and ok() is false.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

#include "base/bytes.hpp"

namespace vedette {

class Freezer {
 public:
  explicit Freezer(std::span<std::uint8_t> into) : into_(into) {}

  template <typename T>
  void put(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    put_bytes({reinterpret_cast<const std::uint8_t*>(&value), sizeof value});
  }
  void put_bytes(Bytes bytes) {
    ok_ = ok_ && bytes.size() <= into_.size() - used_;
    if (ok_ && !bytes.empty()) {
      std::memcpy(into_.data() + used_, bytes.data(), bytes.size());
      used_ += bytes.size();
    }
  }
  // Overwrites a value put earlier, such as a length known only at the end.
  template <typename T>
  void patch(std::size_t at, const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    if (ok_ && at + sizeof value <= used_) {
      std::memcpy(into_.data() + at, &value, sizeof value);
    }
  }
  bool ok() const { return ok_; }
  std::size_t used() const { return used_; }

 private:
  std::span<std::uint8_t> into_;
  std::size_t used_ = 0;
  bool ok_ = true;
};

class Thawer {
 public:
  explicit Thawer(Bytes from) : from_(from) {}

  template <typename T>
  T get() {
    static_assert(std::is_trivially_copyable_v<T>);
    T value{};
    const Bytes bytes = get_bytes(sizeof value);
    if (!bytes.empty()) {
      std::memcpy(&value, bytes.data(), sizeof value);
    }
    return value;
  }
  Bytes get_bytes(std::size_t count) {
    ok_ = ok_ && count <= from_.size() - at_;
    if (!ok_) {
      return {};
    }
    at_ += count;
    return from_.subspan(at_ - count, count);
  }
  void skip() { at_ = from_.size(); }  // ignores the rest
  bool ok() const { return ok_; }
  bool at_end() const { return ok_ && at_ == from_.size(); }

 private:
  Bytes from_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

}  // namespace vedette
