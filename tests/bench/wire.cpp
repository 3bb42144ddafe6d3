// Byte in to action out, seen from outside: an open-loop load generator, and the floor that a node
// is compared with, a bare busy-polling receive-and-send. wire_bench.py joins them.
//
// usage: vedette_bench_wire CORE floor-udp AIS_PORT MAVLINK_PORT BACK_PORT OUT
//        vedette_bench_wire CORE floor-dpdk DEVICE BACK_PORT OUT
//        vedette_bench_wire CORE generate RATE SECONDS TO AIS_PORT MAVLINK_PORT BACK_PORT
//                                RECORDINGS OUT
//        vedette_bench_wire CORE lone RATE SECONDS TO AIS_PORT MAVLINK_PORT BACK_PORT - OUT
//        vedette_bench_wire CORE fill RATE COUNT TO AIS_PORT
// `fill` sends one position of each of COUNT ships. `lone` sends nothing but probes; else one frame
// in ten is a probe: a ship whose status changes, which must cause an action. OUT of the
// generator: int64 triples, intended send time, time of the answer (0: none), and for gaps -1,
// start, length. OUT of a floor: its gaps. All monotonic ns. Both end on SIGTERM.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.hpp"
#include "frames.hpp"
#include "platform/clock.hpp"
#include "platform/file.hpp"
#include "platform/hot_thread.hpp"
#include "platform/packet_port.hpp"
#include "platform/socket.hpp"

using namespace vedette;
using bench::frames_of;

namespace {

constexpr std::int64_t kGapNs = 10'000;
constexpr std::uint32_t kLoopback = 0x7F000001;
constexpr std::uint64_t kFirstProbe = 244'000'000;
constexpr std::uint64_t kFirstShip = 300'000'000;  // of those that fill the table
constexpr std::size_t kProbes = 500;
constexpr std::size_t kProbeEvery = 10;

volatile std::sig_atomic_t g_stop = 0;

struct Record {
  std::int64_t kind, a, b;
};

template <typename T>
T need(Result<T, int> result, const char* what) {
  if (!result) {
    std::fprintf(stderr, "wire: %s: %s\n", what, platform::error_text(result.error()).c_str());
    std::exit(74);
  }
  return std::move(result).value();
}

std::uint16_t port(const char* text) {
  return static_cast<std::uint16_t>(std::strtoul(text, nullptr, 10));
}

void save(const char* path, const std::vector<Record>& records) {
  const Bytes bytes(reinterpret_cast<const std::uint8_t*>(records.data()),
                    records.size() * sizeof(Record));
  if (platform::write_file_durably(path, bytes) != 0) {
    std::exit(74);
  }
}

// A loop that measures its own turns.
class Gaps {
 public:
  explicit Gaps(std::vector<Record>& out) : out_(out) {}
  std::int64_t turn() {
    const std::int64_t now = platform::monotonic_ns();
    if (now - last_ > kGapNs && (behind_ || out_.size() < out_.capacity())) {
      if (!behind_) {
        out_.push_back({-1, last_, 0});
      }
      behind_ = true;
      out_.back().b = now - out_.back().a;
    }
    last_ = now;
    return now;
  }
  // Frames due in a gap are sent late: extends the gap until the loop has caught up.
  void caught_up() {
    if (behind_) {
      out_.back().b = last_ - out_.back().a;
      behind_ = false;
    }
  }

