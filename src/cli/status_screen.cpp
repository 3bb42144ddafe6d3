#include "cli/status_screen.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "base/units.hpp"
#include "model/cause.hpp"
#include "node/why.hpp"

namespace vedette::cli {
namespace {

constexpr std::size_t kCauses = 5, kAlarms = 8, kSources = 8, kSinks = 6;  // lines of each

std::string padded(std::string text, std::size_t to) {
  text.resize(std::max(text.size() + 1, to), ' ');
  return text;
}

std::string age_between(const std::string& since, const std::string& now) {
  const auto from = parse_time(since);
  const auto to = parse_time(now);
  const double s = from && to ? static_cast<double>(*to - *from) * 1e-9 : 0.0;
  return node::quantity_text(s < 60.0 ? s : static_cast<double>(static_cast<std::int64_t>(s)),
                             Dimension::duration);
}

std::string bytes_text(double bytes) {
  std::string text;
  const double mib = bytes / 1048576.0;
  append_decimal(text, mib < 1024.0 ? mib : mib / 1024.0, 1);
  return text + (mib < 1024.0 ? " MiB" : " GiB");
}

class Screen {
 public:
  explicit Screen(std::size_t columns) : columns_(columns) {}
  // A line, cut at the edge between characters.
  void line(std::string text) {
    std::size_t columns = 0;
    std::size_t end = 0;
    for (; end < text.size(); ++end) {
      const bool begins = (static_cast<unsigned char>(text[end]) & 0xC0) != 0x80;
      columns += begins ? 1 : 0;
      if (begins && columns > columns_) {
        break;
      }
    }
    text.resize(end);
    text.resize(text.find_last_not_of(' ') + 1);
    text_ += text + "\n";
  }
  void gap() { text_ += "\n"; }
  // The list's first `most`, then how many are left out.
  template <typename Item, typename Show>
  void list(const std::vector<Item>& items, std::size_t most, const char* left_out, Show&& show) {
    for (std::size_t i = 0; i < items.size() && i < most; ++i) {
      show(items[i]);
    }
    if (items.size() > most) {
      line("  and " + std::to_string(items.size() - most) + " more: " + left_out);
    }
  }
  const std::string& text() const { return text_; }

