// Purpose: one MQTT 3.1.1 connection as a subscriber: the protocol alone, without a socket. In: the
// broker's bytes, monotonic time. Out: bytes to send, and each message that the broker publishes.
// Bound: kPacketBytes of a packet; of a longer one the beginning is given, marked as cut. When what
// is to be sent reaches kToSendBytes, feed() takes no more. Fails as: Trouble; then the connection
// is of no more use. Runs on: a warm thread.
//
// Standard: OASIS MQTT Version 3.1.1; sections in the source.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/trouble.hpp"

namespace vedette::mqtt {

// What a site subscribes to.
struct Subscription {
  std::vector<std::string> topics;  // filters; + and # as section 4.7 says
  std::uint8_t qos = 0;             // 0 or 1
};

struct Options {
  std::string client;  // its identifier, 23 letters and digits at most
  std::string user, password;
  std::int64_t keepalive_ns = 0;  // whole seconds; it pings after half of it
  Subscription wanted;
};

struct Publication {
  std::string_view topic;
  Bytes payload;
  bool cut;  // longer than kPacketBytes; the payload's beginning
};

class Client {
 public:
  static constexpr std::size_t kPacketBytes = 4096;
  static constexpr std::size_t kToSendBytes = 16384;
  static constexpr std::int64_t kAnswerNs = 10'000'000'000;  // for the broker's first answers

  explicit Client(Options options) : options_(std::move(options)) {}

  // A new connection: forgets what belongs to the one before.
  void begin(std::int64_t now_ns);
  // Takes bytes up to and including the first whole publication, and says how many; `out.topic` is
  // empty when none was among them. What `out` points to lasts until the next call.
  std::size_t feed(Bytes bytes, std::int64_t now_ns, Publication& out);
  // The publication given last is in safe hands: acknowledges it.
  void taken();
  // Pings, and finds out that the broker does not answer.
  void turn(std::int64_t now_ns);

  std::string_view to_send() const { return to_send_; }
  void sent(std::size_t bytes) { to_send_.erase(0, bytes); }
  bool subscribed() const { return state_ == State::subscribed; }
  // 0, or a Trouble.
  int trouble() const { return trouble_; }

 private:
  enum class State : std::uint8_t { connecting, subscribing, subscribed };

  std::size_t take_head(Bytes bytes);
  void end_packet(std::int64_t now_ns, Publication& out);
  void on_connack();
  void on_suback();
  void on_publish(Publication& out);
  void fail(Trouble trouble) { trouble_ = static_cast<int>(trouble); }

  Options options_;
  State state_ = State::connecting;
  int trouble_ = 0;
  std::string to_send_;
  // The packet in work: its fixed header, then its body.
  std::uint8_t type_ = 0;
  bool in_body_ = false;
  std::uint8_t length_bytes_ = 0;
  std::size_t length_ = 0;
  std::size_t seen_ = 0;  // of the body
  std::vector<std::uint8_t> body_;
  std::uint16_t to_acknowledge_ = 0;  // 0: nothing
  std::int64_t heard_ns_ = 0;
  std::int64_t pinged_ns_ = 0;  // 0: no ping is unanswered
};

}  // namespace vedette::mqtt
