// Purpose: parses a receiver's answers on a TCP sink with confirm = "answer": one line
// {"ack":"KEY"} for each message that it has. In: bytes as they arrive. Out: keys. Bound: a line of
// kLineBytes; a longer one is skipped and is no answer. Total on any bytes. Runs on: the engine
// thread; no allocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace vedette::sink {

// Identifies a message: "NODE-EPOCH-ROOT", hexadecimal node.
struct MessageKey {
  std::uint64_t node = 0;
  std::uint64_t root = 0;
  std::uint32_t epoch = 0;
  bool operator==(const MessageKey&) const = default;
};
std::optional<MessageKey> parse_key(std::string_view text);
// The key of an answer; spaces may separate its parts.
std::optional<MessageKey> parse_answer(std::string_view line);

class Answers {
 public:
  static constexpr std::size_t kLineBytes = 128;  // twice the longest answer

  void reset() { used_ = 0; }
  // Calls `heard` for each complete line, with its answer or nothing; skips empty lines.
  template <typename Heard>
  void feed(std::string_view bytes, Heard&& heard) {
    for (const char c : bytes) {
      if (c != '\n') {
        if (used_ < kLineBytes) {
          line_[used_] = c;
        }
        used_ += used_ <= kLineBytes ? 1 : 0;  // too long beyond kLineBytes
        continue;
      }
      if (used_ > kLineBytes) {
        heard(std::optional<MessageKey>());
      } else if (const std::string_view line(line_, used_); !blank(line)) {
        heard(parse_answer(line));
      }
      used_ = 0;
    }
  }

 private:
  static bool blank(std::string_view line) {
    return line.find_first_not_of(" \t\r") == std::string_view::npos;
  }
  char line_[kLineBytes];
  std::size_t used_ = 0;
};

}  // namespace vedette::sink