 private:
  std::size_t columns_;
  std::string text_;
};

void show_mode(Screen& screen, const JsonValue& s) {
  const std::string head = padded(s["site"].text(), 24) + "mode " + s["mode"].text();
  std::string now = s["now"].text().substr(0, 19);
  std::replace(now.begin(), now.end(), 'T', ' ');
  screen.line(padded(head, 56) + now + " UTC");
  screen.list(s["causes"].items(), kCauses, "`vedette status --json`", [&](const JsonValue& cause) {
    const std::string& name = cause["name"].text();
    std::string text = "  " + name + " for " + age_between(cause["since"].text(), s["now"].text());
    const CauseFacts* facts = nullptr;
    for (std::size_t c = 0; c < kCauseKinds; ++c) {
      const CauseFacts& one = facts_of(static_cast<Cause>(c));
      facts = one.name == name.substr(0, name.find('.')) ? &one : facts;
    }
    screen.line(text + (facts == nullptr ? "" : ": " + std::string(facts->means)));
    if (facts != nullptr) {
      screen.line("    do: " + std::string(facts->remedy));
    }
  });
}

void show_alarms(Screen& screen, const JsonValue& alarms) {
  screen.gap();
  if (alarms.empty()) {
    screen.line("alarms are not known: the mirror does not answer");
    return;
  }
  std::vector<std::string> shown;
  std::size_t open = 0, aside = 0;
  for (const JsonValue& alarm : alarms["alarms"].items()) {
    const std::string& state = alarm["state"].text();
    open += state == "unacknowledged" || state == "returned" ? 1 : 0;
    if (state == "shelved" || state == "suppressed") {
      ++aside;
    } else {
      shown.push_back(alarm["line"].text());
    }
  }
  screen.line(
      std::to_string(shown.size()) + (shown.size() == 1 ? " alarm, " : " alarms, ") +
      std::to_string(open) + " not acknowledged" +
      (aside == 0 ? "" : ", " + std::to_string(aside) + " shelved or following from others"));
  screen.list(shown, kAlarms, "`vedette alarms`",
              [&](const std::string& text) { screen.line("  " + text); });
}

std::uint64_t refused_of(const JsonValue& source) {
  double sum = 0.0;
  for (const JsonValue& count : source["refused"].items()) {
    sum += count.number();
  }
  return static_cast<std::uint64_t>(sum);
}

// Those with trouble first, else in the order of the site file.
template <typename Trouble>
std::vector<JsonValue> worst_first(const JsonValue& list, Trouble&& trouble) {
  std::vector<JsonValue> items = list.items();
  std::stable_partition(items.begin(), items.end(), trouble);
  return items;
}

void show_sources(Screen& screen, const JsonValue& s) {
  screen.gap();
  screen.line("SOURCE            STATE     EVENTS      NOT USED  REFUSED   MISSED");
  const auto down = [](const JsonValue& source) { return source["status"].text() == "down"; };
  screen.list(worst_first(s["sources"], down), kSources, "`vedette status --json`",
              [&](const JsonValue& source) {
                std::string text = padded(source["name"].text(), 18);
                text = padded(text + source["status"].text(), 28);
                text = padded(text + source["accepted"].text(), 40);
                text = padded(text + source["not_used"].text(), 50);
                text = padded(text + std::to_string(refused_of(source)), 60);
                screen.line(text + source["missed"].text());
                if (const std::string& error = source["error"].text(); !error.empty()) {
                  screen.line("    " + error);
                }
              });
}

void show_sinks(Screen& screen, const JsonValue& s) {
  screen.gap();
  screen.line("SINK              STATE     SENT        FAILED    UNRECORDED");
  const auto open = [](const JsonValue& sink) { return sink["breaker"].text() != "closed"; };
  screen.list(
      worst_first(s["sinks"], open), kSinks, "`vedette status --json`", [&](const JsonValue& sink) {
        std::string text = padded(sink["name"].text(), 18);
        text = padded(text + (open(sink) ? "fails" : "takes"), 28);
        text = padded(text + sink["sent"].text(), 40);
        text = padded(text + sink["failed"].text(), 50) + sink["unrecorded"].text();
        const std::string& waits = sink["waits_for"].text();
        const double unconfirmed = sink["unconfirmed"].number();
        text += unconfirmed == 0.0 ? "" : "  " + sink["unconfirmed"].text() + " unconfirmed";
        screen.line(text + (waits.empty() ? "" : "  waits for the " + waits));
      });
}

void show_rest(Screen& screen, const JsonValue& s) {
  const JsonValue& journal = s["journal"];
  const double behind = s["sequence"].number() - s["durable_sequence"].number();
  std::string disk = "disk    ";
  disk += !journal["error"].empty() ? journal["error"].text()
          : behind <= 0.0
              ? "everything is on it"
              : std::to_string(static_cast<std::uint64_t>(behind)) + " events are not on it yet";
  disk += ", " + bytes_text(journal["bytes"].number()) + " written";
  disk += journal["hours_left"].empty()
              ? ""
              : ", room for " + journal["hours_left"].text() + " h at this rate";
  disk += journal["hours_fit"].empty() ? ""
                                       : ", keeps " + journal["hours_fit"].text() + " h of history";
  disk += journal["unrecorded_batches"].empty()
              ? ""
              : ", " + journal["unrecorded_batches"].text() + " batches missing";
  screen.gap();
  screen.line(disk);
  if (const JsonValue& wear = journal["wear"]; !wear["budget"].empty()) {
    const bool spares = wear["step"].number() > 0.0;
    screen.line("flash   " +
                (wear["bytes_day"].empty() ? std::string("not measured yet")
                                           : bytes_text(wear["bytes_day"].number()) + " a day") +
                " of " + bytes_text(wear["budget"].number()) +
                (!spares ? std::string(", nothing is spared")
                         : ", step " + wear["step"].text() + ": commit " + wear["commit_s"].text() +
                               " s, image every " + wear["checkpoint_s"].text() + " s" +
                               (wear["packs"].is_true() ? ", blocks are packed" : "")));
  }
  const JsonValue& mirror = s["mirror"];
  const double lag = mirror["lag_batches"].number();
  screen.line("mirror  " +
              (mirror["catching_up"].is_true() ? std::string("catching up")
               : lag <= 1.0                    ? std::string("level with the engine")
                                               : mirror["lag_batches"].text() + " batches behind") +
              ", " + mirror["compared"].text() + " batches compared, " + mirror["differed"].text() +
              " differed");
  const JsonValue& tables = s["tables"];
  screen.line("belief  " + tables["tracks"]["held"].text() + " of " +
              tables["tracks"]["most"].text() + " tracks, " + tables["contacts"]["held"].text() +
              " contacts; " + s["events"]["accepted"].text() + " events, " +
              s["events"]["waiting"].text() + " wait, " + s["events"]["abandonment"].text() +
              " abandoned");
  const JsonValue& identity = s["identity"];
  const std::string name = identity["name"].text();
  if (!name.empty() || !identity["problem"].text().empty()) {
    screen.line("fleet   " + (name.empty() ? identity["problem"].text()
                                           : name + " of " + identity["fleet"].text() + ", until " +
                                                 identity["until"].text().substr(0, 10)));
    if (!identity["time_trusted"].is_true()) {
      screen.line("        time: untrusted: " + identity["time_why"].text());
    }
  }
  screen.list(s["without"].items(), 2, "`vedette doctor`",
              [&](const JsonValue& text) { screen.line("without " + text.text()); });
}

}  // namespace

std::string status_screen(const JsonValue& status, const JsonValue& alarms, std::size_t columns) {
  Screen screen(columns);
  show_mode(screen, status);
  show_alarms(screen, alarms);
  show_sources(screen, status);
  show_sinks(screen, status);
  show_rest(screen, status);
  return screen.text();
}

}  // namespace vedette::cli
