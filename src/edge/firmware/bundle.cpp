#include "edge/firmware/bundle.hpp"

#include <algorithm>
#include <cstring>

#include "base/text.hpp"
#include "platform/signature.hpp"

namespace vedette::firmware {
namespace {

constexpr char kMagic[] = "VDTUPDT1";
constexpr std::size_t kFrontBytes = 16;  // magic, manifest bytes, signature bytes
constexpr std::size_t kMostManifest = std::size_t{256} << 10;
constexpr std::size_t kMostSignature = 512;
constexpr std::uint64_t kMostImage = std::uint64_t{1} << 30;

std::size_t chunks_in(std::uint64_t bytes) {
  return static_cast<std::size_t>((bytes + platform::kChunkBytes - 1) / platform::kChunkBytes);
}

bool parse_hash(std::string_view text, platform::Sha256& out) {
  return parse_hex(text, out);
}

}  // namespace

std::string_view name_of(Refusal refusal) {
  constexpr std::array<std::string_view, static_cast<std::size_t>(Refusal::count)> kNames = {
      "none",      "unreadable",       "not-a-bundle",    "truncated",       "bad-signature",
      "no-key",    "bad-manifest",     "damaged",         "wrong-board",     "too-old",
      "too-large", "drops-update-key", "drops-addresses", "trial-under-way", "restart-first",
      "no-slots",  "write-failed"};
  return kNames[static_cast<std::size_t>(refusal)];
}

bool parse_manifest(std::string_view text, Manifest& out) {
  out = {};
  unsigned seen = 0;
  while (!text.empty()) {
    std::string_view value = next_field(text, '\n');
    const std::string_view key = next_field(value, ' ');
    const auto number = [&](std::uint64_t& into, unsigned bit) {
      const auto parsed = parse_unsigned(value);
      into = parsed.value_or(0);
      seen |= parsed ? 1U << bit : 0U;
      return parsed.has_value();
    };
    std::uint64_t other = 0;
    bool good = false;
    if (key == "format") {
      good = number(other, 0) && other == 1;
    } else if (key == "board") {
      out.board = value;
      seen |= 2U;
      good = !value.empty() && value.size() < 32;
    } else if (key == "version") {
      good = number(out.version, 2) && out.version != 0;
    } else if (key == "minimum_version") {
      good = number(out.minimum_version, 3);
    } else if (key == "never_before") {
      // Optional, so that a version without this rule still refuses bundles that need it.
      good = number(out.never_before, 7) && out.never_before <= out.version;
    } else if (key == "bytes") {
      good = number(out.bytes, 4) && out.bytes != 0 && out.bytes <= kMostImage;
    } else if (key == "crc32") {
      good = number(other, 5) && other <= 0xFFFFFFFFU;
      out.image_crc32 = static_cast<std::uint32_t>(other);
    } else if (key == "sha256") {
      good = parse_hash(value, out.image);
      seen |= 1U << 6;
    } else if (key == "chunk") {
      out.chunks.emplace_back();
      good = parse_hash(value, out.chunks.back());
    }
    if (!good) {
      return false;
    }
  }
  return (seen & 0x7F) == 0x7F && out.chunks.size() == chunks_in(out.bytes);
}

Refusal Bundle::open(const std::string& path, std::string_view public_key_pem) {
  if (public_key_pem.empty()) {
    return Refusal::no_key;
  }
  if (device_.open(path, false) != 0) {
    return Refusal::unreadable;
  }
  const auto bytes = device_.bytes();
  if (!bytes) {
    return Refusal::unreadable;
  }
  platform::BlockBuffer buffer(
      align_up(kFrontBytes + kMostManifest + kMostSignature, platform::kBlockBytes));
  // A file may end inside a block; a device has whole blocks.
  const std::uint64_t front = std::min<std::uint64_t>(bytes.value(), buffer.span().size());
  const std::span<std::uint8_t> there = buffer.span().first(
      static_cast<std::size_t>(front / platform::kBlockBytes) * platform::kBlockBytes);
  if (there.empty()) {
    return Refusal::truncated;
  }
  if (device_.read(0, there) != 0) {
    return Refusal::unreadable;
  }
  if (std::memcmp(there.data(), kMagic, 8) != 0) {
    return Refusal::not_a_bundle;
  }
  const std::size_t manifest = load_le<std::uint32_t>(there.data() + 8);
  const std::size_t signature = load_le<std::uint32_t>(there.data() + 12);
  if (manifest > kMostManifest || signature > kMostSignature) {
    return Refusal::not_a_bundle;
  }
  if (kFrontBytes + manifest + signature > there.size()) {
    return Refusal::truncated;
  }
  const Bytes signed_part = there.subspan(kFrontBytes, manifest);
  switch (platform::verify_signature(public_key_pem, signed_part,
                                     there.subspan(kFrontBytes + manifest, signature))) {
    case platform::Signature::no_key:
      return Refusal::no_key;
    case platform::Signature::bad:
      return Refusal::bad_signature;
    case platform::Signature::good:
      break;
  }
  if (!parse_manifest(as_text(signed_part), manifest_)) {
    return Refusal::bad_manifest;
  }
  image_at_ = align_up(kFrontBytes + manifest + signature, platform::kBlockBytes);
  return image_at_ + manifest_.bytes <= bytes.value() ? Refusal::none : Refusal::truncated;
}

Refusal Bundle::read_chunk(std::size_t index, std::span<std::uint8_t> buffer, Bytes& chunk) const {
  const std::uint64_t at = std::uint64_t{index} * platform::kChunkBytes;
  const auto bytes = static_cast<std::size_t>(
      std::min<std::uint64_t>(platform::kChunkBytes, manifest_.bytes - at));
  // A file's last block may be short.
  const std::size_t direct = bytes / platform::kBlockBytes * platform::kBlockBytes;
  if (direct != 0 && device_.read(image_at_ + at, buffer.first(direct)) != 0) {
    return Refusal::unreadable;
  }
  if (direct != bytes &&
      device_.read_end(image_at_ + at + direct, buffer.subspan(direct, platform::kBlockBytes),
                       bytes - direct) != 0) {
    return Refusal::unreadable;
  }
  chunk = buffer.first(bytes);
  return platform::sha256(chunk) == manifest_.chunks[index] ? Refusal::none : Refusal::damaged;
}

}  // namespace vedette::firmware
