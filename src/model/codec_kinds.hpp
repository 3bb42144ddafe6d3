// Purpose: the table of codecs: names, framing, and the text of docs/reference/codecs.md. The
// decoding classes are in the same order in edge/codec/codecs.hpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>

namespace vedette {

// Compiled plans hold these numbers: add a new codec at the end.
enum class CodecKind : std::uint8_t { nmea0183, n2k, mavlink, adsb, asterix, count };
inline constexpr std::size_t kCodecKinds = static_cast<std::size_t>(CodecKind::count);

enum class Framing : std::uint8_t {
  lines,  // text, or text and binary frames
  bytes   // binary frames
};

struct CodecFacts {
  CodecKind kind;
  std::string_view name;
  std::string_view also;  // another name for it in site files, or ""
  Framing framing;
  std::string_view reads, messages, standard;
  bool timed_frames = false;  // in files a time may come before each frame (tlog)
  bool beast = false;         // binary frames (Beast) instead of lines, too
  bool on_can = false;        // frames of a CAN bus, as candump writes them
};

inline constexpr CodecFacts kCodecs[] = {
    {CodecKind::nmea0183, "nmea0183", "ais", Framing::lines, "lines, checksum required",
     "RMC GGA GNS GSV GLL VTG ZDA; HDT HDG HDM THS ROT VHW; MWV MWD; DPT DBT DBS DBK; TTM TLL; "
     "AIVDM/AIVDO in up to 9 parts, types 1-5 9 14 18 19 21 24 27",
     "NMEA 0183 v4.10, ITU-R M.1371-5"},
    {CodecKind::n2k, "n2k", "", Framing::lines,
     "lines of canboat (PLAIN, FAST), candump, Yacht Devices RAW, Actisense N2K ASCII, iKonvert, "
     "Signal K's raw log, Actisense's binary frames (NGT-1); fast packets whole or in frames",
     "PGN 129025 129026 129029 127250 127258 128259 130306 129038 129039 129794 129809 129810",
     "NMEA 2000 appendix B", false, false, true},
    {CodecKind::mavlink, "mavlink", "", Framing::bytes,
     "version 1 and 2 frames of all public dialects",
     "HEARTBEAT SYS_STATUS GPS_RAW_INT GLOBAL_POSITION_INT ATTITUDE", "mavlink.io", true},
    {CodecKind::adsb, "adsb", "", Framing::lines,
     "AVR text (`*` `:` `@` `%` `<`), bare hex, Beast binary",
     "DF17 and DF18 identification, airborne and surface position (global and local CPR), "
     "velocity, emergency and squawk",
     "ICAO annex 10 vol. IV, DO-260B", false, true},
    {CodecKind::asterix, "asterix", "", Framing::bytes,
     "data blocks one behind the other (in a stream up to 4,096 bytes each), FINAL records",
     "categories 010 034 048 062 065; others are refused as `unknown-category`",
     "EUROCONTROL SPEC-149 parts 2b 4 7 9 15"},
};

constexpr const CodecFacts& facts_of(CodecKind kind) {
  return kCodecs[static_cast<std::size_t>(kind)];
}
constexpr std::string_view name_of(CodecKind kind) {
  return facts_of(kind).name;
}
constexpr std::optional<CodecKind> codec_named(std::string_view name) {
  for (const CodecFacts& codec : kCodecs) {
    if (!name.empty() && (name == codec.name || name == codec.also)) {
      return codec.kind;
    }
  }
  return std::nullopt;
}

// Every name of every codec, each followed by a space; read it through codec_names().
inline constexpr auto kCodecNames = [] {
  constexpr std::size_t kBytes = [] {
    std::size_t bytes = 0;
    for (const CodecFacts& codec : kCodecs) {
      bytes += codec.name.size() + 1 + (codec.also.empty() ? 0 : codec.also.size() + 1);
    }
    return bytes;
  }();
  std::array<char, kBytes> text{};
  std::size_t at = 0;
  for (const CodecFacts& codec : kCodecs) {
    for (const std::string_view name : {codec.name, codec.also}) {
      for (const char c : name) {
        text[at++] = c;
      }
      if (!name.empty()) {
        text[at++] = ' ';
      }
    }
  }
  return text;
}();
// "nmea0183 ais n2k …": the names that site files and commands accept.
constexpr std::string_view codec_names() {
  return {kCodecNames.data(), kCodecNames.size() - 1};
}

static_assert(
    std::size(kCodecs) == kCodecKinds &&
        [] {
          for (std::size_t i = 0; i < kCodecKinds; ++i) {
            if (static_cast<std::size_t>(kCodecs[i].kind) != i || kCodecs[i].name.empty()) {
              return false;
            }
          }
          return true;
        }(),
    "each codec has one row, in the order of the numbers");

}  // namespace vedette
