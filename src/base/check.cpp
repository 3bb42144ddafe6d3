#include "base/check.hpp"

#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace vedette {
namespace {

void put(const char* text) {
  const auto written = ::write(STDERR_FILENO, text, std::strlen(text));
  static_cast<void>(written);
}

}  // namespace

void check_failed(const char* condition, const char* message, const char* file, int line) {
  char digits[12];
  int at = 11;
  digits[at] = '\0';
  do {
    digits[--at] = static_cast<char>('0' + line % 10);
    line /= 10;
  } while (line != 0 && at > 0);
  put("vedette: internal fault: ");
  put(message);
  put(" (");
  put(condition);
  put(") at ");
  put(file);
  put(":");
  put(digits + at);
  put("\n");
  std::abort();
}

}  // namespace vedette
