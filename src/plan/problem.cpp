#include "plan/problem.hpp"

#include <algorithm>

namespace vedette::plan {

std::vector<Problem> Problems::sorted() const {
  std::vector<Problem> list = list_;
  std::stable_sort(list.begin(), list.end(), [](const Problem& a, const Problem& b) {
    return a.line != b.line ? a.line < b.line : a.column < b.column;
  });
  return list;
}

std::string render(const Problem& p, std::string_view file, std::string_view text) {
  std::string out(file);
  if (p.line == 0) {
    out += ": error: " + p.message + "\n";
  } else {
    out += ":" + std::to_string(p.line) + ":" + std::to_string(p.column) + ": error: " + p.message +
           "\n";
    std::size_t at = 0;
    for (std::uint32_t line = 1; line < p.line && at != std::string_view::npos; ++line) {
      at = text.find('\n', at);
      at = at == std::string_view::npos ? at : at + 1;
    }
    if (at != std::string_view::npos) {
      const std::string_view line = text.substr(at, text.find('\n', at) - at);
      out += "  | " + std::string(line) + "\n  | ";
      for (std::uint32_t i = 1; i < p.column && i <= line.size(); ++i) {
        out += line[i - 1] == '\t' ? '\t' : ' ';
      }
      out += "^\n";
    }
  }
  return p.help.empty() ? out : out + "  help: " + p.help + "\n";
}

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    std::vector<std::size_t> row(candidate.size() + 1);
    for (std::size_t j = 0; j < row.size(); ++j) {
      row[j] = j;
    }
    for (std::size_t i = 1; i <= word.size(); ++i) {
      std::size_t diagonal = row[0];
      row[0] = i;
      for (std::size_t j = 1; j < row.size(); ++j) {
        const std::size_t above = row[j];
        row[j] = std::min(
            {above + 1, row[j - 1] + 1, diagonal + (word[i - 1] == candidate[j - 1] ? 0U : 1U)});
        diagonal = above;
      }
    }
    if (row.back() < best_distance) {
      best_distance = row.back();
      best = candidate;
    }
  }
  return best;
}

}  // namespace vedette::plan
