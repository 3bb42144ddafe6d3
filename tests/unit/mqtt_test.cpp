#include <string>
#include <vector>

#include "edge/mqtt/client.hpp"
#include "test.hpp"

using namespace vedette;
using namespace vedette::mqtt;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

Options options(std::uint8_t qos = 1) {
  return {"vedette1", "watch", "secret", 20 * kSecond, {{"ais/+/raw", "boats/#"}, qos}};
}

std::string publish(const std::string& topic, const std::string& payload, int id = 0) {
  std::string body;
  body += static_cast<char>(topic.size() >> 8);
  body += static_cast<char>(topic.size());
  body += topic;
  if (id != 0) {
    body += static_cast<char>(id >> 8);
    body += static_cast<char>(id);
  }
  body += payload;
  std::string packet(1, static_cast<char>(id != 0 ? 0x32 : 0x30));
  std::size_t rest = body.size();
  for (; rest > 127; rest >>= 7) {
    packet += static_cast<char>(rest | 0x80);
  }
  return packet + static_cast<char>(rest) + body;
}

const std::string kConnected("\x20\x02\x00\x00", 4);
const std::string kGranted("\x90\x04\x00\x01\x01\x01", 6);

// Feeds all bytes in pieces, and lists "topic=payload".
std::string feed(Client& client, const std::string& bytes, std::size_t piece = 1000000) {
  std::string got;
  for (std::size_t at = 0; at < bytes.size();) {
    Publication out;
    const std::string_view part = std::string_view(bytes).substr(at, piece);
    const std::size_t used = client.feed(as_bytes(part), kSecond, out);
    if (!out.topic.empty()) {
      got += std::string(out.topic) + "=" + std::string(as_text(out.payload)) +
             (out.cut ? "..." : "") + " ";
      client.taken();
    }
    at += used;
    if (used == 0) {
      break;
    }
  }
  return got;
}

Client subscribed() {
  Client client(options());
  client.begin(0);
  feed(client, kConnected + kGranted);
  REQUIRE(client.subscribed());
  client.sent(client.to_send().size());
  return client;
}

}  // namespace

TEST_CASE("a client connects, subscribes and acknowledges, as OASIS MQTT 3.1.1 writes it") {
  Client client(options());
  client.begin(0);
  CHECK(client.to_send() == std::string("\x10\x23\x00\x04MQTT\x04\xC2\x00\x14\x00\x08vedette1"
                                        "\x00\x05watch\x00\x06secret",
                                        37));
  client.sent(37);
  CHECK(feed(client, kConnected, 1).empty());
  CHECK(client.to_send() == std::string("\x82\x18\x00\x01\x00\x09"
                                        "ais/+/raw\x01\x00\x07"
                                        "boats/#\x01",
                                        26));
  client.sent(26);
  CHECK_FALSE(client.subscribed());
  feed(client, kGranted);
  CHECK(client.subscribed());
  CHECK(feed(client, publish("boats/a", "one", 0x0102)) == "boats/a=one ");
  CHECK(client.to_send() == std::string("\x40\x02\x01\x02", 4));
}

TEST_CASE("publications come whole, in any pieces, and a long one is cut and acknowledged") {
  std::string bytes, wanted;
  for (int i = 1; i <= 50; ++i) {
    const std::string payload(static_cast<std::size_t>(i * 7), static_cast<char>('a' + i % 26));
    bytes += publish("boats/x", payload, i % 2 == 0 ? i : 0);
    wanted += "boats/x=" + payload + " ";
  }
  for (const std::size_t piece : std::vector<std::size_t>{1, 2, 3, 7, 100, 5000}) {
    Client client = subscribed();
    CHECK(feed(client, bytes, piece) == wanted);
    CHECK(client.to_send().size() == 25 * 4);
  }
  Client client = subscribed();
  const std::string got =
      feed(client, publish("b/x", std::string(20000, 'z'), 9) + publish("b/y", "next", 10), 999);
  CHECK(got == "b/x=" + std::string(Client::kPacketBytes - 7, 'z') + "... b/y=next ");
  CHECK(client.to_send().size() == 8);
}

TEST_CASE("a broker that refuses, does not answer or breaks the protocol is told apart") {
  const auto after = [](const std::string& bytes) {
    Client client(options());
    client.begin(0);
    feed(client, bytes);
    return client.trouble();
  };
  const auto is = [](Trouble trouble) { return static_cast<int>(trouble); };
  CHECK(after(kConnected + kGranted) == 0);
  CHECK(after(std::string("\x20\x02\x00\x04", 4)) == is(Trouble::login_refused));
  CHECK(after(std::string("\x20\x02\x00\x05", 4)) == is(Trouble::login_refused));
  CHECK(after(std::string("\x20\x02\x00\x02", 4)) == is(Trouble::broker_refused));
  CHECK(after(kConnected + std::string("\x90\x04\x00\x01\x01\x80", 6)) ==
        is(Trouble::topic_refused));
  CHECK(after(kConnected + std::string("\x90\x03\x00\x01\x01", 5)) == is(Trouble::malformed));
  CHECK(after(publish("a", "b")) == is(Trouble::malformed));  // before CONNACK
  CHECK(after("HTTP/1.1 400 Bad Request\r\n\r\n") == is(Trouble::malformed));
  CHECK(after(kConnected + std::string("\x30\xFF\xFF\xFF\xFF\x01", 6)) == is(Trouble::malformed));
  CHECK(after(kConnected + kGranted +
              std::string("\x34\x05\x00\x01"
                          "a\x00\x01",
                          7)) == is(Trouble::malformed));  // QoS 2
  Client deaf(options());
  deaf.begin(0);
  deaf.turn(Client::kAnswerNs + 1);
  CHECK(deaf.trouble() == is(Trouble::silent));
}

TEST_CASE("a quiet connection is pinged, and ended when the ping is not answered") {
  Client client = subscribed();
  client.turn(5 * kSecond);
  CHECK(client.to_send().empty());
  client.turn(12 * kSecond);
  CHECK(client.to_send() == std::string("\xC0\x00", 2));
  client.sent(2);
  feed(client, std::string("\xD0\x00", 2));
  client.turn(13 * kSecond);
  CHECK(client.trouble() == 0);
  client.turn(24 * kSecond);
  CHECK(client.trouble() == static_cast<int>(Trouble::silent));
}
