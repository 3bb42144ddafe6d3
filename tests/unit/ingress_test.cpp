#include "edge/ingress/ingress.hpp"

#include <string>
#include <vector>

#include "free_port.hpp"
#include "load_site.hpp"
#include "platform/device_keeper.hpp"
#include "test.hpp"

using namespace vedette;

namespace {

constexpr std::string_view kSentence = "!AIVDM,1,1,,A,15N1u<PP1FJuvSRHOE6QIwwh0HQ6,0*30\r\n";

// Sources that listen on this machine, with a sender for each.
class Listeners {
 public:
  // False without io_uring.
  bool start(std::size_t count, const std::string& more = "") {
    std::string site = "site = \"crowd\"\n";
    std::vector<std::uint16_t> ports;
    for (std::size_t i = 0; i < count; ++i) {
      ports.push_back(tests::free_port());
      const std::string port = std::to_string(ports.back());
      site += "[source.s" + port +
              "]\ndriver = \"udp\"\ncodec = \"ais\"\nlisten = \"127.0.0.1:" + port + "\"\n" + more;
    }
    const plan::Plan* plan = tests::load_site(site, plan_bytes_);
    REQUIRE(plan != nullptr);
    memory_.resize(ingress::Ingress::bytes_needed(*plan) / 8 + 64);
    Arena arena(memory_.data(), memory_.size() * 8);
    const std::vector<std::uint64_t> resume(count);
    REQUIRE(ingress_.init(arena, *plan, keeper_, "", resume).empty());
    if (const std::string problem = ingress_.start_on_this_thread(); !problem.empty()) {
      MESSAGE("without io_uring: " << problem);
      return false;
    }
    clock_.start_scaled(platform::realtime_ns(), 1.0);
    for (const std::uint16_t port : ports) {
      auto sender = platform::open_udp_sender({INADDR_LOOPBACK, port});
      REQUIRE(sender.ok());
      senders_.push_back(std::move(sender).value());
    }
    step();
    return true;
  }
  void stop() { ingress_.stop_on_this_thread(); }
  // Later datagrams to the source come from this local address.
  void send_from(std::size_t source, std::uint32_t address) {
    sockaddr_in to{};
    socklen_t bytes = sizeof to;
    REQUIRE(::getpeername(senders_[source].get(), reinterpret_cast<sockaddr*>(&to), &bytes) == 0);
    platform::Fd socket(::socket(AF_INET, SOCK_DGRAM, 0));
    sockaddr_in from{};
    from.sin_family = AF_INET;
    from.sin_addr.s_addr = htonl(address);
    REQUIRE(::bind(socket.get(), reinterpret_cast<sockaddr*>(&from), sizeof from) == 0);
    REQUIRE(::connect(socket.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
    senders_[source] = std::move(socket);
  }
  std::uint64_t accepted(std::size_t source) {
    return ingress_.counters(source).accepted.load(std::memory_order_relaxed);
  }

  void send(std::size_t source, std::uint64_t count, std::string_view datagram = kSentence) {
    for (std::uint64_t i = 0; i < count; ++i) {
      REQUIRE(platform::send_now(senders_[source].get(), as_bytes(datagram)) == 0);
    }
  }
  std::uint64_t received(std::size_t source) {
    return ingress_.counters(source).received.load(std::memory_order_relaxed);
  }
  std::uint64_t refused(std::size_t source, RefusalCause cause) {
    return ingress_.counters(source).refused[static_cast<std::size_t>(cause)].load(
        std::memory_order_relaxed);
  }
  // Empties the lanes, as an engine would.
  void step() {
    ingress_.step(clock_);
    for (std::size_t s = 0; s < ingress_.size(); ++s) {
      while (!ingress_.lane(s).peek().empty()) {
        ingress_.lane(s).release();
      }
    }
  }
  void step_until(std::size_t source, std::uint64_t count) {
    for (const std::int64_t end = platform::monotonic_ns() + 2'000'000'000;
         received(source) < count && platform::monotonic_ns() < end;) {
      step();
    }
    REQUIRE(received(source) == count);
  }

 private:
  std::vector<std::uint8_t> plan_bytes_;
  std::vector<std::uint64_t> memory_;
  platform::DeviceKeeper keeper_;
  ingress::Ingress ingress_;
  platform::NodeClock clock_;
  std::vector<platform::Fd> senders_;
};

}  // namespace

TEST_CASE("a source that never pauses does not keep the others waiting") {
  Listeners node;
  if (!node.start(3)) {
    return;
  }
  // The first two become busy and are polled; the third is quiet and uses the ring.
  for (std::uint64_t round = 1; round <= 4; ++round) {
    node.send(0, 1), node.send(1, 1);
    node.step_until(0, round), node.step_until(1, round);
  }
  constexpr int kCrowd = 150;
  for (const std::size_t other : {std::size_t{1}, std::size_t{2}}) {
    const std::uint64_t crowd_before = node.received(0);
    const std::uint64_t other_before = node.received(other);
    node.send(0, kCrowd);
    node.send(other, 1);
    node.step_until(other, other_before + 1);
    CHECK(node.received(0) - crowd_before < 20);  // a burst starts with one and doubles
    node.step_until(0, crowd_before + kCrowd);
  }
  node.stop();
}

TEST_CASE(
    "a datagram with nothing in it is refused and counted, and what comes behind it is read") {
  Listeners node;
  if (!node.start(1)) {
    return;
  }
  // By the ring, then by polling when busy.
  for (std::uint64_t round = 1; round <= 5; ++round) {
    node.send(0, 1, "");
    node.step_until(0, 2 * round - 1);
    CHECK(node.refused(0, RefusalCause::too_short) == round);
    node.send(0, 1);
    node.step_until(0, 2 * round);
  }
  CHECK(node.refused(0, RefusalCause::too_short) == 5);
  node.stop();
}

TEST_CASE(
    "a datagram longer than its buffer is refused whole and counted, one that just fits not") {
  Listeners node;
  if (!node.start(1)) {
    return;
  }
  std::string fits;
  while (fits.size() + kSentence.size() <= limits::kReceiveBytes) {
    fits += kSentence;
  }
  const std::uint64_t each = fits.size() / kSentence.size();
  fits.resize(limits::kReceiveBytes, '\n');
  // By the ring, then by polling: single datagrams first, then bursts.
  std::uint64_t long_ones = 0;
  std::uint64_t sent = 0;
  for (std::uint64_t round = 0; round < 4; ++round) {
    for (const std::string& datagram : {fits + "\n", std::string(60'000, '!')}) {
      node.send(0, 1 + round, datagram);
      sent += 1 + round;
      long_ones += 1 + round;
      node.step_until(0, sent);
      CHECK(node.refused(0, RefusalCause::oversize) == long_ones);
    }
    node.send(0, 1, fits);
    node.step_until(0, ++sent);
    CHECK(node.accepted(0) == each * (round + 1));
  }
  CHECK(node.refused(0, RefusalCause::oversize) == long_ones);
  node.stop();
}

TEST_CASE("a source that names its senders takes no one else's datagrams, and counts them") {
  Listeners node;
  if (!node.start(2, "from = [\"127.0.1.0/24\", \"127.0.2.7\"]\n")) {
    return;
  }
  struct Sender {
    std::uint32_t address;
    bool allowed;
  };
  constexpr Sender kAsked[] = {{0x7F000001, false}, {0x7F000100, true}, {0x7F0001FF, true},
                               {0x7F000200, false}, {0x7F000207, true}, {0x7F000208, false}};
  std::uint64_t sent = 0;
  std::uint64_t refused = 0;
  for (int round = 0; round < 3; ++round) {  // by the ring, then by polling
    for (const Sender& who : kAsked) {
      node.send_from(0, who.address);
      node.send(0, 1);
      node.step_until(0, ++sent);
      refused += who.allowed ? 0 : 1;
      CHECK(node.refused(0, RefusalCause::sender) == refused);
      CHECK(node.accepted(0) == sent - refused);
    }
  }
  node.send_from(0, 0x7F000101);
  node.send(0, 1, std::string(limits::kReceiveBytes + 1, '!'));
  node.step_until(0, ++sent);
  CHECK(node.refused(0, RefusalCause::oversize) == 1);
  node.send(0, 1, "");
  node.step_until(0, ++sent);
  CHECK(node.refused(0, RefusalCause::too_short) == 1);
  // A source that never becomes busy, with overlong and empty datagrams.
  node.send_from(1, 0x7F000101);
  node.send(1, 1, std::string(limits::kReceiveBytes + 1, '!'));
  node.step_until(1, 1);
  CHECK(node.refused(1, RefusalCause::oversize) == 1);
  node.stop();
}
