#include "platform/unpacked_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <memory>
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

std::string gzip(std::string_view text) {
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

std::string zstd(std::string_view text, bool checked = true, std::size_t first = 0) {
  const std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> made(::ZSTD_createCCtx(),
                                                                     ::ZSTD_freeCCtx);
  ::ZSTD_CCtx_setParameter(made.get(), ZSTD_c_checksumFlag, checked ? 1 : 0);
  std::string out(::ZSTD_compressBound(text.size()) + 64, '\0');
  ZSTD_inBuffer from{text.data(), first, 0};
  ZSTD_outBuffer to{out.data(), out.size(), 0};
  // In two steps, so that its header gives a window instead of the size.
  REQUIRE(::ZSTD_compressStream2(made.get(), &to, &from, ZSTD_e_flush) == 0);
  from.size = text.size();
  REQUIRE(::ZSTD_compressStream2(made.get(), &to, &from, ZSTD_e_end) == 0);
  out.resize(to.pos);
  return out;
}

struct PackedBy {
  std::string (*pack)(std::string_view);
  std::string name, magic;
};
const PackedBy kPackings[] = {
    {gzip, "gzip", "\x1f\x8b"},
    {[](std::string_view text) { return zstd(text); }, "zstd", "\x28\xb5\x2f\xfd"}};

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
  CHECK(read(folder.put(text), kind) == text);
  CHECK(read(folder.put(""), kind).empty());
  for (const PackedBy& by : kPackings) {
    CAPTURE(by.name);
    const std::string zip = by.pack(text);
    CHECK(read(folder.put(zip), kind) == text);
    CHECK(read(folder.put(zip + zip + std::string(512, '\0')), kind) == text + text);
    CHECK(read(folder.put(by.magic.substr(0, 1)), kind) == by.magic.substr(0, 1));
    CHECK(read(folder.put(by.pack("")), kind).empty());
    for (const std::size_t cut :
         {std::size_t{4}, std::size_t{11}, zip.size() / 2, zip.size() - 8, zip.size() - 1}) {
      CHECK_MESSAGE(unfit(folder.put(zip.substr(0, cut)),
                          "its " + by.name + " data ends too soon: " + std::to_string(cut) +
                              " bytes unpack to"),
                    cut);
      CHECK(unfit(folder.put(zip + zip.substr(0, cut)), "ends too soon"));
    }
    std::string damaged = zip;
    damaged[zip.size() / 2] = static_cast<char>(damaged[zip.size() / 2] ^ 0x55);
    CHECK(unfit(folder.put(damaged), "is damaged before byte"));
    damaged = zip;
    damaged[zip.size() - (by.name == "gzip" ? 8 : 4)] ^= 1;  // its checksum
    CHECK(unfit(folder.put(damaged), "is damaged before byte"));
    CHECK(unfit(folder.put(zip + "rest"), "at byte " + std::to_string(zip.size())));
    CHECK(unfit(folder.put(by.magic + " garbage of this name"), "is damaged before byte"));
  }
}

TEST_CASE("zstd data may begin with a frame to be skipped, and look back 128 MiB at most") {
  const Folder folder;
  Kind kind{};
  const std::string text = some_text();
  const std::string skipped("\x5a\x2a\x4d\x18\x03\0\0\0abc", 11);
  CHECK(read(folder.put(skipped + zstd(text) + skipped), kind) == text);
  // Its last block is read when only a part of it has room.
  const std::string longer = (text + text + text).substr(0, 300'000);
  CHECK(read(folder.put(zstd(longer, false, 100'000)), kind) == longer);
  std::string far = zstd(text);
  far[5] = static_cast<char>((27 - 10) << 3);  // the window's bits, RFC 8878, 3.1.1.1.2
  CHECK(read(folder.put(far), kind) == text);
  far[5] = static_cast<char>((28 - 10) << 3);
  CHECK(unfit(folder.put(far), "looks back more than 128 MiB"));
}

TEST_CASE("what unpacks to more than a bound is left unread, whatever it would be") {
  const Folder folder;
  Kind kind{};
  CHECK(unfit(folder.put(std::string((1 << 20) + 1, 'x')), "more than 1 MiB"));
  for (const PackedBy& by : kPackings) {
    CHECK(unfit(folder.put(by.pack(std::string(900'000, 'x'))), "more than 20 times its size"));
    CHECK(read(folder.put(by.pack(std::string(60'000, 'x'))), kind).size() == 60'000);
  }
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
  const std::string zip = gzip(some_text());
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
