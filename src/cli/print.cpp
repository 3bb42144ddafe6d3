#include "cli/print.hpp"

#include <cstdarg>

#include "base/terminal.hpp"

namespace vedette::cli {
namespace {

void write_text(std::FILE* out, std::string_view text) {
  std::string safe;
  append_for_terminal(safe, text, Lines::kept);
  std::fwrite(safe.data(), 1, safe.size(), out);
}

}  // namespace

namespace printing {

std::string escaped(std::string_view text) {
  std::string safe;
  append_for_terminal(safe, text);
  return safe;
}

void write(std::FILE* out, const char* format, ...) {
  std::va_list values;
  va_start(values, format);
  std::vfprintf(out, format, values);
  va_end(values);
}

}  // namespace printing

void print_text(std::string_view text) {
  write_text(stdout, text);
}
void print_error_text(std::string_view text) {
  write_text(stderr, text);
}

void clear_screen() {
  std::fputs("\033[H\033[2J", stdout);
}

bool output_failed() {
  return std::fflush(stdout) != 0 || std::ferror(stdout) != 0;
}

}  // namespace vedette::cli
