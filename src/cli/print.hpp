// Purpose: the only way to print to a terminal: escapes what comes from senders, site files and
// paths (base/terminal.hpp), not the format's own text.
// In: a printf format and its values. Out: standard output or standard error.
// Fails as: output_failed(). Runs on: cold threads.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>

namespace vedette::cli {

// Prints generated text with its line ends and tabs: a page, a rendered problem, a JSON document.
void print_text(std::string_view text);
void print_error_text(std::string_view text);
// Of the terminal that standard output is.
void clear_screen();
// Whether standard output lost data; flushes it.
bool output_failed();

namespace printing {

std::string escaped(std::string_view text);
void write(std::FILE* out, const char* format, ...);

template <typename T>
auto shown(const T& value) {
  if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    return escaped(value);
  } else {
    return value;
  }
}
template <typename T>
auto passed(const T& value) {
  if constexpr (std::is_same_v<T, std::string>) {
    return value.c_str();
  } else {
    return value;
  }
}
template <typename... A>
void format(std::FILE* out, const char* format, const A&... values) {
  std::apply([&](const auto&... v) { write(out, format, passed(v)...); },
             std::make_tuple(shown(values)...));
}

}  // namespace printing

// Any value that converts to string_view works for %s.
template <typename... A>
void print(const char* format, const A&... values) {
  printing::format(stdout, format, values...);
}
template <typename... A>
void print_error(const char* format, const A&... values) {
  printing::format(stderr, format, values...);
}

}  // namespace vedette::cli
