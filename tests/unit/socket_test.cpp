#include "platform/socket.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <string_view>

#include "test.hpp"

using vedette::as_bytes;
using vedette::Bytes;
namespace platform = vedette::platform;

TEST_CASE("a rehearsed sending leaves nothing, and what is sent behind it arrives as ever") {
  auto receiver = platform::open_udp_receiver({INADDR_LOOPBACK, 0});
  REQUIRE(receiver);
  const int in = receiver.value().get();
  sockaddr_in at{};
  socklen_t length = sizeof at;
  REQUIRE(::getsockname(in, reinterpret_cast<sockaddr*>(&at), &length) == 0);
  auto sender = platform::open_udp_sender({INADDR_LOOPBACK, ntohs(at.sin_port)});
  REQUIRE(sender);
  const int out = sender.value().get();
  std::array<std::uint8_t, 64> datagram{};
  for (int i = 0; i < 100; ++i) {
    platform::rehearse_sending(out, as_bytes(std::string_view("not yet")));
  }
  CHECK(platform::receive_now(in, datagram) < 0);
  REQUIRE(platform::send_now(out, as_bytes(std::string_view("now"))) == 0);
  REQUIRE(platform::receive_now(in, datagram) == 3);
  CHECK(vedette::as_text(Bytes(datagram.data(), 3)) == "now");
  CHECK(platform::receive_now(in, datagram) < 0);
}
