// Purpose: the control socket: one request line, one answer, and the connection ends. Silent, slow
// or numerous clients block neither others nor the node. In: lines of clients. Out: `answer`'s
// reply to each. Bound: kClients at once, kRequestBytes each, kTurnAnswers a turn, kClientNs each.
// When full: a newcomer replaces the client that has been silent longest, which is told and
// counted; if all have asked or have only just come, it waits. Runs on: the main thread; waits only
// in wait().
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "model/request.hpp"
#include "platform/accounts.hpp"
#include "platform/file.hpp"

namespace vedette::node {

class Control {
 public:
  static constexpr std::size_t kClients = 16;
  static constexpr std::size_t kRequestBytes = request::kRequestBytes + 1;  // and its line end
  static constexpr std::size_t kTurnArrivals = 16;
  static constexpr std::size_t kTurnAnswers = 4;  // an answer takes as long as a status
  static constexpr std::int64_t kClientNs = 2'000'000'000;
  static constexpr std::int64_t kGraceNs = 50'000'000;  // a client's least stay

  int listen(const std::string& path);  // errno, or 0
  // One turn: accepts clients, reads requests, sends as much of the answers as possible.
  // `answer` gets the request and who is at the other end.
  using Answer = std::function<std::string(std::string_view, const platform::Account&)>;
  void turn(std::int64_t now_ns, const Answer& answer);
  // Waits for a client to connect, write or read, or for the time-out; true: one did.
  bool wait(int timeout_ms) const;

  std::uint64_t answered() const { return answered_; }
  std::uint64_t refused() const { return refused_; }  // silent, slow, overlong, or one too many
  std::size_t clients() const;

 private:
  struct Client {
    platform::Fd socket;
    std::int64_t came_ns = 0;
    std::size_t asked = 0;  // bytes of the request
    std::array<char, kRequestBytes> request;
    std::string answer;  // the rest to be sent
    enum class Stage : std::uint8_t { asks, asked, answered } stage = Stage::asks;
  };
  using Stage = Client::Stage;

  void let_in(std::int64_t now_ns);
  void hear(Client& client);
  Client* place(std::int64_t now_ns);
  void refuse(Client& client, std::string_view why);
  static void end(Client& client);

  platform::Fd listener_;
  std::array<Client, kClients> clients_;
  std::uint64_t answered_ = 0;
  std::uint64_t refused_ = 0;
};

}  // namespace vedette::node
