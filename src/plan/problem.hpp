// Purpose: a problem in a site file: where, what was found, what to write instead.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vedette::plan {

struct Problem {
  std::uint32_t line = 0;    // from 1; 0: the file as a whole
  std::uint32_t column = 0;  // from 1
  std::string message;
  std::string help;  // may be empty
};

class Problems {
 public:
  void add(std::uint32_t line, std::uint32_t column, std::string message, std::string help = {}) {
    list_.push_back({line, column, std::move(message), std::move(help)});
  }
  bool empty() const { return list_.empty(); }
  // In the order of the file.
  std::vector<Problem> sorted() const;

 private:
  std::vector<Problem> list_;
};

// file:line:column: error: message, the offending line, a caret, the help.
std::string render(const Problem& problem, std::string_view file, std::string_view text);

// The candidate with the smallest edit distance, if close enough; else empty.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace vedette::plan
