#include "edge/sink/stream_pool.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pty.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "platform/clock.hpp"
#include "platform/hot_thread.hpp"
#include "test.hpp"

using namespace vedette;

namespace {

// The far end: accepts connections and reads on request.
struct Server {
  Server() : listener(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)) {
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(listener.get(), reinterpret_cast<sockaddr*>(&any), sizeof any) == 0);
    REQUIRE(::listen(listener.get(), 8) == 0);
    socklen_t bytes = sizeof any;
    ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&any), &bytes);
    endpoint = {0x7F000001, ntohs(any.sin_port)};
  }
  void take() {
    for (int fd = ::accept(listener.get(), nullptr, nullptr); fd >= 0;
         fd = ::accept(listener.get(), nullptr, nullptr)) {
      ends.emplace_back(fd);
    }
  }
  // Reads until a tenth of a second of silence.
  static std::string read_all(int fd) {
    std::string text;
    char piece[65536];
    for (pollfd p{fd, POLLIN, 0}; ::poll(&p, 1, 100) > 0;) {
      const auto got = ::read(fd, piece, sizeof piece);
      if (got <= 0) {
        break;
      }
      text.append(piece, static_cast<std::size_t>(got));
    }
    return text;
  }

  platform::Fd listener;
  platform::Endpoint endpoint{};
  std::vector<platform::Fd> ends;
};

struct Pool {
  Pool(const Server& server, std::size_t least, std::size_t most) {
    std::vector<std::size_t> slots;
    for (std::size_t i = 0; i < most; ++i) {
      slots.push_back(keeper.add_connection(server.endpoint, 1'000'000, 5'000'000'000));
    }
    streams.init(keeper, slots, least, true);
  }
  // Waits until so many are open, two seconds at most.
  bool opens(Server& server, std::size_t wanted) {
    for (int i = 0; i < 2000 && streams.open() != wanted; ++i) {
      keeper.tend(platform::monotonic_ns(), true);
      server.take();
      streams.tend();
      platform::rest_ns(1'000'000);
    }
    server.take();
    return streams.open() == wanted;
  }

  platform::DeviceKeeper keeper;
  sink::StreamPool streams;
};

}  // namespace

TEST_CASE(
    "connections are open before they are needed, and again after the other end closed them") {
  Server server;
  Pool pool(server, 2, 3);
  CHECK(pool.streams.send("early\n", 1) == ENOTCONN);
  REQUIRE(pool.opens(server, 2));
  CHECK(pool.streams.send("first\n", 1) == 0);
  server.take();
  CHECK(Server::read_all(server.ends[0].get()) + Server::read_all(server.ends[1].get()) ==
        "first\n");
  server.ends.clear();
  pool.streams.tend();  // notices the closed ones before anything is lost
  CHECK(pool.streams.open() == 0);
  REQUIRE(pool.opens(server, 2));
  CHECK(pool.streams.send("second\n", 1) == 0);
}

TEST_CASE("when one connection takes no more the next one does, and every message stays whole") {
  Server server;
  Pool pool(server, 1, 3);
  REQUIRE(pool.opens(server, 1));
  const std::string message(limits::kTextBytes - 1, 'x');
  std::size_t sent = 0;
  int error = 0;
  for (int i = 0; i < 100'000 && error == 0; ++i) {
    error = pool.streams.send(message + "\n", i);
    sent += error == 0 ? 1 : 0;
    if (i == 0) {
      REQUIRE(pool.opens(server, 2));  // the spare
    }
  }
  CHECK(error == EAGAIN);
  REQUIRE(pool.opens(server, 3));
  CHECK(pool.streams.send(message + "\n", 0) == 0);
  ++sent;
  std::size_t whole = 0;
  std::size_t used = 0;
  for (const platform::Fd& end : server.ends) {
    std::string text;
    for (std::string piece = Server::read_all(end.get()); !piece.empty();
         piece = Server::read_all(end.get())) {
      text += piece;
      pool.streams.flush();
    }
    used += text.empty() ? 0 : 1;
    REQUIRE(text.size() % limits::kTextBytes == 0);
    for (std::size_t at = 0; at < text.size(); at += limits::kTextBytes) {
      whole += text.compare(at, limits::kTextBytes, message + "\n") == 0 ? 1 : 0;
    }
  }
  CHECK(used >= 2);  // a third only if the first two were still full at the last send
  CHECK(whole == sent);
  CHECK_FALSE(pool.streams.unfinished());
  // In the next minute one is in use, and one spare is kept.
  CHECK(pool.streams.send("a\n", sink::StreamPool::kWindowNs + 1) == 0);
  CHECK(pool.streams.send("a\n", 2 * sink::StreamPool::kWindowNs + 2) == 0);
  CHECK(pool.streams.open() == 2);
}

TEST_CASE("a serial line that takes a part of a message gets the rest of it first") {
  int master = -1;
  int slave = -1;
  char name[64];
  REQUIRE(::openpty(&master, &slave, name, nullptr, nullptr) == 0);
  const platform::Fd far_end(master);
  const platform::Fd kept(slave);
  platform::DeviceKeeper keeper;
  const std::size_t slot = keeper.add(name, 38400, false, 1'000'000);
  sink::StreamPool streams;
  streams.init(keeper, {&slot, 1}, 1, false);
  keeper.tend(platform::monotonic_ns(), true);
  const std::string message = std::string(300, 'x') + "\n";
  std::size_t sent = 0;
  for (int error = 0; error == 0 && sent < 10'000; sent += error == 0 ? 1 : 0) {
    error = streams.send(message, 1);
  }
  REQUIRE(streams.unfinished());  // the line is full in mid-message
  std::string text;
  for (std::string piece = Server::read_all(master); !piece.empty();
       piece = Server::read_all(master)) {
    text += piece;
    streams.flush();
  }
  CHECK_FALSE(streams.unfinished());
  REQUIRE(text.size() == sent * message.size());
  for (std::size_t i = 0; i < sent; ++i) {
    CHECK(text.compare(i * message.size(), message.size(), message) == 0);
  }
}
