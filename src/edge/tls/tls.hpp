// Purpose: one end of a TLS 1.2 connection as bytes, by mbedTLS: handshake, records, and whom it
// talks to. No socket. In: bytes from the other end, plain bytes to send. Out: bytes for the other
// end, plain bytes, or why it has ended. Bound: kQueueBytes each way. When full: takes no more.
// Fails as: End, by name and in words. Runs on: a thread that may wait; a handshake takes some
// 10 ms.
//
// Standards: TLS 1.2, RFC 5246; ECDHE, RFC 8422; AES-GCM, RFC 5289; ChaCha20-Poly1305, RFC 7905.
// Two profiles: *fleet*, both ends show certificates on P-256; *outside*, a server of others, which
// may have RSA. No session tickets, no renegotiation, no compression, nothing below 1.2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace vedette::tls {

enum class Cause : std::uint8_t {
  none,
  closed,       // in order, by the other end
  cut,          // without a word
  credentials,  // our own key, certificates or roots cannot be used
  version,      // the other end does not speak TLS 1.2
  no_common_suite,
  no_certificate,  // the other end shows none
  untrusted,       // its certificate leads to no root that we have
  expired,
  not_yet_valid,
  wrong_host,
  refused_by_us,  // by the fleet's rules
  refused_by_peer,
  malformed,  // no TLS, or damaged
  memory,
  count
};
std::string_view name_of(Cause cause);

struct End {
  Cause cause = Cause::none;
  std::string what;
};

// For certificates; see trust/store.hpp.
struct Time {
  std::int64_t now_s = 0;
  bool trusted = false;
};

// What many connections share.
class Profile {
 public:
  Profile();
  ~Profile();
  Profile(Profile&&) noexcept;
  Profile& operator=(Profile&&) noexcept;

  enum class Side : std::uint8_t { client, server };
  // Empty: accepted; else why not. `chain` is in DER, the peer's own first.
  using Judge = std::function<std::string(std::span<const Bytes> chain)>;
  struct Fleet {
    Side side = Side::client;
    std::string certificates, key, roots;  // PEM, its own certificate first
    Judge judge;
  };
  struct Outside {
    std::string roots;  // PEM; what the server's certificate must lead to; empty: none is believed
    std::string certificates, key;  // PEM; empty: we show none
  };
  static Result<Profile, End> fleet(Fleet with);
  static Result<Profile, End> outside(const Outside& with);

 private:
  friend class Session;
  struct State;
  std::unique_ptr<State> state_;
};

class Session {
 public:
  static constexpr std::size_t kQueueBytes = 40'960;  // two records
  static constexpr std::size_t kWriteBytes = 16'384;  // one

  // `host` and `time`: the server's name, and what its certificates are judged at, for the profile
  // *outside*. The profile must outlive the session.
  Session(const Profile& profile, const std::string& host, Time time);
  ~Session();
  Session(Session&&) = delete;

  // For bytes of the other end.
  std::size_t room() const;
  // Takes bytes of the other end, and says how many.
  std::size_t feed(Bytes bytes);
  // The other end sends no more.
  void feed_end();
  std::string_view to_send() const;
  void sent(std::size_t bytes);

  // Goes on as far as the bytes allow.
  void turn();
  bool open() const;
  bool ended() const { return end_.cause != Cause::none; }
  const End& end() const { return end_; }
  // Plain bytes; 0: none now.
  std::size_t read(std::span<std::uint8_t> out);
  // How many it took.
  std::size_t write(Bytes bytes);
  void close();

  // Once open: "TLSv1.2, TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256".
  std::string protocol() const;
  // The other end's certificates, a line each, also of one that was refused.
  std::string peer() const;

  struct State;  // of session.cpp

 private:
  void take(int error);
  void explain(int error);

  std::unique_ptr<State> state_;
  End end_;
};

}  // namespace vedette::tls
