// Functions of the product wrapped, for tests of the mirror (linked with --wrap). While the
// file VED_SLOW_IMAGE names is there, an image is not done; while the file VED_STALL names is
// there, the mirror replays nothing; when the file VED_END_MIRROR is there, its thread ends; of
// batch VED_FLIP_AT it sees, once, a time with one bit flipped; when the file VED_FLIP_MIRROR or
// VED_FLIP_ENGINE is there, that side flips one bit of its first track, in the field that the file
// names, and removes the file; each state that is frozen adds the name of its thread to the file
// VED_FREEZES; while the file VED_SLOW_DISK names is there, the journal's writes do not end.
#include <fcntl.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "core/engine/shard.hpp"
#include "edge/image/image.hpp"
#include "model/batch.hpp"

namespace vedette {

// As the linker names them; a member's first argument is its object.
Bytes real_replay(engine::Shard*, Bytes, Lane&) __asm__(
    "__real__ZN7vedette6engine5Shard6replayESt4spanIKhLm18446744073709551615EERNS_4LaneE");
Bytes replay(engine::Shard*, Bytes, Lane&) __asm__(
    "__wrap__ZN7vedette6engine5Shard6replayESt4spanIKhLm18446744073709551615EERNS_4LaneE");
Bytes real_step(engine::Shard*, std::span<Lane* const>, Lane&, std::int64_t, std::int64_t, const engine::Urgency&, const engine::Effects&) __asm__(
    "__real__ZN7vedette6engine5Shard4stepESt4spanIKPNS_4LaneELm18446744073709551615EERS3_"
    "llRKNS0_7UrgencyERKNS0_7EffectsE");
Bytes step(engine::Shard*, std::span<Lane* const>, Lane&, std::int64_t, std::int64_t, const engine::Urgency&, const engine::Effects&) __asm__(
    "__wrap__ZN7vedette6engine5Shard4stepESt4spanIKPNS_4LaneELm18446744073709551615EERS3_"
    "llRKNS0_7UrgencyERKNS0_7EffectsE");
void real_freeze(const engine::Shard*,
                 Freezer&) __asm__("__real__ZNK7vedette6engine5Shard6freezeERNS_7FreezerE");
void freeze(const engine::Shard*,
            Freezer&) __asm__("__wrap__ZNK7vedette6engine5Shard6freezeERNS_7FreezerE");
int real_write_image(image::ImageWriter*, image::ImagePosition, Bytes, std::span<const FrozenTrack>) __asm__(
    "__real__ZN7vedette5image11ImageWriter5writeENS0_13ImagePositionESt4spanIKhLm"
    "18446744073709551615EES3_IKNS_11FrozenTrackELm18446744073709551615EE");
int write_image(image::ImageWriter*, image::ImagePosition, Bytes, std::span<const FrozenTrack>) __asm__(
    "__wrap__ZN7vedette5image11ImageWriter5writeENS0_13ImagePositionESt4spanIKhLm"
    "18446744073709551615EES3_IKNS_11FrozenTrackELm18446744073709551615EE");
extern "C" int __real_fdatasync(int file);  // NOLINT(bugprone-reserved-identifier)
extern "C" int __wrap_fdatasync(int file);  // NOLINT(bugprone-reserved-identifier)

namespace {

std::string thread_name() {
  char name[16] = {};
  ::pthread_getname_np(::pthread_self(), name, sizeof name);
  return name;
}

bool there(const char* variable) {
  const char* path = std::getenv(variable);
  return path != nullptr && ::access(path, F_OK) == 0;
}

void flip(const engine::Shard& shard, const char* variable) {
  if (!there(variable)) {
    return;
  }
  char word[16] = {};
  const int file = ::open(std::getenv(variable), O_RDONLY);
  const auto read = ::read(file, word, sizeof word - 1);
  ::close(file);
  ::unlink(std::getenv(variable));
  auto& track = const_cast<Track&>(shard.tracks()[0]);
  if (read > 0 && std::strcmp(word, "updates") == 0) {
    track.updates ^= 1U << 20;
  } else {
    track.callsign[15] ^= 1;  // which nothing reads
  }
}

}  // namespace

Bytes step(engine::Shard* shard, std::span<Lane* const> lanes, Lane& batches, std::int64_t now_ns,
           std::int64_t arrival_ns, const engine::Urgency& urgency,
           const engine::Effects& effects) {
  flip(*shard, "VED_FLIP_ENGINE");
  return real_step(shard, lanes, batches, now_ns, arrival_ns, urgency, effects);
}

Bytes replay(engine::Shard* shard, Bytes recorded, Lane& batches) {
  if (thread_name() != "mirror") {
    return real_replay(shard, recorded, batches);
  }
  while (there("VED_STALL")) {
    ::usleep(1000);
  }
  if (there("VED_END_MIRROR")) {
    ::syscall(SYS_exit, 0);  // of this thread alone, with all that it holds
  }
  flip(*shard, "VED_FLIP_MIRROR");
  static bool flipped = false;
  const char* at = std::getenv("VED_FLIP_AT");
  auto header = payload_as<BatchHeader>(recorded.first(sizeof(BatchHeader)));
  if (flipped || at == nullptr || header.number != std::strtoull(at, nullptr, 10)) {
    return real_replay(shard, recorded, batches);
  }
  flipped = true;
  std::vector<std::uint8_t> copy(recorded.begin(), recorded.end());
  header.admitted_ns ^= 1;
  std::memcpy(copy.data(), &header, sizeof header);
  return real_replay(shard, copy, batches);
}

void freeze(const engine::Shard* shard, Freezer& out) {
  if (const char* path = std::getenv("VED_FREEZES"); path != nullptr) {
    // Without memory, which a sealed thread must not take.
    const std::string line = thread_name() + "\n";
    const int file = ::open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (::write(file, line.data(), line.size()) < 0) {
      std::abort();
    }
    ::close(file);
  }
  real_freeze(shard, out);
}

int write_image(image::ImageWriter* writer, image::ImagePosition position, Bytes state,
                std::span<const FrozenTrack> tracks) {
  while (thread_name() == "image" && there("VED_SLOW_IMAGE")) {
    ::usleep(1000);
  }
  return real_write_image(writer, position, state, tracks);
}

int __wrap_fdatasync(int file) {
  while (thread_name() == "journal" && there("VED_SLOW_DISK")) {
    ::usleep(200'000);  // so that it ends late, and the next one meets a disk that is slow again
  }
  return __real_fdatasync(file);
}

}  // namespace vedette
