#include "edge/mqtt/client.hpp"

#include <algorithm>

namespace vedette::mqtt {
namespace {

// Section 2.2.1: packet types, in the upper half of the first byte.
enum Type : std::uint8_t {
  kConnect = 1,
  kConnack = 2,
  kPublish = 3,
  kPuback = 4,
  kSubscribe = 8,
  kSuback = 9,
  kPingreq = 12,
  kPingresp = 13,
};
constexpr std::uint16_t kSubscribeId = 1;
constexpr std::uint8_t kLengthBytesMost = 4;

void put16(std::string& out, std::size_t number) {
  out += static_cast<char>(number >> 8 & 0xFF);
  out += static_cast<char>(number & 0xFF);
}
void put_text(std::string& out, std::string_view text) {
  put16(out, text.size());
  out += text;
}

// Section 2.2.3: seven bits a byte, the low ones first.
void put_packet(std::string& out, Type type, std::uint8_t flags, std::string_view body) {
  out += static_cast<char>(type << 4 | flags);
  std::size_t rest = body.size();
  do {
    out += static_cast<char>((rest & 0x7F) | (rest > 0x7F ? 0x80 : 0));
    rest >>= 7;
  } while (rest != 0);
  out += body;
}

}  // namespace

void Client::begin(std::int64_t now_ns) {
  state_ = State::connecting;
  trouble_ = 0;
  to_send_.clear();
  in_body_ = false;
  type_ = length_bytes_ = 0;
  length_ = seen_ = 0;
  body_.clear();
  to_acknowledge_ = 0;
  heard_ns_ = now_ns;
  pinged_ns_ = 0;
  // Section 3.1; the session is clean, so the broker keeps nothing for an absent node: what it kept
  // would look new.
  constexpr std::uint8_t kClean = 0x02, kUser = 0x80, kPassword = 0x40;
  std::string body;
  put_text(body, "MQTT");
  body += char{4};  // protocol level of 3.1.1
  body += static_cast<char>(kClean | (options_.user.empty() ? 0 : kUser) |
                            (options_.password.empty() ? 0 : kPassword));
  put16(body, static_cast<std::size_t>(options_.keepalive_ns / 1'000'000'000));
  put_text(body, options_.client);
  if (!options_.user.empty()) {
    put_text(body, options_.user);
  }
  if (!options_.password.empty()) {
    put_text(body, options_.password);
  }
  put_packet(to_send_, kConnect, 0, body);
}

std::size_t Client::feed(Bytes bytes, std::int64_t now_ns, Publication& out) {
  out = {};
  std::size_t used = 0;
  while (used < bytes.size() && trouble_ == 0 && out.topic.empty() &&
         to_send_.size() < kToSendBytes) {
    if (!in_body_) {
      used += take_head(bytes.subspan(used));
    } else {
      const std::size_t more = std::min(bytes.size() - used, length_ - seen_);
      const std::size_t kept = std::min(more, kPacketBytes - std::min(kPacketBytes, body_.size()));
      const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(used);
      body_.insert(body_.end(), begin, begin + static_cast<std::ptrdiff_t>(kept));
      seen_ += more;
      used += more;
    }
    if (in_body_ && seen_ == length_) {
      in_body_ = false;
      length_bytes_ = 0;
      end_packet(now_ns, out);
    }
  }
  return used;
}

// One byte of the fixed header.
std::size_t Client::take_head(Bytes bytes) {
  const std::uint8_t byte = bytes[0];
  if (length_bytes_ == 0 && type_ == 0) {
    type_ = byte;
    length_ = 0;
    // Another server than a broker is told by its first byte.
    if (type_ == 0 || (state_ == State::connecting && type_ >> 4 != kConnack)) {
      fail(Trouble::malformed);
    }
    return 1;
  }
  length_ |= static_cast<std::size_t>(byte & 0x7F) << (7 * length_bytes_);
  ++length_bytes_;
  if ((byte & 0x80) == 0) {
    in_body_ = true;
    seen_ = 0;
    body_.clear();
  } else if (length_bytes_ == kLengthBytesMost) {
    fail(Trouble::malformed);
  }
  return 1;
}

void Client::end_packet(std::int64_t now_ns, Publication& out) {
  heard_ns_ = now_ns;
  const auto type = static_cast<Type>(type_ >> 4);
  if (type == kConnack) {
    on_connack();
  } else if (type == kSuback) {
    on_suback();
  } else if (type == kPublish) {
    on_publish(out);
  } else if (type == kPingresp) {
    pinged_ns_ = 0;
  } else {
    fail(Trouble::malformed);  // a broker sends a subscriber nothing else
  }
  type_ = 0;
}

// Section 3.2.
void Client::on_connack() {
  if (state_ != State::connecting || body_.size() != 2) {
    fail(Trouble::malformed);
    return;
  }
  constexpr std::uint8_t kBadLogin = 4, kNotAuthorised = 5;
  if (body_[1] != 0) {
    fail(body_[1] == kBadLogin || body_[1] == kNotAuthorised ? Trouble::login_refused
                                                             : Trouble::broker_refused);
    return;
  }
  state_ = State::subscribing;
  std::string body;
  put16(body, kSubscribeId);
  for (const std::string& topic : options_.wanted.topics) {
    put_text(body, topic);
    body += static_cast<char>(options_.wanted.qos);
  }
  put_packet(to_send_, kSubscribe, 2, body);
}

// Section 3.9: one code a topic; the broker may grant less, which is seen by the publications.
void Client::on_suback() {
  constexpr std::uint8_t kFailure = 0x80;
  if (state_ != State::subscribing || body_.size() != 2 + options_.wanted.topics.size() ||
      load_be<std::uint16_t>(body_.data()) != kSubscribeId) {
    fail(Trouble::malformed);
  } else if (std::find(body_.begin() + 2, body_.end(), kFailure) != body_.end()) {
    fail(Trouble::topic_refused);
  } else {
    state_ = State::subscribed;
  }
}

// Section 3.3: topic, with QoS 1 a packet identifier, and the payload.
void Client::on_publish(Publication& out) {
  const std::size_t qos = type_ >> 1 & 3U;
  const std::size_t topic_bytes = body_.size() < 2 ? 0 : load_be<std::uint16_t>(body_.data());
  std::size_t at = 2 + topic_bytes;
  if (topic_bytes == 0 || qos > 1 || at + 2 * qos > body_.size()) {
    fail(Trouble::malformed);  // a topic beyond kPacketBytes is none that a site can use
    return;
  }
  out.topic = as_text(Bytes(body_).subspan(2, topic_bytes));
  if (qos == 1) {
    to_acknowledge_ = load_be<std::uint16_t>(body_.data() + at);
    at += 2;
  }
  out.payload = Bytes(body_).subspan(at);
  out.cut = body_.size() < length_;
}

void Client::taken() {
  if (to_acknowledge_ != 0) {
    std::string body;
    put16(body, to_acknowledge_);
    put_packet(to_send_, kPuback, 0, body);
    to_acknowledge_ = 0;
  }
}

void Client::turn(std::int64_t now_ns) {
  const std::int64_t quiet_ns = now_ns - heard_ns_;
  if (state_ != State::subscribed) {
    if (quiet_ns > kAnswerNs) {
      fail(Trouble::silent);
    }
    return;
  }
  if (pinged_ns_ != 0 && now_ns - pinged_ns_ > options_.keepalive_ns / 2) {
    fail(Trouble::silent);
  } else if (pinged_ns_ == 0 && quiet_ns > options_.keepalive_ns / 2) {
    pinged_ns_ = now_ns;
    put_packet(to_send_, kPingreq, 0, {});
  }
}

}  // namespace vedette::mqtt
