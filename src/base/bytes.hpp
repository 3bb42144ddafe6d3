// Purpose: loads and stores of fixed-width integers at unaligned addresses, and bit fields.
// Runs on: any thread. The caller checks bounds.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

namespace vedette {

using Bytes = std::span<const std::uint8_t>;

static_assert(std::endian::native == std::endian::little, "journal and wire assume little endian");

template <std::integral T>
inline T load_le(const std::uint8_t* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

template <std::integral T>
inline T load_be(const std::uint8_t* at) {
  const auto value = load_le<std::make_unsigned_t<T>>(at);
  if constexpr (sizeof(T) == 8) {
    return static_cast<T>(__builtin_bswap64(value));
  } else if constexpr (sizeof(T) == 4) {
    return static_cast<T>(__builtin_bswap32(value));
  } else if constexpr (sizeof(T) == 2) {
    return static_cast<T>(__builtin_bswap16(value));
  } else {
    return static_cast<T>(value);
  }
}

inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// The object's representation in memory; T must have no padding.
template <typename T>
inline Bytes bytes_of(const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  return {reinterpret_cast<const std::uint8_t*>(&value), sizeof value};
}

constexpr std::size_t align_up(std::size_t value, std::size_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

template <typename Ask>
void for_each_line(const void* from, std::size_t bytes, Ask&& ask) {
  constexpr std::size_t kLine = 64;
  for (std::size_t i = 0; i < bytes; i += kLine) {
    ask(static_cast<const std::uint8_t*>(from)[i]);
  }
}

// Prefetches each cache line. Not by the compiler's builtin: the compiler removes calls to
// functions that do nothing else, because they have no effect.
inline void prefetch(const void* from, std::size_t bytes = 1) {
  for_each_line(from, bytes, []([[maybe_unused]] const std::uint8_t& line) {
#if defined(__x86_64__)
    asm volatile("prefetcht0 %0" : : "m"(line));
#elif defined(__aarch64__)
    asm volatile("prfm pldl1keep, %0" : : "Q"(line));
#endif
  });
}

// Prefetch for writing: takes the line from another core that may have read it.
inline void prefetch_to_write(const void* from, std::size_t bytes) {
  for_each_line(from, bytes, []([[maybe_unused]] const std::uint8_t& line) {
#if defined(__x86_64__)
    asm volatile("prefetchw %0" : : "m"(line));
#elif defined(__aarch64__)
    asm volatile("prfm pstl1keep, %0" : : "Q"(line));
#endif
  });
}

}  // namespace vedette
