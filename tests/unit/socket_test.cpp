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

// Two sockets of this machine, the second aimed at the first.
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

TEST_CASE("a rehearsed sending leaves nothing, and what is sent behind it arrives as ever") {
  const Pair pair;
  const int in = pair.in.get();
  std::array<std::uint8_t, 64> datagram{};
  for (int i = 0; i < 100; ++i) {
    platform::rehearse_sending(pair.out.get(), as_bytes(std::string_view("not yet")));
  }
  CHECK(platform::receive_now(in, datagram) < 0);
  pair.send("now");
  REQUIRE(platform::receive_now(in, datagram) == 3);
  CHECK(vedette::as_text(Bytes(datagram.data(), 3)) == "now");
  CHECK(platform::receive_now(in, datagram) < 0);
}

TEST_CASE("a datagram that was peeked at is the oldest until it is dropped, an empty one too") {
  const Pair pair;
  const int in = pair.in.get();
  std::array<std::uint8_t, 64> datagram{};
  CHECK(platform::peek_now(in, datagram) < 0);
  CHECK(platform::drop_now(in) < 0);
  pair.send("first");
  pair.send("");
  pair.send("the last");
  for (int i = 0; i < 2; ++i) {
    REQUIRE(platform::peek_now(in, datagram) == 5);
    CHECK(vedette::as_text(Bytes(datagram.data(), 5)) == "first");
  }
  CHECK(platform::drop_now(in) == 5);
  CHECK(platform::peek_now(in, datagram) == 0);
  CHECK(platform::drop_now(in) == 0);
  CHECK(platform::receive_now(in, datagram) == 8);
  CHECK(platform::drop_now(in) < 0);
}
