// Purpose: a recording's frames for benches; ends the bench with exit code 66 if it is missing.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "edge/ingress/recording.hpp"
#include "platform/file.hpp"

namespace vedette::bench {

inline std::vector<std::string> frames_of(const std::string& path) {
  auto content = platform::read_file(path, std::size_t{1} << 30);
  ingress::Recording recording;
  std::vector<std::string> frames;
  if (!content || !recording.open(std::move(content).value(), path, {}).empty()) {
    std::fprintf(stderr, "bench: %s cannot be read\n", path.c_str());
    std::exit(66);
  }
  for (auto frame = recording.peek(); frame; recording.pop(), frame = recording.peek()) {
    frames.emplace_back(as_text(frame->bytes));
  }
  return frames;
}

}  // namespace vedette::bench
