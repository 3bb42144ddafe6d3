// The belief image: it reads back as written, its tracks are the engine's, and nothing that a disk
// changed is believed.
#include "edge/image/image.hpp"

#include <lmdb.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "shard_in_memory.hpp"
#include "small_site.hpp"
#include "test.hpp"

using namespace vedette;
using namespace vedette::tests;

namespace {

class Folder {
 public:
  Folder() {
    char name[] = "/tmp/vedette-image-XXXXXX";
    path_ = ::mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }
  std::string image() const { return path_ + "/belief.mdb"; }

 private:
  std::string path_;
};

// Some ships, and an engine's frozen state of them.
struct Watched {
  Watched() {
    plan = small_site(bytes);
    REQUIRE(plan != nullptr);
    engine = std::make_unique<ShardInMemory>(*plan);
    for (int i = 0; i < 8; ++i) {
      for (std::uint64_t mmsi = 30; mmsi > 10; mmsi -= 2) {
        engine->put(ship(mmsi, i * 5), kStart + i * kSecond);
      }
      while (!engine->step(kStart + i * kSecond).empty()) {
      }
    }
    state.resize(engine::frozen_bytes_bound(*plan));
    Freezer freezer(state);
    engine->shard().freeze(freezer);
    state.resize(freezer.used());
    position.batch = engine->shard().progress().batch_number;
    position.digest = engine->shard().progress().digest;
  }
  std::vector<std::uint8_t> bytes, state;
  const plan::Plan* plan = nullptr;
  std::unique_ptr<ShardInMemory> engine;
  image::ImagePosition position{};
};

// With LMDB alone, as any reader would.
std::map<std::uint64_t, Track> tracks_in(const std::string& path) {
  std::map<std::uint64_t, Track> tracks;
  MDB_env* env = nullptr;
  MDB_txn* txn = nullptr;
  MDB_dbi dbi = 0;
  MDB_cursor* cursor = nullptr;
  REQUIRE(::mdb_env_create(&env) == 0);
  REQUIRE(::mdb_env_set_maxdbs(env, 4) == 0);
  REQUIRE(::mdb_env_open(env, path.c_str(), MDB_NOSUBDIR | MDB_NOLOCK | MDB_RDONLY, 0) == 0);
  REQUIRE(::mdb_txn_begin(env, nullptr, MDB_RDONLY, &txn) == 0);
  REQUIRE(::mdb_dbi_open(txn, "tracks", 0, &dbi) == 0);
  REQUIRE(::mdb_cursor_open(txn, dbi, &cursor) == 0);
  MDB_val key, value;
  while (::mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
    std::uint64_t number = 0;
    REQUIRE(key.mv_size == sizeof number);
    REQUIRE(value.mv_size == sizeof(Track));
    std::memcpy(&number, key.mv_data, sizeof number);
    std::memcpy(&tracks[number], value.mv_data, sizeof(Track));
  }
  ::mdb_cursor_close(cursor);
  ::mdb_txn_abort(txn);
  ::mdb_env_close(env);
  return tracks;
}

}  // namespace

TEST_CASE("the tracks of an image are the engine's, under their keys") {
  const Watched watched;
  const Folder folder;
  image::ImageWriter writer;
  writer.init(folder.path(), 16 << 20, 32);
  for (int i = 0; i < 3; ++i) {  // each write makes a new file
    REQUIRE(writer.write(watched.position, watched.state, engine::frozen_tracks(watched.state)) ==
            0);
  }
  const auto read = tracks_in(folder.image());
  const TrackTable& tracks = watched.engine->shard().tracks();
  CHECK(read.size() == 10);
  CHECK(read.size() == tracks.size());
  for (const auto& [key, track] : read) {
    const std::uint32_t at = tracks.find(key);
    REQUIRE(at != TrackTable::kNone);
    CHECK(std::memcmp(&track, &tracks[at], sizeof track) == 0);
  }
  image::ImagePosition position{};
  CHECK(image::check_image(folder.image(), position) == "");
  CHECK(position.batch == watched.position.batch);
  CHECK(position.digest == watched.position.digest);
  CHECK(position.state_bytes == watched.state.size());
}

TEST_CASE("no changed bit of an image's state verifies") {
  const Watched watched;
  const Folder folder;
  image::ImageWriter writer;
  writer.init(folder.path(), 16 << 20, 32);
  REQUIRE(writer.write(watched.position, watched.state, engine::frozen_tracks(watched.state)) == 0);
  std::vector<char> file;
  {
    std::ifstream in(folder.image(), std::ios::binary);
    file.assign(std::istreambuf_iterator<char>(in), {});
  }
  const auto* state = reinterpret_cast<const char*>(watched.state.data());
  const auto at = std::search(file.begin(), file.end(), state, state + watched.state.size());
  REQUIRE(at != file.end());
  image::ImagePosition position{};
  for (std::size_t i = 0; i < watched.state.size(); i += 61) {
    at[static_cast<std::ptrdiff_t>(i)] ^= static_cast<char>(1 << i % 8);
    std::ofstream(folder.image(), std::ios::binary)
        .write(file.data(), static_cast<std::streamsize>(file.size()));
    CHECK(image::check_image(folder.image(), position) == "its state does not match its checksum");
    at[static_cast<std::ptrdiff_t>(i)] ^= static_cast<char>(1 << i % 8);
  }
}

TEST_CASE("an image of many tracks needs no more room than is said before") {
  const Folder folder;
  constexpr std::size_t kTracks = 20000;
  std::vector<FrozenTrack> tracks(kTracks);
  for (std::size_t i = 0; i < kTracks; ++i) {
    tracks[i].track.key = track_key(IdentityKind::vessel, i * 7919 % 1000003);
  }
  const Bytes state(reinterpret_cast<const std::uint8_t*>(tracks.data()),
                    tracks.size() * sizeof(FrozenTrack));
  const std::uint64_t needed = image::ImageWriter::file_bytes_needed(state.size(), kTracks);
  image::ImageWriter writer;
  writer.init(folder.path(), needed, kTracks);
  CHECK(writer.write({}, state, tracks) == 0);
  const auto bytes = std::filesystem::file_size(folder.image());
  CHECK(bytes < needed);
  CHECK(bytes > needed / 10 * 7);
  image::ImagePosition position{};
  CHECK(image::check_image(folder.image(), position) == "");
  image::ImageWriter small;
  small.init(folder.path(), needed / 2, kTracks);
  CHECK(small.write({}, state, tracks) == MDB_MAP_FULL);
  CHECK(image::check_image(folder.image(), position) == "");  // the last one stays
}

TEST_CASE("a run that ends while it writes an image is not the third to do so") {
  const Watched watched;
  const Folder folder;
  const auto run = [&](bool ends) {
    image::ImageWriter writer;
    writer.init(folder.path(), 16 << 20, 32);
    const int error =
        writer.write(watched.position, watched.state, engine::frozen_tracks(watched.state));
    if (ends) {
      std::ofstream(folder.image() + ".new") << "unfinished";
    }
    return error;
  };
  CHECK(run(true) == 0);
  // From here on the disk kills every writer in mid-write.
  std::filesystem::rename(folder.image() + ".new", folder.image() + ".unfinished");
  std::ofstream(folder.image() + ".new") << "unfinished";
  CHECK(run(false) == ECANCELED);
  CHECK(run(false) == 0);  // the run after that tries again
  CHECK(run(false) == 0);
  CHECK(!std::filesystem::exists(folder.image() + ".unfinished"));
}
