// Purpose: frozen state as a container of named sections, so that each room's bytes carry their own
// version and a reader finds a room by name, not by position.
//
//   u32 magic "VDTS" | u16 version | u16 sections | u64 bytes of the whole
//   each section: char room[16] | u32 version | u32 bytes | bytes, padded with zeros to 8
//
// Numbers are little-endian. Sections begin at multiples of 8. Bound: the span given.
// Fails as: damaged input is an operating error; a reader reports what is wrong.
#pragma once

#include <array>
#include <cstring>
#include <string_view>

#include "base/freeze.hpp"

namespace vedette {

struct SectionName {
  std::string_view room;  // at most 15 characters
  std::uint32_t version;  // of the layout of its bytes and of what they mean
};

inline constexpr std::uint32_t kSectionsMagic = 0x53544456;  // "VDTS"
inline constexpr std::uint16_t kSectionsVersion = 1;

struct SectionsHeader {
  std::uint32_t magic;
  std::uint16_t version;
  std::uint16_t sections;
  std::uint64_t bytes;
};
struct SectionHeader {
  char room[16];
  std::uint32_t version;
  std::uint32_t bytes;
};
static_assert(sizeof(SectionsHeader) == 16 && sizeof(SectionHeader) == 24);

// The most that a section adds to its own bytes.
inline constexpr std::size_t kSectionOverhead = sizeof(SectionHeader) + 7;

class SectionWriter {
 public:
  explicit SectionWriter(Freezer& out) : out_(&out), begin_(out.used()) { out.put(header_); }

  template <typename Put>
  void section(const SectionName& name, Put&& put) {
    SectionHeader header{};
    std::memcpy(header.room, name.room.data(), name.room.size());
    header.version = name.version;
    const std::size_t at = out_->used();
    out_->put(header);
    put(*out_);
    header.bytes = static_cast<std::uint32_t>(out_->used() - at - sizeof header);
    out_->patch(at, header);
    constexpr std::array<std::uint8_t, 8> kZeros{};
    out_->put_bytes(Bytes(kZeros).first((8 - header.bytes % 8) % 8));
    ++header_.sections;
  }
  void end() {
    header_.bytes = out_->used() - begin_;
    out_->patch(begin_, header_);
  }

 private:
  Freezer* out_;
  std::size_t begin_;
  SectionsHeader header_{kSectionsMagic, kSectionsVersion, 0, 0};
};

class SectionReader {
 public:
  // Reads the container at `from`; ok() is false for anything that is no container of this version.
  explicit SectionReader(Bytes from) {
    Thawer in(from);
    const auto header = in.get<SectionsHeader>();
    whole_ = in.ok() && header.magic == kSectionsMagic && header.bytes == from.size();
    version_ = header.version;
    if (!ok()) {
      return;
    }
    from_ = from;
    std::size_t seen = 0;
    const bool walked = for_each([&](std::string_view, std::uint32_t, Bytes) { ++seen; });
    whole_ = walked && seen == header.sections;
  }

  bool ok() const { return whole_ && version_ == kSectionsVersion; }
  // A container of a version that this program does not know.
  bool other_version() const { return whole_ && version_ != kSectionsVersion; }

  struct Section {
    Bytes bytes;
    std::uint32_t version = 0;
    bool there = false;
  };
  // Ignores a section that occurs twice.
  Section find(std::string_view room) const {
    Section found;
    std::size_t times = 0;
    for_each([&](std::string_view name, std::uint32_t version, Bytes bytes) {
      if (name == room) {
        found = {bytes, version, true};
        ++times;
      }
    });
    return times == 1 ? found : Section{};
  }

  // Calls visit(room, version, bytes) in stored order; false when the container ends early.
  template <typename Visit>
  bool for_each(Visit&& visit) const {
    Thawer in(from_);
    in.get<SectionsHeader>();
    while (in.ok() && !in.at_end()) {
      const auto header = in.get<SectionHeader>();
      const Bytes bytes = in.get_bytes(header.bytes);
      in.get_bytes((8 - header.bytes % 8) % 8);
      if (!in.ok()) {
        break;
      }
      visit(std::string_view(header.room, strnlen(header.room, sizeof header.room)), header.version,
            bytes);
    }
    return in.at_end();
  }

 private:
  Bytes from_;
  std::uint16_t version_ = 0;
  bool whole_ = false;
};

}  // namespace vedette
