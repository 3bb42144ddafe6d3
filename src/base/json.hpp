// Purpose: writes one JSON document (RFC 8259) into any text sink, commas and escapes kept right.
// Bound: nesting of 32. Runs on: any thread; allocates only if the sink does.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.hpp"
#include "base/text.hpp"

namespace vedette {

template <typename Out>
class JsonWriter {
 public:
  explicit JsonWriter(Out& out) : out_(out) {}

  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }

  JsonWriter& key(std::string_view name) {
    separate();
    quote(name);
    out_.append(std::string_view(":"));
    after_key_ = true;
    return *this;
  }

  JsonWriter& value(std::string_view text) {
    separate();
    quote(text);
    return *this;
  }
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(bool flag) { return raw(flag ? "true" : "false"); }
  JsonWriter& value(std::int64_t number) {
    separate();
    append_integer(out_, number);
    return *this;
  }
  JsonWriter& value(std::uint64_t number) {
    separate();
    append_unsigned(out_, number);
    return *this;
  }
  JsonWriter& value(int number) { return value(static_cast<std::int64_t>(number)); }
  JsonWriter& value(unsigned number) { return value(static_cast<std::uint64_t>(number)); }
  // JSON has no NaN or infinity: they become null.
  JsonWriter& value(double number, int decimals) {
    if (!std::isfinite(number)) {
      return raw("null");
    }
    separate();
    append_decimal(out_, number, decimals);
    return *this;
  }
  JsonWriter& null() { return raw("null"); }
  JsonWriter& raw(std::string_view json) {
    separate();
    out_.append(json);
    return *this;
  }

  // A name that stands in the program needs no escapes, and is written in one piece.
  template <std::size_t N>
  JsonWriter& key(const char (&name)[N]) {
    const std::size_t comma = !after_key_ && (has_item_ >> depth_ & 1) != 0 ? 1 : 0;
    has_item_ |= 1ULL << depth_;
    put_text<N + 3>(out_, [&](char* at) {
      *at = ',';
      at += comma;
      *at = '"';
      std::memcpy(at + 1, name, N - 1);
      std::memcpy(at + N, "\":", 2);
      return at + N + 2;
    });
    after_key_ = true;
    return *this;
  }

  template <typename Name, typename T>
  JsonWriter& member(const Name& name, T number_or_text) {
    return key(name).value(number_or_text);
  }
  template <typename Name>
  JsonWriter& member(const Name& name, double number, int decimals) {
    return key(name).value(number, decimals);
  }
  // 64-bit ids and nanoseconds travel as strings: JSON numbers are doubles elsewhere.
  template <typename Name>
  JsonWriter& member_id(const Name& name, std::uint64_t id) {
    return key(name).text([id](Out& out) { append_unsigned(out, id); });
  }
  template <typename Name>
  JsonWriter& member_hex(const Name& name, std::uint64_t id) {
    char buffer[16];
    for (int i = 15; i >= 0; --i, id >>= 4) {
      buffer[i] = "0123456789abcdef"[id & 15];
    }
    return key(name).value(std::string_view(buffer, 16));
  }
  template <typename Name>
  JsonWriter& member_time(const Name& name, std::int64_t unix_ns) {
    return key(name).text([unix_ns](Out& out) { append_time(out, unix_ns); });
  }
  // A text that needs no escapes, as `write(out)` appends it.
  template <typename Write>
  JsonWriter& text(Write&& write) {
    separate();
    out_.append(std::string_view("\""));
    write(out_);
    out_.append(std::string_view("\""));
    return *this;
  }

