// Functions of the product wrapped, for tests of the mirror (linked with --wrap). While the
// file VED_SLOW_IMAGE names is there, an image is not done; while the file VED_STALL names is
// there, the mirror replays nothing; of batch VED_FLIP_AT it sees a time with one bit flipped; each
// state that is frozen adds the name of its thread to the file VED_FREEZES; while the file
// VED_SLOW_DISK names is there, the journal's writes do not end.
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "core/engine/shard.hpp"
#include "edge/image/image.hpp"
#include "model/batch.hpp"
#include "platform/ring.hpp"

namespace vedette {

// As the linker names them; a member's first argument is its object.
Bytes real_replay(engine::Shard*, Bytes, Lane&) __asm__(
    "__real__ZN7vedette6engine5Shard6replayESt4spanIKhLm18446744073709551615EERNS_4LaneE");
Bytes replay(engine::Shard*, Bytes, Lane&) __asm__(
    "__wrap__ZN7vedette6engine5Shard6replayESt4spanIKhLm18446744073709551615EERNS_4LaneE");
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
std::size_t
real_harvest_wait(platform::Ring*, std::span<platform::Completion>, std::int64_t, unsigned) __asm__(
    "__real__ZN7vedette8platform4Ring12harvest_"
    "waitESt4spanINS0_10CompletionELm18446744073709551"
    "615EElj");
std::size_t
harvest_wait(platform::Ring*, std::span<platform::Completion>, std::int64_t, unsigned) __asm__(
    "__wrap__ZN7vedette8platform4Ring12harvest_"
    "waitESt4spanINS0_10CompletionELm18446744073709551615"
    "EElj");

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

}  // namespace

Bytes replay(engine::Shard* shard, Bytes recorded, Lane& batches) {
  if (thread_name() != "mirror") {
    return real_replay(shard, recorded, batches);
  }
  while (there("VED_STALL")) {
    ::usleep(1000);
  }
  const char* at = std::getenv("VED_FLIP_AT");
  auto header = payload_as<BatchHeader>(recorded.first(sizeof(BatchHeader)));
  if (at == nullptr || header.number != std::strtoull(at, nullptr, 10)) {
    return real_replay(shard, recorded, batches);
  }
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

std::size_t harvest_wait(platform::Ring* ring, std::span<platform::Completion> out,
                         std::int64_t timeout_ns, unsigned least) {
  if (thread_name() == "journal" && there("VED_SLOW_DISK")) {
    ::usleep(static_cast<useconds_t>(timeout_ns / 1000));
    return 0;
  }
  return real_harvest_wait(ring, out, timeout_ns, least);
}

}  // namespace vedette
