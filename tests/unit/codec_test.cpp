#include "edge/codec/codec.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "test.hpp"

using namespace vedette;
using namespace vedette::codec;

namespace {

struct Collected {
  std::vector<std::string> messages;
  std::vector<RefusalCause> refused;
};

Output collect(Collected& into) {
  return {&into,
          [](void* c, const Message& m, Bytes) {
            std::string text;
            JsonWriter<std::string> json(text);
            json.begin_object();
            describe(m, json);
            json.end_object();
            static_cast<Collected*>(c)->messages.push_back(text);
          },
          [](void* c, RefusalCause cause, Bytes) {
            static_cast<Collected*>(c)->refused.push_back(cause);
          }};
}

Collected decode(CodecKind kind, std::string_view text) {
  Collected all;
  Decoder decoder(kind);
  decoder.datagram(as_bytes(text), 1, collect(all));
  return all;
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

std::vector<std::uint8_t> mavlink2(std::uint32_t id, std::vector<std::uint8_t> payload,
                                   std::uint8_t extra) {
  while (payload.size() > 1 && payload.back() == 0) {
    payload.pop_back();
  }
  std::vector<std::uint8_t> f(10);
  f[0] = 0xFD;
  f[1] = static_cast<std::uint8_t>(payload.size());
  f[4] = 9;
  f[5] = 42;
  f[6] = 1;
  f[7] = static_cast<std::uint8_t>(id);
  f[8] = static_cast<std::uint8_t>(id >> 8);
  for (const std::uint8_t byte : payload) {
    f.push_back(byte);
  }
  const std::uint16_t crc = mavlink_crc(Bytes(f).subspan(1), extra);
  f.push_back(static_cast<std::uint8_t>(crc));
  f.push_back(static_cast<std::uint8_t>(crc >> 8));
  return f;
}

// A squitter with the parity that its content needs, perhaps of another format.
std::array<std::uint8_t, 14> sealed(std::string_view hex, std::uint8_t first = 0) {
  std::uint8_t read[14];
  REQUIRE(parse_avr(as_bytes(hex), read) == 14);
  std::array<std::uint8_t, 14> frame{};
  std::copy_n(read, 11, frame.begin());
  frame[0] = first != 0 ? first : frame[0];
  const std::uint32_t parity = modes_parity(frame);
  for (std::size_t i = 0; i < 3; ++i) {
    frame[11 + i] = static_cast<std::uint8_t>(parity >> (16 - 8 * i));
  }
  return frame;
}

std::string sentence(const std::string& body) {
  unsigned sum = 0;
  for (const char c : body) {
    sum ^= static_cast<unsigned char>(c);
  }
  constexpr char kDigits[] = "0123456789ABCDEF";
  return "!" + body + "*" + kDigits[sum >> 4] + kDigits[sum & 15] + "\n";
}

}  // namespace

TEST_CASE("a class A position is read from its sentence") {
  const auto got =
      decode(CodecKind::nmea0183, "!AIVDM,1,1,,A,15N1u<PP1FJuvSRHOE6QIwwh0HQ6,0*30\r\n");
  REQUIRE(got.messages.size() == 1);
  CHECK(has(got.messages[0], "\"mmsi\":367033650"));
  CHECK(has(got.messages[0], "\"lat\":42.798"));
}

TEST_CASE("messages in one part take no place from those that wait for their second") {
  Collected all;
  Decoder decoder(CodecKind::nmea0183);
  const auto hear = [&](const std::string& line) {
    decoder.datagram(as_bytes(line), 1, collect(all));
  };
  const std::string first =
      "AIVDM,2,1,#,A,55?MbV02;H;s<HtKR20EHE:0@T4@Dn2222222216L961O5Gf0NSQEp6ClRp8,0";
  const std::string second = "AIVDM,2,2,#,A,88888888880,2";
  const auto numbered = [](std::string text, char id) {
    text[text.find('#')] = id;
    return text;
  };
  for (char id = '0'; id < '8'; ++id) {
    hear(sentence(numbered(first, id)));
  }
  hear(sentence("AIVDM,1,1,,A,15RTgt0PAso;90TKcjM8h6g208CQ,0"));
  const std::size_t before = all.messages.size();
  for (char id = '0'; id < '8'; ++id) {
    hear(sentence(numbered(second, id)));
  }
  CHECK(all.refused.empty());
  CHECK(all.messages.size() == before + 8);
}

TEST_CASE("a character of armour has its value at each place, and any other is refused") {
  const std::string payload = "15N1u<PP1FJuvSRHOE6QIwwh0HQ6";
  for (const std::size_t place : {std::size_t{11}, std::size_t{19}, payload.size() - 2}) {
    for (int c = 1; c < 256; ++c) {
      const char character = static_cast<char>(c);
      if (std::string_view("\r\n*,!$\\").find(character) != std::string_view::npos) {
        continue;  // these end or begin something
      }
      std::string changed = payload;
      changed[place] = character;
      const auto whole = decode(CodecKind::nmea0183, sentence("AIVDM,1,1,,A," + changed + ",0"));
      const bool armour = (c >= '0' && c <= 'W') || (c >= '`' && c <= 'w');
      REQUIRE(whole.messages.size() == (armour ? 1U : 0U));
      if (!armour) {
        const bool text = (c >= ' ' && c < 0x7F) || c == '\t';
        CHECK(whole.refused[0] == (text ? RefusalCause::malformed : RefusalCause::framing));
        continue;
      }
      // Cuts shift the bit position of later characters; short parts take the slow path.
      for (const std::size_t cut : {std::size_t{3}, std::size_t{17}, std::size_t{22}}) {
        const auto parts = decode(CodecKind::nmea0183,
                                  sentence("AIVDM,2,1,1,A," + changed.substr(0, cut) + ",0") +
                                      sentence("AIVDM,2,2,1,A," + changed.substr(cut) + ",0"));
        REQUIRE(parts.messages.size() == 2);  // the first reports a kept part
        CHECK(parts.messages[1] == whole.messages[0]);
      }
    }
  }
  // A surplus field is ignored.
  CHECK(decode(CodecKind::nmea0183, sentence("AIVDM,1,1,,A," + payload + ",0,5")).messages.size() ==
        1);
  CHECK(decode(CodecKind::nmea0183, sentence("AIVDM,1,1,,A," + payload + ",6")).refused[0] ==
        RefusalCause::malformed);
}

TEST_CASE("each damage to a sentence has its own name") {
  CHECK(decode(CodecKind::nmea0183, "!AIVDM,1,1,,A,15N1u<PP1FJuvSRHOE6QIwwh0HQ6,0*31").refused[0] ==
        RefusalCause::checksum);
  CHECK(decode(CodecKind::nmea0183, "!AIVDM,1,1,,A,15N1u<PP1FJuvSRHOE6QIwwh0HQ6,0").refused[0] ==
        RefusalCause::checksum_missing);
  CHECK(decode(CodecKind::nmea0183, "hello").refused[0] == RefusalCause::framing);
  CHECK(decode(CodecKind::nmea0183, "!AIVDM,2,2,3,A,0000,0*15").refused[0] ==
        RefusalCause::multipart_missing);
  CHECK(decode(CodecKind::nmea0183, std::string(3000, 'x') + "\n").refused[0] ==
        RefusalCause::too_long);
}

TEST_CASE("GNSS sentences give own position; an invalid fix gives none") {
  const auto good = decode(CodecKind::nmea0183,
                           "$GPGGA,120000.00,5942.0000,N,02442.0000,E,1,08,1.2,3.0,M,,M,,*7B");
  const auto bad = decode(CodecKind::nmea0183, "$GPGLL,5942.0000,N,02442.0000,E,120000,V*27");
  REQUIRE(good.messages.size() + bad.messages.size() + good.refused.size() + bad.refused.size() ==
          2);
  if (!good.messages.empty()) {
    CHECK(has(good.messages[0], "\"lat\":59.7000000"));
  }
}

TEST_CASE("a MAVLink 2 frame with trailing zeros cut off is whole again") {
  std::vector<std::uint8_t> p(28, 0);
  const std::int32_t lat = 597000000, lon = 247000000;
  std::memcpy(p.data() + 4, &lat, 4);
  std::memcpy(p.data() + 8, &lon, 4);
  auto frame = mavlink2(33, p, 104);
  Collected all;
  Decoder decoder(CodecKind::mavlink);
  decoder.stream(Bytes(frame).first(7), 1, collect(all));  // in two pieces
  decoder.stream(Bytes(frame).subspan(7), 1, collect(all));
  REQUIRE(all.messages.size() == 1);
  CHECK(has(all.messages[0], "\"version\":2"));
  CHECK(has(all.messages[0], "\"lat\":59.7000000"));
  frame[12] ^= 1;
  Collected damaged;
  decoder.datagram(frame, 1, collect(damaged));
  REQUIRE(!damaged.refused.empty());
  CHECK(damaged.refused[0] == RefusalCause::checksum);
}

TEST_CASE("an even and an odd frame give the position of DO-260B's arithmetic") {
  std::vector<std::uint64_t> memory(AircraftTable::bytes_needed() / 8);
  Arena arena(memory.data(), memory.size() * 8);
  AircraftTable aircraft;
  aircraft.init(arena);
  AdsbDecoder decoder(&aircraft);
  std::uint8_t even[14], odd[14];
  REQUIRE(parse_avr(as_bytes("*8D40621D58C382D690C8AC2863A7;"), even) == 14);
  REQUIRE(parse_avr(as_bytes("8D40621D58C386435CC412692AD6"), odd) == 14);
  REQUIRE(decoder.frame(odd, 1'000'000'000));
  const auto m = decoder.frame(even, 2'000'000'000);
  REQUIRE(m);
  CHECK(m->has_position);
  CHECK(m->latitude == doctest::Approx(52.2572).epsilon(1e-6));
  CHECK(m->longitude == doctest::Approx(3.91937).epsilon(1e-5));
  CHECK(m->altitude == doctest::Approx(38000 * 0.3048));
  even[6] ^= 0x10;
  CHECK(decoder.frame(even, 3'000'000'000).error() == RefusalCause::checksum);
}

TEST_CASE("longitude zones change where the standard says") {
  CHECK(cpr_zones(0) == 59);
  CHECK(cpr_zones(10.4) == 59);
  CHECK(cpr_zones(10.5) == 58);
  CHECK(cpr_zones(59.9) == 30);
  CHECK(cpr_zones(86.9) == 2);
  CHECK(cpr_zones(-89) == 1);
}

TEST_CASE("a Beast stream is framed through its escapes, in any pieces") {
  std::uint8_t frame[14];
  REQUIRE(parse_avr(as_bytes("8D40621D58C382D690C8AC2863A7"), frame) == 14);
  std::vector<std::uint8_t> stream{0x1A, '3', 0, 0, 0x1A, 0x1A, 0, 0, 0, 9};
  for (const std::uint8_t b : frame) {
    stream.push_back(b);
    if (b == 0x1A) {
      stream.push_back(b);
    }
  }
  for (std::size_t cut = 1; cut < stream.size(); ++cut) {
    Collected all;
    Decoder decoder(CodecKind::adsb);
    decoder.stream(Bytes(stream).first(cut), 1, collect(all));
    decoder.stream(Bytes(stream).subspan(cut), 1, collect(all));
    REQUIRE(all.messages.size() == 1);
    CHECK(has(all.messages[0], "40621D"));
  }
}

TEST_CASE("every mark of a frame in text is read, and several frames on a line") {
  const std::string hex = "8D40621D58C382D690C8AC2863A7";
  for (const std::string& mark :
       {std::string("*"), std::string(":"), std::string(), "@" + std::string(12, '0'),
        "%" + std::string(12, '0'), "<" + std::string(14, '0')}) {
    CHECK(decode(CodecKind::adsb, mark + hex + ";\r\n").messages.size() == 1);
    CHECK(decode(CodecKind::adsb, mark + hex + "\n").messages.size() == 1);
  }
  CHECK(decode(CodecKind::adsb, "*" + hex + ";@" + std::string(12, '0') + hex + ";")
            .messages.size() == 2);
  const Collected cut = decode(CodecKind::adsb, "*8D4062*" + hex + ";\n");
  CHECK(cut.messages.size() == 1);
  CHECK(cut.refused.size() == 1);
}

TEST_CASE("aircraft on the ground have a place near the last one heard, and a speed") {
  std::vector<std::uint64_t> memory(AircraftTable::bytes_needed() / 8);
  Arena arena(memory.data(), memory.size() * 8);
  AircraftTable aircraft;
  aircraft.init(arena);
  AdsbDecoder decoder(&aircraft);
  // The example of pyModeS, tests/test_adsb.py: Christchurch.
  const auto older = sealed("8CC8200A3AC8F009BCDEF2000000");
  const auto newer = sealed("8FC8200A3AB8F5F893096B000000");
  REQUIRE(decoder.frame(older, 1'000'000'000));
  const auto nowhere = decoder.frame(newer, 2'000'000'000);
  REQUIRE(nowhere);
  CHECK_FALSE(nowhere->has_position);  // one of eight places
  AircraftTable::Aircraft& other = aircraft.heard(1, 2'000'000'000);
  aircraft.place(other, -43.496, 172.558, 2'000'000'000);
  REQUIRE(decoder.frame(older, 3'000'000'000));
  const auto m = decoder.frame(newer, 4'000'000'000);
  REQUIRE(m);
  CHECK(m->surface);
  CHECK(m->latitude == doctest::Approx(-43.48564).epsilon(1e-7));
  CHECK(m->longitude == doctest::Approx(172.53942).epsilon(1e-7));
  CHECK(m->has_speed);
  // The next half alone.
  const auto alone = decoder.frame(newer, 60'000'000'000);
  REQUIRE(alone);
  CHECK(alone->latitude == doctest::Approx(-43.48564).epsilon(1e-7));
}

TEST_CASE("DF18 is read where it has the content of DF17, and keeps addresses apart") {
  const auto with = [](std::uint8_t first) {
    auto frame = sealed("8D40621D58C382D690C8AC2863A7", first);
    return AdsbDecoder(nullptr).frame(frame, 1);
  };
  for (const unsigned control : {0U, 1U, 2U, 5U, 6U}) {
    const auto m = with(static_cast<std::uint8_t>(18 << 3 | control));
    REQUIRE(m);
    CHECK(m->has_altitude);
    CHECK((m->key() == 0x40621D) == (control != 1 && control != 5));
  }
  CHECK(with(18 << 3 | 3).error() == RefusalCause::unsupported);  // coarse TIS-B
}

TEST_CASE("a ground station is no vehicle") {
  for (const auto& [system, type, vehicle] :
       {std::tuple<std::uint8_t, std::uint8_t, bool>{255, 2, false},
        {42, 6, false},
        {42, 2, true}}) {
    std::vector<std::uint8_t> payload(9, 3);
    payload[4] = type;
    std::vector<std::uint8_t> frame = mavlink2(0, payload, 50);
    frame[5] = system;
    const std::uint16_t crc = mavlink_crc(Bytes(frame).subspan(1, frame.size() - 3), 50);
    frame[frame.size() - 2] = static_cast<std::uint8_t>(crc);
    frame[frame.size() - 1] = static_cast<std::uint8_t>(crc >> 8);
    const auto m = decode_mavlink(frame);
    REQUIRE(m);
    Observation observation;
    CHECK(to_observation(*m, observation) == vehicle);
  }
}

TEST_CASE("a codec goes by its names, and by no other") {
  for (const CodecFacts& codec : kCodecs) {
    CHECK(codec_named(codec.name) == codec.kind);
    CHECK(Decoder(codec.kind).kind() == codec.kind);
  }
  CHECK(codec_named("ais") == CodecKind::nmea0183);
  CHECK_FALSE(codec_named("").has_value());
  CHECK_FALSE(codec_named("nmea").has_value());
  CHECK(codec_names() == "nmea0183 ais n2k mavlink adsb asterix");
}

TEST_CASE("a reopened line forgets the half of a message, and keeps what it lost before") {
  const std::string first =
      sentence("AIVDM,2,1,3,A,55?MbV02;H;s<HtKR20EHE:0@T4@Dn2222222216L961O5Gf0NSQEp6ClRp8,0");
  const std::string second = sentence("AIVDM,2,2,3,A,88888888880,2");
  Collected all;
  Decoder decoder(CodecKind::nmea0183);
  decoder.stream(as_bytes(first), 1, collect(all));
  decoder.stream(as_bytes(first), 2, collect(all));  // replaces the one before
  CHECK(decoder.counts()[0] == 1);
  decoder.end_stream(2, collect(all));
  decoder.stream(as_bytes(second), 3, collect(all));
  REQUIRE(all.refused.size() == 1);
  CHECK(all.refused[0] == RefusalCause::multipart_missing);
  CHECK(decoder.counts()[0] == 1);
}

TEST_CASE("any bytes are answered: nothing crashes, every frame is a message or a cause") {
  std::mt19937_64 random(5);
  for (const CodecFacts& codec : kCodecs) {
    OwnDecoder own(codec.kind);
    Decoder& decoder = own.get();
    for (int i = 0; i < 3000; ++i) {
      std::vector<std::uint8_t> bytes(random() % 300);
      for (auto& b : bytes) {
        b = static_cast<std::uint8_t>(random());
        b = b == '#' ? '?' : b;  // begins a comment, which says nothing
      }
      Collected all;
      decoder.datagram(bytes, i, collect(all));
      decoder.stream(bytes, i, collect(all));
      decoder.end_stream(i, collect(all));
      CHECK((bytes.size() < 2 || all.messages.size() + all.refused.size() > 0));
    }
  }
}