 private:
  std::vector<Record>& out_;
  std::int64_t last_ = platform::monotonic_ns();
  bool behind_ = false;
};

// ITU-R M.1371 message 1 of a ship at anchor or under way, in one sentence.
std::string position(std::uint64_t mmsi, std::size_t n, unsigned status) {
  std::vector<bool> bits;
  const auto put = [&](std::uint64_t value, int length) {
    for (int i = length - 1; i >= 0; --i) {
      bits.push_back((value >> i & 1) != 0);
    }
  };
  put(1, 6), put(0, 2), put(mmsi, 30), put(status, 4), put(128, 8), put(0, 10), put(1, 1);
  put(24 * 600'000 + n * 100, 28), put(60 * 600'000, 27), put(0, 12), put(511, 9), put(60, 6);
  put(0, 25);
  std::string text = "!AIVDM,1,1,,A,";
  for (std::size_t i = 0; i < bits.size(); i += 6) {
    unsigned value = 0;
    for (std::size_t b = 0; b < 6; ++b) {
      value = value << 1 | (bits[i + b] ? 1U : 0U);
    }
    text += static_cast<char>(value < 40 ? value + 48 : value + 56);
  }
  text += ",0";
  unsigned sum = 0;
  for (const char c : std::string_view(text).substr(1)) {
    sum ^= static_cast<unsigned char>(c);
  }
  char end[8];
  std::snprintf(end, sizeof end, "*%02X\r\n", sum);
  return text + end;  // of recorded frames none ends in a line feed: the floor answers probes only
}

std::string probe(std::size_t n, unsigned status) {
  return position(kFirstProbe + n, n, status);
}

// The probe that an answer is about: its ship's number, in an action's JSON or as sent.
std::size_t probe_in(std::string_view answer, const std::vector<std::string>& sentences) {
  constexpr std::string_view kIdentity = "\"identity\":\"";
  if (const std::size_t at = answer.find(kIdentity); at != std::string_view::npos) {
    const auto ship = parse_unsigned(answer.substr(at + kIdentity.size(), 9));
    return ship && *ship >= kFirstProbe && *ship < kFirstProbe + kProbes
               ? static_cast<std::size_t>(*ship - kFirstProbe)
               : kProbes;
  }
  for (std::size_t i = 0; i < sentences.size(); ++i) {
    if (sentences[i] == answer) {
      return i / 2;
    }
  }
  return kProbes;
}

// `every`: one frame in so many is a probe, the others are recorded.
int generate(int core, char** argv, std::size_t every) {
  const double rate = std::strtod(argv[0], nullptr);
  const double seconds = std::strtod(argv[1], nullptr);
  const std::uint32_t to = platform::parse_endpoint(std::string(argv[2]) + ":1")->address;
  const platform::Fd ais = need(platform::open_udp_sender({to, port(argv[3])}), "AIS port");
  const platform::Fd mavlink = need(platform::open_udp_sender({to, port(argv[4])}), "MAVLink port");
  const platform::Fd back =
      need(platform::open_udp_receiver({kLoopback, port(argv[5])}), "answers");
  const std::string recordings = argv[6];
  std::vector<std::string> ships, drone;
  if (every > 1) {
    ships = frames_of(recordings + "/ais/nais400-merrimac.log");
    drone = frames_of(recordings + "/mavlink/vtol.tlog");
  }
  std::vector<std::string> sentences;  // two for each probe
  for (std::size_t n = 0; n < kProbes; ++n) {
    sentences.push_back(probe(n, 0));
    sentences.push_back(probe(n, 5));
  }
  const auto count = static_cast<std::size_t>(rate * seconds);
  const std::size_t probes = count / every + 1;
  std::vector<Record> records;
  records.reserve(probes + 200'000);
  std::vector<std::int64_t> asked(kProbes, -1);  // index of its record
  records.resize(probes, {0, 0, 0});
  platform::make_hot({"generator", core, 0});
  Gaps gaps(records);
  const auto interval = 1e9 / rate;
  // A random offset in the first half of the interval, so that no timer of the machine is in phase
  // with the probes.
  std::uint64_t state = 1;
  const auto offset = [&] {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<double>(state >> 33) * 0x1p-32;
  };
  const std::int64_t start = platform::monotonic_ns() + 1'000'000;
  std::size_t sent = 0;
  std::size_t probe_count = 0;
  std::uint8_t answer[2048];
  // Prepares a frame before it is due, so that the generator's own work is not measured.
  struct {
    std::int64_t due;
    int to;
    std::size_t length;
    std::uint8_t bytes[2048];
  } next{};
  const auto make_next = [&] {
    const std::size_t lap = probe_count / kProbes;
    const std::string& frame = sent % every == 0
                                   ? sentences[2 * (probe_count % kProbes) + (lap + 1) % 2]
                               : sent % 2 == 0 ? ships[sent / 2 % ships.size()]
                                               : drone[sent / 2 % drone.size()];
    next.due = start + static_cast<std::int64_t>((static_cast<double>(sent) + offset()) * interval);
    next.to = sent % every != 0 && sent % 2 != 0 ? mavlink.get() : ais.get();
    next.length = std::min(frame.size(), sizeof next.bytes);
    std::memcpy(next.bytes, frame.data(), next.length);
  };
  make_next();
  for (std::int64_t now = gaps.turn();
       sent < count || now < start + static_cast<std::int64_t>(seconds * 1e9) + 50'000'000;
       now = gaps.turn()) {
    if (sent < count && now >= next.due) {
      platform::send_now(next.to, Bytes(next.bytes, next.length));
      if (sent % every == 0) {
        asked[probe_count % kProbes] = static_cast<std::int64_t>(probe_count);
        records[probe_count++] = {next.due, 0, 0};
      }
      ++sent;
      make_next();
    } else {
      gaps.caught_up();
    }
    const std::int64_t got = platform::receive_now(back.get(), answer);
    if (got > 0) {
      const std::int64_t at = platform::monotonic_ns();
      const std::size_t n =
          probe_in(as_text(Bytes(answer, static_cast<std::size_t>(got))), sentences);
      if (n < kProbes && asked[n] >= 0) {
        records[static_cast<std::size_t>(asked[n])].a = at;
        asked[n] = -1;
      }
    }
  }
  records.erase(records.begin() + static_cast<std::ptrdiff_t>(probe_count),
                records.begin() + static_cast<std::ptrdiff_t>(probes));
  save(argv[7], records);
  return 0;
}

int fill(int core, char** argv) {
  const double rate = std::strtod(argv[0], nullptr);
  const auto count = static_cast<std::size_t>(std::strtoull(argv[1], nullptr, 10));
  const std::uint32_t to = platform::parse_endpoint(std::string(argv[2]) + ":1")->address;
  const platform::Fd ais = need(platform::open_udp_sender({to, port(argv[3])}), "AIS port");
  platform::make_hot({"generator", core, 0});
  const std::int64_t start = platform::monotonic_ns();
  for (std::size_t n = 0; n < count; ++n) {
    const auto due = start + static_cast<std::int64_t>(static_cast<double>(n) * 1e9 / rate);
    const std::string sentence = position(kFirstShip + n, n, 0);
    while (platform::monotonic_ns() < due) {
    }
    platform::send_now(ais.get(), as_bytes(sentence));
  }
  return 0;
}

void on_signal(int) {
  g_stop = 1;
}

void ready() {
  std::signal(SIGTERM, on_signal);
  std::printf("ready\n");
  std::fflush(stdout);
}

int floor_udp(int core, char** argv) {
  const platform::Fd in[2] = {
      need(platform::open_udp_receiver({kLoopback, port(argv[0])}), "AIS port"),
      need(platform::open_udp_receiver({kLoopback, port(argv[1])}), "MAVLink port")};
  const platform::Fd out = need(platform::open_udp_sender({kLoopback, port(argv[2])}), "answers");
  std::vector<Record> records;
  records.reserve(1 << 18);
  platform::make_hot({"floor", core, 0});
  ready();
  Gaps gaps(records);
  std::uint8_t frame[2048];
  while (g_stop == 0) {
    gaps.turn();
    gaps.caught_up();
    for (const platform::Fd& socket : in) {
      const std::int64_t got = platform::receive_now(socket.get(), frame);
      if (got > 0 && frame[got - 1] == '\n') {
        platform::send_now(out.get(), Bytes(frame, static_cast<std::size_t>(got)));
      }
    }
  }
  save(argv[3], records);
  return 0;
}

int floor_dpdk(int core, char** argv) {
  platform::PacketPorts ports;
  const std::string problem = ports.start({argv[0]}, false);
  if (!problem.empty()) {
    std::fprintf(stderr, "wire: %s\n", problem.c_str());
    return 74;
  }
  const platform::Fd out = need(platform::open_udp_sender({kLoopback, port(argv[1])}), "answers");
  std::vector<Record> records;
  records.reserve(1 << 18);
  platform::make_hot({"floor", core, 0});
  ready();
  Gaps gaps(records);
  Bytes frames[platform::kBurst];
  constexpr std::size_t kPayloadAt = 14 + 20 + 8;  // Ethernet II, IPv4 without options, UDP
  while (g_stop == 0) {
    gaps.turn();
    gaps.caught_up();
    const std::size_t n = ports.poll(0, frames);
    for (std::size_t i = 0; i < n; ++i) {
      if (frames[i].size() > kPayloadAt && frames[i].back() == '\n') {
        platform::send_now(out.get(), frames[i].subspan(kPayloadAt));
      }
    }
    ports.release_burst(0);
  }
  save(argv[2], records);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const int core = argc > 1 ? std::atoi(argv[1]) : 0;
  const std::string_view name = argc > 2 ? argv[2] : "";
  if (name == "generate" && argc == 11) {
    return generate(core, argv + 3, kProbeEvery);
  }
  if (name == "lone" && argc == 11) {
    return generate(core, argv + 3, 1);
  }
  if (name == "fill" && argc == 7) {
    return fill(core, argv + 3);
  }
  if (name == "floor-udp" && argc == 7) {
    return floor_udp(core, argv + 3);
  }
  if (name == "floor-dpdk" && argc == 6) {
    return floor_dpdk(core, argv + 3);
  }
  std::fprintf(stderr, "usage: see the head of tests/bench/wire.cpp\n");
  return 64;
}
