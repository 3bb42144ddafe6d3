#include "node/control.hpp"

#include <algorithm>
#include <cerrno>

#include "model/derived.hpp"
#include "platform/socket.hpp"

namespace vedette::node {
namespace {

constexpr std::size_t kRestReads = 64;

}  // namespace

int Control::listen(const std::string& path) {
  auto listening = platform::listen_unix(path);
  if (!listening) {
    return listening.error();
  }
  listener_ = std::move(listening).value();
  return 0;
}

std::size_t Control::clients() const {
  return static_cast<std::size_t>(std::count_if(clients_.begin(), clients_.end(),
                                                [](const Client& c) { return c.socket.valid(); }));
}

void Control::end(Client& client) {
  // Closing with unread input would reset the connection and lose the answer.
  std::array<std::uint8_t, kRequestBytes> rest;
  for (std::size_t i = 0; i < kRestReads && platform::receive_now(client.socket.get(), rest) > 0;
       ++i) {
  }
  client.socket = platform::Fd();
  client.asked = 0;
  client.answer.clear();
  client.stage = Stage::asks;
}

void Control::refuse(Client& client, std::string_view why) {
  ++refused_;
  if (client.stage != Stage::answered) {  // nothing may follow a partly sent answer
    platform::write_now(client.socket.get(),
                        as_bytes(encode(request::Refused{std::string(why)}) + "\n"));
  }
  end(client);
}

// A free slot, or that of the client silent for longest; null while all have asked or have only
// just come.
Control::Client* Control::place(std::int64_t now_ns) {
  Client* oldest = nullptr;
  for (Client& c : clients_) {
    if (!c.socket.valid()) {
      return &c;
    }
    const bool silent = c.stage == Stage::asks && now_ns - c.came_ns > kGraceNs;
    if (silent && (oldest == nullptr || c.came_ns < oldest->came_ns)) {
      oldest = &c;
    }
  }
  return oldest;
}

void Control::let_in(std::int64_t now_ns) {
  for (std::size_t i = 0; i < kTurnArrivals; ++i) {
    Client* at = place(now_ns);
    if (at == nullptr) {
      return;
    }
    auto client = platform::accept_unix(listener_.get());
    if (!client) {
      return;
    }
    if (at->socket.valid()) {
      refuse(*at, "connection closed: it sent no request while others wait");
    }
    at->socket = std::move(client).value();
    at->came_ns = now_ns;
    hear(*at);
  }
}

// A request ends at its line end, or when the client shuts down its side.
void Control::hear(Client& c) {
  const auto got = platform::receive_now(
      c.socket.get(),
      {reinterpret_cast<std::uint8_t*>(c.request.data()) + c.asked, kRequestBytes - c.asked});
  c.asked += got > 0 ? static_cast<std::size_t>(got) : 0;
  const std::string_view text(c.request.data(), c.asked);
  if (text.find('\n') != text.npos || (got == 0 && c.asked != 0 && c.asked < kRequestBytes)) {
    c.stage = Stage::asked;
  } else if (c.asked == kRequestBytes) {
    refuse(c, "the request is too long");
  } else if (got == 0 || (got < 0 && got != -EAGAIN && got != -EINTR)) {
    end(c);
  }
}

void Control::turn(std::int64_t now_ns, const Answer& answer) {
  if (!listener_.valid()) {
    return;
  }
  let_in(now_ns);
  std::size_t answers = 0;
  for (Client& c : clients_) {
    if (c.socket.valid() && c.stage == Stage::asks) {
      hear(c);
    }
    if (c.socket.valid() && c.stage == Stage::asked && answers < kTurnAnswers) {
      ++answers;
      const std::string_view text(c.request.data(), c.asked);
      // One of whom the system does not say who he is has no role.
      const auto who = platform::peer_account(c.socket.get());
      c.answer =
          answer(text.substr(0, text.find('\n')), who.value_or(platform::Account{kNobody, {}})) +
          "\n";
      c.stage = Stage::answered;
    }
    if (c.socket.valid() && c.stage == Stage::answered) {
      const auto sent = platform::write_now(c.socket.get(), as_bytes(c.answer));
      c.answer.erase(0, sent > 0 ? static_cast<std::size_t>(sent) : 0);
      if (c.answer.empty()) {
        ++answered_;
        end(c);
      } else if (sent < 0 && sent != -EAGAIN && sent != -EINTR) {
        ++refused_;
        end(c);
      }
    }
    if (c.socket.valid() && now_ns - c.came_ns > kClientNs) {
      refuse(c, "connection closed: no request came within two seconds");
    }
  }
}

bool Control::wait(int timeout_ms) const {
  std::array<platform::Awaited, kClients + 1> awaited;
  std::size_t count = 0;
  if (listener_.valid()) {
    awaited[count++] = {listener_.get(), false};
  }
  for (const Client& c : clients_) {
    if (c.socket.valid() && c.stage == Stage::asked) {
      return true;
    }
    if (c.socket.valid()) {
      awaited[count++] = {c.socket.get(), c.stage == Stage::answered};
    }
  }
  return platform::wait_any(std::span(awaited).first(count), timeout_ms);
}

}  // namespace vedette::node
