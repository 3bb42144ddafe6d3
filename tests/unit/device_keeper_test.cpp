#include "platform/device_keeper.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "base/trouble.hpp"
#include "platform/clock.hpp"
#include "platform/hot_thread.hpp"
#include "test.hpp"

using namespace vedette;
using namespace vedette::platform;

namespace {

constexpr std::int64_t kMs = 1'000'000;

std::uint16_t port_of(int socket) {
  sockaddr_in at{};
  socklen_t bytes = sizeof at;
  REQUIRE(::getsockname(socket, reinterpret_cast<sockaddr*>(&at), &bytes) == 0);
  return ntohs(at.sin_port);
}

// Answers each question of type A with one address, as RFC 1035 section 4 writes it; AAAA with
// none, and every question for an unknown name with "no such name".
class NameServer {
 public:
  NameServer() : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_of(socket_.get())); }

  void answer() {
    std::uint8_t query[512];
    sockaddr_in from{};
    socklen_t bytes = sizeof from;
    const auto got = ::recvfrom(socket_.get(), query, sizeof query, 0,
                                reinterpret_cast<sockaddr*>(&from), &bytes);
    if (got < 17) {
      return;
    }
    ++asked;
    std::vector<std::uint8_t> reply(query, query + got);
    std::size_t end = 12;  // of the name
    while (reply[end] != 0) {
      end += reply[end] + std::size_t{1};
    }
    const bool v4 = reply[end + 2] == 1;
    reply.resize(end + 5);
    const bool known = last_byte != 0;
    reply[2] = 0x84;
    reply[3] = known ? 0 : 3;
    reply[7] = known && v4 ? 1 : 0;
    reply[8] = reply[9] = reply[10] = reply[11] = 0;
    if (known && v4) {
      const std::uint8_t record[] = {0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, last_byte};
      reply.insert(reply.end(), std::begin(record), std::end(record));
    }
    ::sendto(socket_.get(), reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from),
             bytes);
  }

  std::uint8_t last_byte = 1;  // of the address 127.0.0.x; 0: the name is not known
  int asked = 0;

 private:
  Fd socket_;
};

struct Wanting {
  explicit Wanting(std::vector<std::string> to) {
    keeper.use_name_servers(server.address());
    slot = keeper.add_targets({std::move(to), "hello\n", 10 * kMs, 1000 * kMs});
    keeper.want(slot);
  }
  // Tends until it is open or has failed.
  int open(std::int64_t most_ns = 3000 * kMs) {
    for (const std::int64_t end = monotonic_ns() + most_ns; monotonic_ns() < end;) {
      keeper.tend(monotonic_ns(), false);
      server.answer();
      if (const int fd = keeper.take(slot); fd >= 0 || keeper.last_error(slot) != 0) {
        return fd;
      }
      rest_ns(kMs);
    }
    return -1;
  }
  void lose(int fd) {
    keeper.give_back(slot, fd);
    keeper.want(slot);
  }

  NameServer server;
  DeviceKeeper keeper;
  std::size_t slot = 0;
};

}  // namespace

TEST_CASE("a name is looked up again for each connection") {
  std::vector<Fd> listeners;
  listeners.push_back(listen_tcp(peer_of(Endpoint{0x7F000001, 0})).value());
  const std::uint16_t port = port_of(listeners[0].get());
  listeners.push_back(listen_tcp(peer_of(Endpoint{0x7F000002, port})).value());
  Wanting node({"receiver.example:" + std::to_string(port)});
  for (const int byte : {1, 2, 1}) {
    node.server.last_byte = static_cast<std::uint8_t>(byte);
    const int fd = node.open();
    REQUIRE(fd >= 0);
    CHECK(to_text(node.keeper.peer(node.slot)) ==
          "127.0.0." + std::to_string(byte) + ":" + std::to_string(port));
    node.lose(fd);
  }
  CHECK(node.server.asked >= 3);
}

TEST_CASE("an unknown name and a silent name server are told apart") {
  Wanting node({"nobody.example:80"});
  node.server.last_byte = 0;
  CHECK(node.open() == -1);
  CHECK(node.keeper.last_error(node.slot) == static_cast<int>(Trouble::unknown_name));
  Wanting deaf({"nobody.example:80"});
  deaf.keeper.use_name_servers("127.0.0.1:1");
  CHECK(deaf.open(6000 * kMs) == -1);
  CHECK(deaf.keeper.last_error(deaf.slot) == static_cast<int>(Trouble::no_name_server));
}

TEST_CASE("the pause after the last of several ends doubles up to its bound") {
  Wanting node({"127.0.0.1:1", "[::1]:1"});
  std::vector<std::int64_t> rounds;  // when one began, by a clock of its own
  Peer before;
  for (std::int64_t now_ns = 1; now_ns < 200'000 * kMs; now_ns += 5 * kMs) {
    node.keeper.tend(now_ns, false);
    const Peer& at = node.keeper.peer(node.slot);
    if (!at.v6 && at.port == 1 && (rounds.empty() || before.v6)) {
      rounds.push_back(now_ns);
    }
    before = at;
  }
  CHECK(node.keeper.last_error(node.slot) == ECONNREFUSED);
  REQUIRE(rounds.size() > 14);
  CHECK(rounds[1] - rounds[0] < 30 * kMs);
  CHECK(rounds[4] - rounds[3] > 70 * kMs);
  CHECK(rounds[14] - rounds[13] >= DeviceKeeper::kPauseMostNs);
  CHECK(rounds[14] - rounds[13] < DeviceKeeper::kPauseMostNs + 100 * kMs);
}

TEST_CASE("addresses of both families are read and written") {
  for (const std::string text : {"192.0.2.7:80", "[2001:db8::7]:65535", "[::]:1"}) {
    const auto peer = parse_peer(text);
    REQUIRE(peer);
    CHECK(to_text(*peer) == text);
  }
  CHECK(to_text(*parse_peer("[::ffff:192.0.2.7]:80")) == "192.0.2.7:80");
  for (const std::string text : {"", "[", "[::1]", "::1:80", "[::1]:", "[::1]:70000", "host:80"}) {
    CHECK_FALSE(parse_peer(text));
  }
}
