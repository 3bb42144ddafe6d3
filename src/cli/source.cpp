// `vedette source NAME`: what a running node takes from a source, and why not the rest.
#include <algorithm>

#include "cli/ask_node.hpp"
#include "cli/command.hpp"
#include "cli/json_value.hpp"
#include "cli/print.hpp"

namespace vedette::cli {
namespace {

constexpr std::size_t kShown = 100;  // characters of a frame

void print_cause(const JsonValue& cause) {
  print("  %-9s %-18s %8s  %s\n", cause["used"].text().c_str(), cause["cause"].text().c_str(),
        cause["count"].text().c_str(), cause["means"].text().c_str());
  const JsonValue& last = cause["last"];
  if (!last["record"].text().empty()) {
    const std::string text = last["text"].text().empty() ? last["hex"].text() : last["text"].text();
    print("            last, record %s at %s: %s%s\n", last["record"].text().c_str(),
          last["at"].text().c_str(), text.substr(0, kShown).c_str(),
          text.size() > kShown ? "..." : "");
  }
  if (const std::string help = cause["help"].text(); !help.empty()) {
    print("            help: %s\n", help.c_str());
  }
}

}  // namespace

int show_source(const std::string& data, const std::string& name, bool json) {
  int code = kOk;
  const auto answer = ask(data, request::Source{{name}}, "source", json, code);
  if (!answer) {
    return code;
  }
  if (json) {
    print_data("source", encode(*answer));
    return kOk;
  }
  const auto page = JsonValue::parse(encode(*answer));
  if (!page) {
    return fail(false, "source", kInternal, "answer", "the node's answer is no JSON document");
  }
  const JsonValue& s = *page;
  print("source %s: %s, %s\n  %s received, %s accepted, %s parts of messages, %s not used\n",
        s["name"].text().c_str(), s["codec"].text().c_str(), s["status"].text().c_str(),
        s["received"].text().c_str(), s["accepted"].text().c_str(), s["parts"].text().c_str(),
        s["not_used"].text().c_str());
  for (const bool refused : {true, false}) {
    for (const JsonValue& cause : s["causes"].items()) {
      if ((cause["used"].text() == "refused") == refused) {
        print_cause(cause);
      }
    }
  }
  return kOk;
}

}  // namespace vedette::cli
