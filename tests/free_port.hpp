// Purpose: a UDP port of this machine that nobody uses now, for tests that send and receive.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>

#include "base/check.hpp"
#include "platform/file.hpp"

namespace vedette::tests {

inline std::uint16_t free_port() {
  const platform::Fd socket(::socket(AF_INET, SOCK_DGRAM, 0));
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t bytes = sizeof any;
  CHECK(::bind(socket.get(), reinterpret_cast<sockaddr*>(&any), sizeof any) == 0 &&
            ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&any), &bytes) == 0,
        "loopback gives a port");
  return ntohs(any.sin_port);
}

}  // namespace vedette::tests
