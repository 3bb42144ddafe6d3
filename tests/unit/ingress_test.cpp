#include "ingress/ingress.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <string>
#include <vector>

#include "load_site.hpp"
#include "platform/device_keeper.hpp"
#include "test.hpp"

using namespace vedette;

namespace {

std::uint16_t free_port() {
  const platform::Fd socket(::socket(AF_INET, SOCK_DGRAM, 0));
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::bind(socket.get(), reinterpret_cast<sockaddr*>(&any), sizeof any) == 0);
  socklen_t bytes = sizeof any;
  ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&any), &bytes);
  return ntohs(any.sin_port);
}

constexpr std::string_view kSentence = "!AIVDM,1,1,,A,15N1u<PP1FJuvSRHOE6QIwwh0HQ6,0*30\r\n";

}  // namespace

TEST_CASE("a source that never pauses does not keep the others waiting") {
  const std::uint16_t ports[3] = {free_port(), free_port(), free_port()};
  std::string site = "site = \"crowd\"\n";
  for (const std::uint16_t port : ports) {
    site += "[source.s" + std::to_string(port) +
            "]\ndriver = \"udp\"\ncodec = \"ais\"\nlisten = \"127.0.0.1:" + std::to_string(port) +
            "\"\n";
  }
  std::vector<std::uint8_t> bytes;
  const plan::Plan* plan = tests::load_site(site, bytes);
  REQUIRE(plan != nullptr);
  std::vector<std::uint64_t> memory(ingress::Ingress::bytes_needed(*plan) / 8 + 64);
  Arena arena(memory.data(), memory.size() * 8);
  platform::DeviceKeeper keeper;
  ingress::Ingress ingress;
  const std::vector<std::uint64_t> resume(3);
  REQUIRE(ingress.init(arena, *plan, keeper, "", resume).empty());
  if (const std::string problem = ingress.start_on_this_thread(); !problem.empty()) {
    MESSAGE("without io_uring: " << problem);
    return;
  }
  platform::NodeClock clock;
  clock.start_live();
  std::vector<platform::Fd> senders;
  for (const std::uint16_t port : ports) {
    auto sender = platform::open_udp_sender({INADDR_LOOPBACK, port});
    REQUIRE(sender.ok());
    senders.push_back(std::move(sender).value());
  }
  const auto send = [&](std::size_t source, int count) {
    for (int i = 0; i < count; ++i) {
      REQUIRE(platform::send_now(senders[source].get(), as_bytes(kSentence)) == 0);
    }
  };
  const auto received = [&](std::size_t source) {
    return ingress.counters(source).received.load(std::memory_order_relaxed);
  };
  // What the lanes hold is taken as an engine would.
  const auto step = [&] {
    ingress.step(clock);
    for (std::size_t s = 0; s < ingress.size(); ++s) {
      while (!ingress.lane(s).peek().empty()) {
        ingress.lane(s).release();
      }
    }
  };
  const auto step_until = [&](std::size_t source, std::uint64_t count) {
    for (const std::int64_t end = platform::monotonic_ns() + 2'000'000'000;
         received(source) < count && platform::monotonic_ns() < end;) {
      step();
    }
    REQUIRE(received(source) == count);
  };
  // The first two become busy ones, which are polled; the third is quiet, the ring tells of it.
  step();
  for (std::uint64_t round = 1; round <= 4; ++round) {
    send(0, 1), send(1, 1);
    step_until(0, round), step_until(1, round);
  }
  constexpr int kCrowd = 150;
  for (const std::size_t other : {std::size_t{1}, std::size_t{2}}) {
    const std::uint64_t crowd_before = received(0);
    const std::uint64_t other_before = received(other);
    send(0, kCrowd);
    send(other, 1);
    step_until(other, other_before + 1);
    CHECK(received(0) - crowd_before < 20);  // a burst begins with one, and doubles
    step_until(0, crowd_before + kCrowd);
  }
  ingress.stop_on_this_thread();
}
