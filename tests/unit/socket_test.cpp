#include "platform/socket.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <string_view>
#include <utility>

#include "test.hpp"

using vedette::as_bytes;
using vedette::Bytes;
namespace platform = vedette::platform;

namespace {

// Two local sockets, the second connected to the first.
struct Pair {
  platform::Fd in, out;
  Pair() {
    auto receiver = platform::open_udp_receiver({INADDR_LOOPBACK, 0});
    REQUIRE(receiver);
    in = std::move(receiver).value();
    sockaddr_in at{};
    socklen_t length = sizeof at;
    REQUIRE(::getsockname(in.get(), reinterpret_cast<sockaddr*>(&at), &length) == 0);
    auto sender = platform::open_udp_sender({INADDR_LOOPBACK, ntohs(at.sin_port)});
    REQUIRE(sender);
    out = std::move(sender).value();
  }
  void send(std::string_view text) const {
    REQUIRE(platform::send_now(out.get(), as_bytes(text)) == 0);
  }
};

}  // namespace

TEST_CASE("a rehearsed sending arrives at nobody, and leaves nothing behind") {
  const Pair pair;
  auto opened = platform::open_udp_to_itself();
  REQUIRE(opened);
  const int to_itself = opened.value().get();
  std::array<std::uint8_t, 64> datagram{};
  for (int i = 0; i < 100; ++i) {
    platform::rehearse_sending(to_itself, as_bytes(std::string_view("not yet")));
  }
  CHECK(platform::receive_now(pair.in.get(), datagram) < 0);
  CHECK(platform::receive_now(to_itself, datagram) < 0);
  // The same socket receives a datagram, so sending passed through the system.
  REQUIRE(platform::send_now(to_itself, as_bytes(std::string_view("now"))) == 0);
  CHECK(platform::receive_now(to_itself, datagram) == 3);
}

TEST_CASE("what a socket that hears itself gets from others is nothing") {
  auto opened = platform::open_udp_to_itself();
  REQUIRE(opened);
  sockaddr_in at{};
  socklen_t length = sizeof at;
  REQUIRE(::getsockname(opened.value().get(), reinterpret_cast<sockaddr*>(&at), &length) == 0);
  auto other = platform::open_udp_sender({INADDR_LOOPBACK, ntohs(at.sin_port)});
  REQUIRE(other);
  platform::send_now(other.value().get(), as_bytes(std::string_view("from elsewhere")));
  std::array<std::uint8_t, 64> datagram{};
  CHECK(platform::receive_now(opened.value().get(), datagram) < 0);
}
