// Confirmation of a TCP sink's messages: by TCP acknowledgement, or by the receiver's answer.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <set>
#include <string>
#include <vector>

#include "edge/sink/answer.hpp"
#include "edge/sink/stream_pool.hpp"
#include "platform/clock.hpp"
#include "platform/hot_thread.hpp"
#include "test.hpp"

using namespace vedette;
using sink::MessageKey;
using sink::Unconfirmed;

namespace {

constexpr std::int64_t kWithinNs = 300'000'000;

// One connection to a receiver that reads only on request.
struct Line {
  explicit Line(plan::Confirm confirm, std::size_t room = 64)
      : listener(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)), messages(room) {
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int few = 4096;
    ::setsockopt(listener.get(), SOL_SOCKET, SO_RCVBUF, &few, sizeof few);
    REQUIRE(::bind(listener.get(), reinterpret_cast<sockaddr*>(&any), sizeof any) == 0);
    REQUIRE(::listen(listener.get(), 8) == 0);
    socklen_t bytes = sizeof any;
    ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&any), &bytes);
    const std::size_t slot =
        keeper.add_connection({0x7F000001, ntohs(any.sin_port)}, 1'000'000, kWithinNs);
    streams.init(keeper, {&slot, 1}, 1, true);
    streams.await(confirm, kWithinNs, messages);
    connect();
  }
  void connect() {
    far = platform::Fd();
    for (int i = 0; i < 2000 && (streams.open() == 0 || !far.valid()); ++i) {
      keeper.tend(platform::monotonic_ns(), true);
      if (const int fd = ::accept(listener.get(), nullptr, nullptr); fd >= 0) {
        far = platform::Fd(fd);
      }
      streams.tend();
      platform::rest_ns(1'000'000);
    }
    REQUIRE(streams.open() == 1);
    REQUIRE(far.valid());
  }
  int send(std::uint64_t sequence, std::size_t bytes = 100) {
    return streams.send(std::string(bytes - 1, 'x') + "\n", 1, sequence, {7, sequence, 1});
  }
  void answer(const std::string& text) const {
    REQUIRE(::write(far.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  // Polls until so many are settled, or for a second.
  void look(std::size_t wanted) {
    const std::int64_t end_ns = platform::monotonic_ns() + 1'000'000'000;
    while (confirmed.size() + lost.size() < wanted && platform::monotonic_ns() < end_ns) {
      streams.look(platform::monotonic_ns());
      streams.unconfirmed().settle([&](const Unconfirmed::Message& m) {
        (m.state == Unconfirmed::State::confirmed ? confirmed : lost).push_back(m.sequence);
        return true;
      });
      platform::rest_ns(1'000'000);
    }
  }

  platform::Fd listener, far;
  platform::DeviceKeeper keeper;
  std::vector<Unconfirmed::Message> messages;
  sink::StreamPool streams;
  std::vector<std::uint64_t> confirmed, lost;
};

using Sequences = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("an answer is one key in one member, and anything else is none") {
  const MessageKey key{0x2A5B00FF17, 18, 3};
  CHECK(sink::parse_answer(R"({"ack":"2a5b00ff17-3-18"})") == key);
  CHECK(sink::parse_answer(" { \"ack\" : \"2a5b00ff17-3-18\" } \r") == key);
  for (const char* text :
       {"", "{}", "{\"ack\":\"\"}", "{\"ack\":\"2a5b00ff17-3\"}", "{\"ack\":\"2a5b00ff17-3-\"}",
        "{\"ack\":\"-3-18\"}", "{\"ack\":\"2a5b00ff17-03-18\"}", "{\"ack\":\"2a5b00ff17--3-18\"}",
        "{\"ack\":\"2a5b00ff17-3-18", "{\"ack\":\"2a5b00ff17-3-18\"} x",
        "{\"ack\":\"2a5b00ff17-4294967296-18\"}", "{\"ack\":\"2a5b00ff17-3-99999999999999999999\"}",
        "{\"ack\":\"12a5b00ff17a5b00ff-3-18\"}", "{\"ack\":18}", "[\"2a5b00ff17-3-18\"]"}) {
    CAPTURE(text);
    CHECK_FALSE(sink::parse_answer(text));
  }
}

TEST_CASE("answers are lines however they are cut, and a line without end costs only itself") {
  std::string text;
  for (int i = 1; i <= 20; ++i) {
    text += "{\"ack\":\"a-1-" + std::to_string(i) + "\"}\n";
    text += i == 7 ? std::string(5000, '{') + "\n\n" : "";
  }
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, text.size()}) {
    sink::Answers answers;
    Sequences heard;
    int none = 0;
    for (std::size_t at = 0; at < text.size(); at += piece) {
      answers.feed(std::string_view(text).substr(at, piece),
                   [&](const std::optional<MessageKey>& key) {
                     key ? heard.push_back(key->root) : void(++none);
                   });
    }
    CHECK(heard.size() == 20);
    CHECK(heard.back() == 20);
    CHECK(none == 1);
  }
}

