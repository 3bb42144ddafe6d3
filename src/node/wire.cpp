#include "node/wire.hpp"

#include <cerrno>

#include "base/trouble.hpp"
#include "platform/file.hpp"
#include "platform/socket.hpp"

namespace vedette::node {
namespace {

constexpr std::size_t kPemBytes = std::size_t{1} << 20;

Trouble trouble_of(tls::Cause cause) {
  switch (cause) {
    case tls::Cause::version:
    case tls::Cause::no_common_suite:
      return Trouble::tls_version;
    case tls::Cause::untrusted:
    case tls::Cause::no_certificate:
    case tls::Cause::refused_by_us:
      return Trouble::tls_untrusted;
    case tls::Cause::expired:
      return Trouble::tls_expired;
    case tls::Cause::not_yet_valid:
      return Trouble::tls_not_yet_valid;
    case tls::Cause::wrong_host:
      return Trouble::tls_wrong_host;
    case tls::Cause::refused_by_peer:
      return Trouble::tls_refused;
    case tls::Cause::malformed:
    case tls::Cause::credentials:
      return Trouble::tls_malformed;
    case tls::Cause::memory:
      return Trouble::tls_memory;
    default:
      return Trouble::closed;
  }
}

}  // namespace

Result<tls::Profile, std::string> profile_of(const plan::Source& source) {
  const std::string name = "source " + source.name()->str() + ": ";
  std::array<std::string, 3> texts;
  const flatbuffers::String* paths[] = {source.ca_file(), source.certificate_file(),
                                        source.key_file()};
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::string path = paths[i]->str();
    if (path.empty()) {
      continue;
    }
    const auto bytes = platform::read_file(path, kPemBytes);
    if (!bytes) {
      return Failure{name + path + ": " + platform::error_text(bytes.error())};
    }
    if (i == 2 && platform::open_to_others(path)) {
      return Failure{name + path +
                     " holds a key, and others than its owner may read it; `chmod 600 " + path +
                     "`"};
    }
    texts[i].assign(bytes->begin(), bytes->end());
  }
  auto profile = tls::Profile::outside({texts[0], texts[1], texts[2]});
  return profile ? Result<tls::Profile, std::string>(std::move(profile).value())
                 : Failure{name + profile.error().what};
}

std::string server_name_of(const plan::Source& source, std::string_view target) {
  const std::string name = source.server_name()->str();
  return name.empty() ? std::string(target.substr(0, target.rfind(':'))) : name;
}

void Wire::begin(int fd, const tls::Profile* profile, const std::string& host, tls::Time time) {
  fd_ = fd;
  session_.reset();
  if (profile != nullptr) {
    session_.emplace(*profile, host, time);
  }
}

std::int64_t Wire::flush() {
  while (!session_->to_send().empty()) {
    const std::int64_t sent = platform::write_now(fd_, as_bytes(session_->to_send()));
    if (sent < 0) {
      return sent == -EAGAIN ? 0 : sent;
    }
    session_->sent(static_cast<std::size_t>(sent));
  }
  return 0;
}

// Takes what the socket has, as far as there is room, and goes on with the handshake.
std::int64_t Wire::pump() {
  std::array<std::uint8_t, 4096> bytes;
  std::int64_t got = 0;
  while (session_->room() >= bytes.size()) {
    got = platform::receive_now(fd_, bytes);
    if (got <= 0) {
      break;
    }
    session_->feed(Bytes(bytes.data(), static_cast<std::size_t>(got)));
  }
  if (got == 0 && session_->room() >= bytes.size()) {
    session_->feed_end();
  }
  session_->turn();
  return got < 0 && got != -EAGAIN ? got : 0;
}

std::int64_t Wire::read(std::span<std::uint8_t> into) {
  if (!session_) {
    return platform::receive_now(fd_, into);
  }
  const std::int64_t pumped = pump();
  const std::size_t got = session_->read(into);
  const std::int64_t flushed = flush();  // an alert, too
  if (got != 0) {
    return static_cast<std::int64_t>(got);
  }
  if (session_->ended()) {
    const tls::Cause cause = session_->end().cause;
    return cause == tls::Cause::closed ? 0 : -static_cast<std::int64_t>(trouble_of(cause));
  }
  return pumped != 0 ? pumped : flushed != 0 ? flushed : -EAGAIN;
}

std::int64_t Wire::write(Bytes bytes) {
  if (!session_) {
    return platform::write_now(fd_, bytes);
  }
  const std::size_t took = session_->write(bytes);
  const std::int64_t flushed = flush();
  return took != 0 ? static_cast<std::int64_t>(took) : flushed != 0 ? flushed : -EAGAIN;
}

}  // namespace vedette::node
