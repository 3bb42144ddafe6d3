#include "platform/file.hpp"

#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <string>
#include <thread>

#include "platform/unpacked_file.hpp"
#include "test.hpp"

using vedette::platform::read_file;
using vedette::platform::read_unpacked;

namespace {

struct Folder {
  Folder() {
    char name[] = "/tmp/vedette-file-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string operator/(const char* name) const { return path + "/" + name; }
  std::string path;
};

void write_plain(const std::string& path, const std::string& text) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  std::fwrite(text.data(), 1, text.size(), file);
  std::fclose(file);
}
void write_packed(const std::string& path, const std::string& text) {
  gzFile file = ::gzopen(path.c_str(), "wb");
  ::gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  ::gzclose(file);
}
std::string text_of(const std::string& path) {
  const auto read = read_unpacked(path, {.bytes = 1 << 24, .ratio = 100, .free_bytes = 1 << 24});
  REQUIRE(read);
  return {read->begin(), read->end()};
}

}  // namespace

TEST_CASE("a file is read as it is, and what gzip packed is unpacked, from a pipe as well") {
  const Folder folder;
  std::string large;
  while (large.size() < 1'000'000) {
    large += "!AIVDM,1,1,,A," + std::to_string(large.size() * 7919) + "\n";
  }
  for (const std::string& text : {std::string(), std::string("\x1f"), std::string("x\n"), large}) {
    write_plain(folder / "plain", text);
    CHECK(text_of(folder / "plain") == text);
    write_packed(folder / "packed", text);
    CHECK(text_of(folder / "packed") == text);
    for (auto* write : {write_plain, write_packed}) {
      const std::string pipe = folder / "pipe";
      REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
      std::thread writer([&] { write(pipe, text); });
      CHECK(text_of(pipe) == text);
      writer.join();
      ::unlink(pipe.c_str());
    }
  }
  CHECK(text_of("/proc/self/comm") == "vedette_unit\n");  // procfs reports a size of 0
}

TEST_CASE("a file that cannot be read whole is an error, not a part of it") {
  const Folder folder;
  CHECK(read_file(folder / "none", 100).error() == ENOENT);
  CHECK(read_file(folder.path, 100).error() == EISDIR);
  write_plain(folder / "plain", std::string(101, 'x'));
  CHECK(read_file(folder / "plain", 100).error() == EFBIG);
}