TEST_CASE("a message is told once the other end's TCP has it, and what a reset cut off is lost") {
  Line line(plan::Confirm::acknowledged, 64);
  CHECK(line.send(1) == 0);
  line.look(1);
  CHECK(line.confirmed == Sequences{1});
  // The receiver stops reading: some messages fill its buffer, the rest wait here.
  for (std::uint64_t i = 2; i <= 60; ++i) {
    CHECK(line.send(i, limits::kTextBytes) == 0);
  }
  for (int i = 0; i < 50; ++i) {
    line.look(0);
    line.streams.look(platform::monotonic_ns());
    platform::rest_ns(1'000'000);
  }
  CHECK(line.streams.unconfirmed().size() == 59);  // settled ones are not removed yet
  int unread = 0;
  ::ioctl(line.far.get(), FIONREAD, &unread);
  const linger now{1, 0};
  ::setsockopt(line.far.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  line.far = platform::Fd();
  line.look(60);
  const auto arrived = static_cast<std::size_t>(unread - 100) / limits::kTextBytes;
  CHECK(line.confirmed.size() == 1 + arrived);
  CHECK(line.lost.size() == 59 - arrived);
  CHECK(line.lost.size() > 20);
  CHECK(line.lost.back() == 60);
  CHECK(line.streams.open() == 0);
}

TEST_CASE("a message is told when it is answered and not before, on whichever connection") {
  Line line(plan::Confirm::answer);
  for (std::uint64_t i = 1; i <= 4; ++i) {
    CHECK(line.send(i) == 0);
  }
  line.answer(
      "{\"ack\":\"7-1-2\"}\nhello\n{\"ack\":\"7-1-9\"}\n{\"ack\":\"7-1-1\"}\n{\"ack\":\"7-");
  line.look(2);
  CHECK(std::set<std::uint64_t>(line.confirmed.begin(), line.confirmed.end()) ==
        std::set<std::uint64_t>{1, 2});
  CHECK(line.streams.strange_answers() == 2);
  line.answer("1-3\"}\n");
  ::shutdown(line.far.get(),
             SHUT_WR);  // its last answer counts; messages it can no longer answer are lost
  line.look(4);
  CHECK(line.confirmed.size() == 3);
  CHECK(line.lost == Sequences{4});
  line.connect();
  CHECK(line.send(5) == 0);
  line.answer("{\"ack\":\"7-1-5\"}\n");
  line.look(5);
  CHECK(line.confirmed.back() == 5);
}

TEST_CASE("a receiver that answers nothing is given up after its time, with what it was sent") {
  Line line(plan::Confirm::answer);
  const std::int64_t begin_ns = platform::monotonic_ns();
  CHECK(line.send(1) == 0);
  line.look(1);
  CHECK(line.lost == Sequences{1});
  CHECK(platform::monotonic_ns() - begin_ns >= kWithinNs);
  CHECK(line.streams.open() == 0);
}

TEST_CASE("one message that is not answered costs none of its neighbours") {
  Line line(plan::Confirm::answer);
  CHECK(line.send(1) == 0);
  platform::rest_ns(kWithinNs / 2);
  CHECK(line.send(2) == 0);
  line.answer("{\"ack\":\"7-1-2\"}\n");
  line.look(2);
  CHECK(line.confirmed == Sequences{2});
  CHECK(line.lost == Sequences{1});
  CHECK(line.streams.open() == 1);
}

TEST_CASE("when too many are unconfirmed a sink takes no more, and counts what it refused") {
  Line line(plan::Confirm::answer, 8);
  for (std::uint64_t i = 1; i <= 8; ++i) {
    CHECK(line.send(i) == 0);
  }
  CHECK(line.send(9) == EAGAIN);
  CHECK(line.streams.refused() == 1);
  line.streams.unconfirmed().withdraw(3);  // its horizon passed
  CHECK(line.send(9) == 0);
  line.answer("{\"ack\":\"7-1-3\"}\n{\"ack\":\"7-1-9\"}\n");
  line.look(1);
  CHECK(line.confirmed == Sequences{9});
  CHECK(line.streams.strange_answers() == 1);
}
