#include "cli/ask_node.hpp"

#include "cli/command.hpp"
#include "platform/file.hpp"
#include "platform/socket.hpp"

namespace vedette::cli {

std::optional<request::Answer> ask(const std::string& data, const request::Request& wanted,
                                   const std::string& schema, bool json, int& code) {
  auto connected = platform::connect_unix(data + "/control.sock");
  if (!connected) {
    code = fail(json, schema, kUnreachable, "unreachable",
                "no node is running on " + data + ": " + platform::error_text(connected.error()),
                "name the node's data folder with --data, or start it with `vedette run`");
    return std::nullopt;
  }
  platform::write_now(connected.value().get(), as_bytes(encode(wanted) + "\n"));
  std::string line;
  std::uint8_t buffer[4096];
  while (platform::wait_readable(connected.value().get(), 2000)) {
    const auto got = platform::receive_now(connected.value().get(), buffer);
    if (got <= 0) {
      break;
    }
    line.append(as_text(Bytes(buffer, static_cast<std::size_t>(got))));
  }
  while (!line.empty() && line.back() == '\n') {
    line.pop_back();
  }
  auto answer = request::decode_answer(line);
  if (!answer) {
    code =
        fail(json, schema, kTryLater, "busy", "the node on " + data + " did not answer within 2 s",
             "ask again; a node that hangs ends itself after [cores] watchdog");
  } else if (const auto* refused = std::get_if<request::Refused>(&*answer)) {
    code = fail(json, schema, kTryLater, "refused", refused->why);
    answer = std::nullopt;
  } else {
    code = kOk;
  }
  return answer;
}

}  // namespace vedette::cli
