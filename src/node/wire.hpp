// Purpose: the bytes of a connection to a server, in clear or by TLS. In: a descriptor that does
// not wait. Out: plain bytes. Bound: tls::Session's queues. When full: -EAGAIN. Fails as: -errno or
// -Trouble. Runs on: the main thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/bytes.hpp"
#include "edge/tls/tls.hpp"
#include "model/plan_generated.h"

namespace vedette::node {

// The profile of a source with `tls`, from its files; the error says which cannot be used.
Result<tls::Profile, std::string> profile_of(const plan::Source& source);
// The name that the server of this source must have, when `target` ("host:port") is connected.
std::string server_name_of(const plan::Source& source, std::string_view target);

class Wire {
 public:
  // Without a profile in clear. The descriptor stays the caller's.
  void begin(int fd, const tls::Profile* profile, const std::string& host, tls::Time time);
  void end() {
    session_.reset();
    fd_ = -1;
  }
  // Null in clear.
  const tls::Session* session() const { return session_ ? &*session_ : nullptr; }
  // Handshake done.
  bool open() const { return fd_ >= 0 && (!session_ || session_->open()); }

  // How many; 0: the other end closed.
  std::int64_t read(std::span<std::uint8_t> into);
  std::int64_t write(Bytes bytes);

 private:
  std::int64_t pump();
  std::int64_t flush();

  int fd_ = -1;
  std::optional<tls::Session> session_;
};

}  // namespace vedette::node
