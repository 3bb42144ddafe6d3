#include <algorithm>

#include "edge/tls/profile.hpp"

namespace vedette::tls {

struct Session::State {
  Owned<mbedtls_ssl_context, mbedtls_ssl_init, mbedtls_ssl_free> ssl;
  Examination examination;
  std::string in, out;
  bool in_ended = false;
  bool open = false;
};

namespace {

int take_bytes(void* state, unsigned char* out, std::size_t bytes) {
  auto& s = *static_cast<Session::State*>(state);
  if (s.in.empty()) {
    return s.in_ended ? 0 : MBEDTLS_ERR_SSL_WANT_READ;
  }
  const std::size_t n = std::min(bytes, s.in.size());
  std::copy_n(s.in.data(), n, out);
  s.in.erase(0, n);
  return static_cast<int>(n);
}

int give_bytes(void* state, const unsigned char* bytes, std::size_t count) {
  auto& s = *static_cast<Session::State*>(state);
  if (s.out.size() + count > Session::kQueueBytes) {
    return MBEDTLS_ERR_SSL_WANT_WRITE;
  }
  s.out.append(reinterpret_cast<const char*>(bytes), count);
  return static_cast<int>(count);
}

struct Explained {
  int error;
  End end;
};

constexpr int kAlertOfVersion = 70;  // protocol_version, RFC 5246, 7.2

// Alerts that a peer gives, RFC 5246, 7.2.
std::string alert_text(int alert) {
  switch (alert) {
    case 40:
      return "handshake failure: no suite in common, or it wants a certificate";
    case 42:
    case 43:
    case 46:
      return "it does not accept our certificate";
    case 44:
      return "our certificate is revoked";
    case 45:
      return "our certificate has expired";
    case 48:
      return "it does not know who signed our certificate";
    case 49:
      return "access denied";
    default:
      return "alert " + std::to_string(alert);
  }
}

}  // namespace

Session::Session(const Profile& profile, const std::string& host, Time time)
    : state_(std::make_unique<State>()) {
  const Profile::State& p = *profile.state_;
  State& s = *state_;
  s.examination.judge = &p.judge;
  s.examination.time = time;
  s.examination.host = host;
  if (mbedtls_ssl_setup(&s.ssl, &p.config) != 0 ||
      (!host.empty() && mbedtls_ssl_set_hostname(&s.ssl, host.c_str()) != 0)) {
    end_ = {Cause::memory, "there is not enough memory for TLS"};
    return;
  }
  mbedtls_ssl_set_verify(&s.ssl, examine, &s.examination);
  mbedtls_ssl_set_bio(&s.ssl, &s, give_bytes, take_bytes, nullptr);
  turn();
}

Session::~Session() = default;

std::size_t Session::room() const {
  return kQueueBytes - std::min(kQueueBytes, state_->in.size());
}

std::size_t Session::feed(Bytes bytes) {
  const std::size_t n = std::min(bytes.size(), room());
  state_->in.append(reinterpret_cast<const char*>(bytes.data()), n);
  return n;
}

void Session::feed_end() {
  state_->in_ended = true;
}

std::string_view Session::to_send() const {
  return state_->out;
}

void Session::sent(std::size_t bytes) {
  state_->out.erase(0, bytes);
}

void Session::turn() {
  if (ended() || state_->open) {
    return;
  }
  const int error = mbedtls_ssl_handshake(&state_->ssl);
  if (error == 0) {
    state_->open = true;
  } else {
    take(error);
  }
}

bool Session::open() const {
  return state_->open && !ended();
}

std::size_t Session::read(std::span<std::uint8_t> out) {
  if (!open() || out.empty()) {
    return 0;
  }
  const int got = mbedtls_ssl_read(&state_->ssl, out.data(), out.size());
  if (got > 0) {
    return static_cast<std::size_t>(got);
  }
  take(got == 0 ? MBEDTLS_ERR_SSL_CONN_EOF : got);
  return 0;
}

// A record goes out whole, so nothing of it has to be offered again.
std::size_t Session::write(Bytes bytes) {
  constexpr std::size_t kRecordHead = 64;
  const std::size_t n = std::min(bytes.size(), kWriteBytes);
  if (!open() || n == 0 || state_->out.size() + n + kRecordHead > kQueueBytes) {
    return 0;
  }
  const int took = mbedtls_ssl_write(&state_->ssl, bytes.data(), n);
  if (took <= 0) {
    take(took);
    return 0;
  }
  return static_cast<std::size_t>(took);
}

void Session::close() {
  if (open()) {
    (void)mbedtls_ssl_close_notify(&state_->ssl);
  }
}

std::string Session::protocol() const {
  return state_->open ? std::string(mbedtls_ssl_get_version(&state_->ssl)) + ", " +
                            mbedtls_ssl_get_ciphersuite(&state_->ssl)
                      : "";
}

std::string Session::peer() const {
  return describe(state_->examination.chain);
}

void Session::take(int error) {
  if (error != MBEDTLS_ERR_SSL_WANT_READ && error != MBEDTLS_ERR_SSL_WANT_WRITE) {
    explain(error);
  }
}

void Session::explain(int error) {
  State& s = *state_;
  if (s.examination.problem.cause != Cause::none) {
    end_ = s.examination.problem;
    return;
  }
  switch (error) {
    case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY:
      end_ = {Cause::closed, "the other end closed the connection"};
      return;
    case MBEDTLS_ERR_SSL_CONN_EOF:
      end_ = {Cause::cut, s.open ? "the connection was cut"
                                 : "the other end closed the connection amid the handshake"};
      return;
    case MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE:
      end_ = {Cause::no_certificate, "the other end shows no certificate"};
      return;
    case MBEDTLS_ERR_SSL_BAD_HS_PROTOCOL_VERSION:
      end_ = {Cause::version,
              "the other end does not speak TLS 1.2, and no other version is supported"};
      return;
    case MBEDTLS_ERR_SSL_NO_CIPHER_CHOSEN:
    case MBEDTLS_ERR_SSL_NO_USABLE_CIPHERSUITE:
      end_ = {Cause::no_common_suite, "no cipher suite in common"};
      return;
    case MBEDTLS_ERR_SSL_ALLOC_FAILED:
      end_ = {Cause::memory, "there is not enough memory for TLS"};
      return;
    case MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE: {
      const int alert = s.ssl.in_msg == nullptr ? 0 : s.ssl.in_msg[1];
      end_ = alert == kAlertOfVersion
                 ? End{Cause::version,
                       "the other end speaks no TLS 1.2; one that speaks 1.3 only is not supported"}
                 : End{Cause::refused_by_peer, "the other end refuses: " + alert_text(alert)};
      return;
    }
    default:
      end_ = {Cause::malformed,
              "what the other end sends is no TLS 1.2, or was changed on the way"};
  }
}

std::string_view name_of(Cause cause) {
  constexpr std::string_view kNames[] = {
      "none",
      "closed",
      "cut",
      "credentials",
      "version",
      "no_common_suite",
      "no_certificate",
      "untrusted",
      "expired",
      "not_yet_valid",
      "wrong_host",
      "refused_by_us",
      "refused_by_peer",
      "malformed",
      "memory",
  };
  static_assert(std::size(kNames) == static_cast<std::size_t>(Cause::count));
  return kNames[static_cast<std::size_t>(cause)];
}

}  // namespace vedette::tls
