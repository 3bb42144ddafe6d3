// Purpose: the control socket: one line asked, one answer, and the connection ends. Whoever says
// nothing, reads slowly or comes in crowds stops nobody else and nothing else.
// In: lines of clients. Out: what `answer` says to each.
// Bound: kClients at once, kRequestBytes each, kTurnAnswers a turn, kClientNs each. When full: a
// newcomer takes the place of the one that has been silent longest, which is told so and counted;
// where all have asked or have only come, it waits to be let in.
// Runs on: the main thread; never waits but in wait().
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "model/request.hpp"
#include "platform/file.hpp"

namespace vedette::node {

class Control {
 public:
  static constexpr std::size_t kClients = 16;
  static constexpr std::size_t kRequestBytes = request::kRequestBytes + 1;  // and its line end
  static constexpr std::size_t kTurnArrivals = 16;
  static constexpr std::size_t kTurnAnswers = 4;  // each takes as long as a status
  static constexpr std::int64_t kClientNs = 2'000'000'000;
  static constexpr std::int64_t kGraceNs = 50'000'000;  // nobody loses a place sooner

  int listen(const std::string& path);  // errno, or 0
  // One turn: who came, what was asked, what of the answers goes out now.
  void turn(std::int64_t now_ns, const std::function<std::string(std::string_view)>& answer);
  // Until somebody comes, says something or reads on, or the time is over; true: somebody did.
  bool wait(int timeout_ms) const;

  std::uint64_t answered() const { return answered_; }
  std::uint64_t refused() const { return refused_; }  // silent, slow, too long, or one too many
  std::size_t clients() const;

 private:
  struct Client {
    platform::Fd socket;
    std::int64_t came_ns = 0;
    std::size_t asked = 0;  // bytes of the request
    std::array<char, kRequestBytes> request;
    std::string answer;  // what of it is still to go out
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
