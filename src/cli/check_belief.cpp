#include <cstdio>

#include "cli/command.hpp"
#include "cli/print.hpp"
#include "edge/image/image.hpp"
#include "platform/file.hpp"

namespace vedette::cli {

int check_belief(const std::string& file, bool send) {
  if (!platform::exists(file)) {
    return fail(false, "check-belief", kNotFound, "file", file + ": there is no such file");
  }
  std::fflush(stderr);
  std::fclose(stderr);  // hides the library's own assertion, which would confuse
  if (send) {
    return image::send_image(file) ? kOk : kFound;
  }
  image::ImagePosition position{};
  const std::string problem = image::check_image(file, position);
  if (!problem.empty()) {
    print("%s: damaged: %s\n", file.c_str(), problem.c_str());
    return kFound;
  }
  print("%s: intact; state after batch %llu, %llu tracks, digest %016llx\n", file.c_str(),
        static_cast<unsigned long long>(position.batch),
        static_cast<unsigned long long>(position.tracks),
        static_cast<unsigned long long>(position.digest));
  return kOk;
}

}  // namespace vedette::cli
