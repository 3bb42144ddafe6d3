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

// Bytes of the UTF-8 sequence (RFC 3629) that a text begins with; 0 when it is none.
std::size_t utf8_length(std::string_view text);

// A JSON string with its quotes. Bytes that are not valid UTF-8 are written as U+FFFD, so any input
// gives a valid document.
template <typename Out>
void append_escaped(Out& out, std::string_view text) {
  const auto is_plain = [](char c) {
    const auto u = static_cast<unsigned char>(c);
    return u >= 0x20 && u < 0x80 && u != '"' && u != '\\';
  };
  out.append(std::string_view("\""));
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c == '"' || c == '\\') {
      const char pair[2] = {'\\', static_cast<char>(c)};
      out.append(std::string_view(pair, 2));
      ++i;
    } else if (c < 0x20) {
      const char escape[6] = {'\\', 'u', '0', '0', c < 16 ? '0' : '1', "0123456789abcdef"[c & 15]};
      out.append(std::string_view(escape, 6));
      ++i;
    } else if (c < 0x80) {
      std::size_t plain = 1;
      while (i + plain < text.size() && is_plain(text[i + plain])) {
        ++plain;
      }
      out.append(std::string_view(text.data() + i, plain));
      i += plain;
    } else {
      const std::size_t n = utf8_length(text.substr(i));
      out.append(n == 0 ? std::string_view("\xEF\xBF\xBD") : text.substr(i, n));
      i += n == 0 ? 1 : n;
    }
  }
  out.append(std::string_view("\""));
}

// The same into a buffer: writes at `at` and returns the end. quoted_text() bounds how much it may
// write.
constexpr std::size_t quoted_text(std::string_view text) {
  return 6 * text.size() + 10;
}
char* put_quoted(char* at, std::string_view text);

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
  JsonWriter& raw(std::string_view json) {
    separate();
    out_.append(json);
    return *this;
  }

  // A literal name needs no escapes and is written in one piece.
  template <std::size_t N>
  JsonWriter& key(const char (&name)[N]) {
    const std::size_t comma = !after_key_ && (has_item_ >> depth_ & 1) != 0 ? 1 : 0;
    has_item_ |= 1ULL << depth_;
    put_text<N + 3>(out_, [&](char* at) {
      *at = ',';
      at += comma;
      *at = '"';
      std::memcpy(at + 1, name, N - 1);
      at[N] = '"';
      at[N + 1] = ':';
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
  // 64-bit ids and nanoseconds are strings, because other readers hold JSON numbers as doubles.
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
  // A string that needs no escapes, appended by `write(out)`.
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
  void quote(std::string_view text) {
    if constexpr (requires { out_.room(0); }) {
      if (char* const at = out_.room(quoted_text(text)); at != nullptr) {
        out_.taken(static_cast<std::size_t>(put_quoted(at, text) - at));
        return;
      }
    }
    append_escaped(out_, text);
  }

  Out& out_;
  std::uint64_t has_item_ = 0;
  int depth_ = 0;
  bool after_key_ = false;
};

}  // namespace vedette
