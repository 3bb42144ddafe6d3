#include "platform/unpacked_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <string>
#include <thread>
#include <vector>

#include "platform/file.hpp"
#include "platform/storage.hpp"
#include "test.hpp"

using vedette::as_bytes;
using vedette::as_text;
namespace platform = vedette::platform;
using Kind = platform::Unread::Kind;

namespace {

constexpr platform::UnpackBounds kBounds{.bytes = 1 << 20, .ratio = 20, .free_bytes = 1 << 16};

struct Folder {
  std::string path;
  Folder() {
    char name[] = "/tmp/vedette-unpacked-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    path = name;
  }
  ~Folder() { platform::remove_folder(path); }
  std::string put(std::string_view content) const {
    const std::string file = path + "/recording";
    REQUIRE(platform::write_file_durably(file, as_bytes(content)) == 0);
    return file;
  }
};

std::string packed(std::string_view text) {
  z_stream zip{};
  REQUIRE(::deflateInit2(&zip, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(::deflateBound(&zip, static_cast<uLong>(text.size())) + 64, '\0');
  zip.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  zip.avail_in = static_cast<uInt>(text.size());
  zip.next_out = reinterpret_cast<Bytef*>(out.data());
  zip.avail_out = static_cast<uInt>(out.size());
  REQUIRE(::deflate(&zip, Z_FINISH) == Z_STREAM_END);
  out.resize(zip.total_out);
  ::deflateEnd(&zip);
  return out;
}

// The content, or why it is refused.
std::string read(const std::string& path, Kind& kind) {
  const auto content = platform::read_unpacked(path, kBounds);
  kind = content ? Kind{} : content.error().kind;
  return content ? std::string(as_text(content.value())) : content.error().text;
}
bool unfit(const std::string& path, std::string_view why) {
  Kind kind{};
  const std::string text = read(path, kind);
  return kind == Kind::unfit && text.find(why) != std::string::npos;
}

std::string some_text() {
  std::string text;
  for (int i = 0; i < 20'000; ++i) {
    text += std::to_string(i * 7919) + "\n";
  }
  return text;
}

}  // namespace

TEST_CASE("a recording is read plain, packed once or more, and one that ends too soon is not") {
  const Folder folder;
  Kind kind{};
  const std::string text = some_text();
  const std::string zip = packed(text);
  CHECK(read(folder.put(text), kind) == text);
  CHECK(read(folder.put(zip), kind) == text);
  CHECK(read(folder.put(zip + zip + std::string(512, '\0')), kind) == text + text);
  CHECK(read(folder.put("\x1f"), kind) == "\x1f");
  CHECK(read(folder.put(""), kind).empty());
  for (const std::size_t cut :
       {std::size_t{2}, std::size_t{11}, zip.size() / 2, zip.size() - 8, zip.size() - 1}) {
    CHECK_MESSAGE(unfit(folder.put(zip.substr(0, cut)),
                        "ends too soon: " + std::to_string(cut) + " bytes unpack to"),
                  cut);
    CHECK(unfit(folder.put(zip + zip.substr(0, cut)), "ends too soon"));
  }
  CHECK(unfit(folder.put(zip.substr(0, zip.size() - 8) + "\1\2\3\4" + zip.substr(zip.size() - 4)),
              "is damaged before byte"));
  CHECK(unfit(folder.put(zip + "rest"), "at byte " + std::to_string(zip.size())));
  CHECK(unfit(folder.put("\x1f\x8b garbage that is no gzip"), "is damaged before byte"));
}

TEST_CASE("what unpacks to more than a bound is left unread, whatever it would be") {
  const Folder folder;
  CHECK(unfit(folder.put(packed(std::string(900'000, 'x'))), "more than 20 times its size"));
  CHECK(unfit(folder.put(std::string((1 << 20) + 1, 'x')), "more than 1 MiB"));
  Kind kind{};
  CHECK(read(folder.put(packed(std::string(60'000, 'x'))), kind).size() == 60'000);
}

TEST_CASE(
    "a folder and a device are no recordings, a pipe is one, and what is not there is absent") {
  const Folder folder;
  Kind kind{};
  CHECK(unfit(folder.path, "it is a folder"));
  CHECK(unfit("/dev/zero", "it is a device"));
  read(folder.path + "/nothing", kind);
  CHECK(kind == Kind::absent);
  const std::string pipe = folder.path + "/pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  const std::string zip = packed(some_text());
  std::thread writer([&] {
    const platform::Fd out(::open(pipe.c_str(), O_WRONLY | O_CLOEXEC));
    for (const char c : zip.substr(0, 20)) {  // single bytes at first
      REQUIRE(::write(out.get(), &c, 1) == 1);
      ::usleep(200);
    }
    REQUIRE(::write(out.get(), zip.data() + 20, zip.size() - 20) ==
            static_cast<ssize_t>(zip.size() - 20));
  });
  CHECK(read(pipe, kind) == some_text());
  writer.join();
  // Readers of plain files refuse it at once.
  CHECK(platform::read_file(pipe, 100).error() == platform::kNotPlain);
  CHECK(platform::read_text_file(pipe, 100) == std::nullopt);
  CHECK(platform::Folder(folder.path).open("pipe", platform::OpenFor::reading).error() ==
        platform::kNotPlain);
}