 private:
  JsonWriter& open(char bracket) {
    separate();
    CHECK(depth_ < 32, "JSON nested deeper than 32");
    out_.append(std::string_view(&bracket, 1));
    has_item_ &= ~(1ULL << ++depth_);
    return *this;
  }
  JsonWriter& close(char bracket) {
    CHECK(depth_ > 0, "JSON closed more often than opened");
    --depth_;
    out_.append(std::string_view(&bracket, 1));
    return *this;
  }
  void separate() {
    if (after_key_) {
      after_key_ = false;
      return;
    }
    if ((has_item_ >> depth_ & 1) != 0) {
      out_.append(std::string_view(","));
    }
    has_item_ |= 1ULL << depth_;
  }
  // Most text needs nothing done to it. False when this one does, or there is no room to try.
  bool quote_plain(std::string_view text) {
    if constexpr (requires { out_.room(0); }) {
      constexpr std::uint64_t kEach = 0x0101010101010101ULL;
      constexpr std::uint64_t kHigh = 0x80 * kEach;
      const auto below = [](std::uint64_t w, std::uint64_t n) { return (w - n * kEach) & ~w; };
      char* const at = out_.room(text.size() + 10);
      if (at == nullptr) {
        return false;
      }
      *at = '"';
      std::uint64_t special = 0;
      for (std::size_t i = 0; i < text.size(); i += 8) {
        const std::uint64_t word = word_of(text.substr(i, 8));
        special |= (word | below(word, 0x20) | below(word ^ '"' * kEach, 1) |
                    below(word ^ '\\' * kEach, 1)) &
                   kHigh;
        std::memcpy(at + 1 + i, &word, 8);
      }
      if (special == 0) {
        at[1 + text.size()] = '"';
        out_.taken(text.size() + 2);
      }
      return special == 0;
    }
    return false;
  }
  // 1 to 8 characters with spaces behind them; no byte that is not theirs is read.
  static std::uint64_t word_of(std::string_view text) {
    std::uint64_t word = 0x2020202020202020ULL;
    const std::size_t n = text.size();
    if (n == 8) {
      std::memcpy(&word, text.data(), 8);
    } else if (n >= 4) {
      std::uint32_t first = 0;
      std::uint32_t last = 0;
      std::memcpy(&first, text.data(), 4);
      std::memcpy(&last, text.data() + n - 4, 4);
      word = word << 8 * n | std::uint64_t{last} << 8 * (n - 4) | first;
    } else {
      for (std::size_t i = n; i > 0; --i) {
        word = word << 8 | static_cast<unsigned char>(text[i - 1]);
      }
    }
    return word;
  }
  void quote(std::string_view text) {
    if (!quote_plain(text)) {
      quote_with_escapes(text);
    }
  }
  // Bytes that are not valid UTF-8 are written as U+FFFD, so any input gives a valid document.
  void quote_with_escapes(std::string_view text) {
    out_.append(std::string_view("\""));
    for (std::size_t i = 0; i < text.size();) {
      const auto c = static_cast<unsigned char>(text[i]);
      if (c == '"' || c == '\\') {
        const char pair[2] = {'\\', static_cast<char>(c)};
        out_.append(std::string_view(pair, 2));
        ++i;
      } else if (c < 0x20) {
        const char escape[6] = {
            '\\', 'u', '0', '0', c < 16 ? '0' : '1', "0123456789abcdef"[c & 15]};
        out_.append(std::string_view(escape, 6));
        ++i;
      } else if (c < 0x80) {
        std::size_t plain = 1;  // most text needs nothing done to it
        while (i + plain < text.size() && is_plain(text[i + plain])) {
          ++plain;
        }
        out_.append(std::string_view(text.data() + i, plain));
        i += plain;
      } else {
        const std::size_t n = utf8_length(text.substr(i));
        out_.append(n == 0 ? std::string_view("\xEF\xBF\xBD") : text.substr(i, n));
        i += n == 0 ? 1 : n;
      }
    }
    out_.append(std::string_view("\""));
  }
  static bool is_plain(char c) {
    const auto u = static_cast<unsigned char>(c);
    return u >= 0x20 && u < 0x80 && u != '"' && u != '\\';
  }
  static std::size_t utf8_length(std::string_view text) {
    const auto c = static_cast<unsigned char>(text[0]);
    const std::size_t n = c >= 0xC2 && c < 0xE0   ? 2
                          : c >= 0xE0 && c < 0xF0 ? 3
                          : c >= 0xF0 && c < 0xF5 ? 4
                                                  : 0;
    if (n == 0 || text.size() < n) {
      return 0;
    }
    for (std::size_t i = 1; i < n; ++i) {
      if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) {
        return 0;
      }
    }
    const auto second = static_cast<unsigned char>(text[1]);
    const bool overlong = (c == 0xE0 && second < 0xA0) || (c == 0xF0 && second < 0x90);
    const bool outside = (c == 0xED && second >= 0xA0) || (c == 0xF4 && second >= 0x90);
    return overlong || outside ? 0 : n;
  }

  Out& out_;
  std::uint64_t has_item_ = 0;
  int depth_ = 0;
  bool after_key_ = false;
};

}  // namespace vedette
