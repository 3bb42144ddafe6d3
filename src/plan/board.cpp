#include "plan/board.hpp"

#include <algorithm>
#include <array>

#include "model/limits.hpp"
#include "plan/section.hpp"
#include "plan/toml_text.hpp"

namespace vedette::plan {
namespace {

constexpr std::array kEvidence{"device-tree", "datasheet", "measured-on-board", "emulator",
                               "choice"};

struct Row {
  std::string_view section, key;
  bool list;  // holds texts or numbers
};
// Every fact that a board file must hold (a device tree only if U-Boot loads it); Ethernet ports
// and CAN interfaces are lists of tables.
constexpr std::array kRows{
    Row{"board", "title", false},     Row{"board", "machine", false},
    Row{"board", "tested", false},    Row{"cpu", "model", false},
    Row{"cpu", "cores", false},       Row{"cpu", "watch", true},
    Row{"cpu", "line_bytes", false},  Row{"cpu", "l1d_bytes", false},
    Row{"cpu", "l2_bytes", false},    Row{"memory", "bytes", false},
    Row{"serial", "devices", true},   Row{"watchdog", "device", false},
    Row{"watchdog", "driver", false}, Row{"storage", "device", false},
    Row{"boot", "method", false},     Row{"boot", "arguments", false},
    Row{"boot", "modules", true},     Row{"boot", "device_tree", false},
};
constexpr std::array kLists{"port", "can"};

class Reader {
 public:
  Reader(const toml::table& root, ReadBoard& out, Problems& problems)
      : root_(root), out_(out), problems_(problems) {}

  void run() {
    refuse_unknown();
    Board& b = out_.board;
    b.title = text("board", "title");
    b.machine = one_of("board", "machine", {"x86_64", "aarch64"});
    b.tested = text("board", "tested");
    b.cpu_model = text("cpu", "model");
    b.cores = static_cast<std::uint32_t>(number("cpu", "cores", 1, 1024));
    for (const std::int64_t core : numbers("cpu", "watch")) {
      b.watch.push_back(static_cast<std::uint32_t>(core));
    }
    b.line_bytes = number("cpu", "line_bytes", 16, 1024);
    b.l1d_bytes = number("cpu", "l1d_bytes", 1024, 1 << 24);
    b.l2_bytes = number("cpu", "l2_bytes", 1024, 1 << 30);
    b.memory_bytes = number("memory", "bytes", 1 << 24, std::int64_t{1} << 46);
    b.serial = texts("serial", "devices");
    b.watchdog = text("watchdog", "device");
    b.watchdog_driver = text("watchdog", "driver");
    b.storage = text("storage", "device");
    b.boot = one_of("boot", "method", {"uefi", "u-boot", "bios"});
    if (b.boot == "u-boot") {
      b.device_tree = text("boot", "device_tree");
    }
    b.kernel_arguments = text("boot", "arguments");
    b.modules = texts("boot", "modules");
    for (const auto& port : tables("port", std::array{"name", "driver", "dpdk"})) {
      b.ports.push_back({port[0], port[1], port[2]});
    }
    if (b.ports.empty()) {
      problems_.add(0, 0, "the board file has no [[port]]", "name its Ethernet ports");
    }
    for (const auto& bus : tables("can", std::array{"name", "driver"})) {
      b.can.push_back({bus[0], bus[1]});
    }
    const bool outside = std::any_of(b.watch.begin(), b.watch.end(),
                                     [&](std::uint32_t core) { return core >= b.cores; });
    if (b.cores != 0 && (b.watch.empty() || outside || b.watch.size() >= b.cores)) {
      problem("cpu", "watch",
              "\"watch\" must list some of the board's " + std::to_string(b.cores) +
                  " cores and leave one for all other work",
              "write the cores that only the node uses, as in [1]");
    }
    if (b.line_bytes != 0 && b.line_bytes != 64) {
      problem("cpu", "line_bytes",
              "this program needs cache lines of 64 bytes, this board has " +
                  std::to_string(b.line_bytes),
              "build the program for such boards");
    }
  }

 private:
  void problem(std::string_view section, std::string_view key, std::string message,
               std::string help = {}) {
    const toml::node* at = root_[section][key].node();
    at = at == nullptr ? root_[section].node() : at;
    const toml::source_position where =
        at == nullptr ? toml::source_position{} : at->source().begin;
    problems_.add(where.line, where.column, std::move(message), std::move(help));
  }

  void refuse_unknown() {
    for (const auto& [section, value] : root_) {
      if (std::find(kLists.begin(), kLists.end(), section.str()) != kLists.end() &&
          value.is_array_of_tables()) {
        continue;
      }
      std::vector<std::string> known;
      for (const Row& row : kRows) {
        if (row.section == section.str()) {
          known.emplace_back(row.key);
        }
      }
      const auto at = section.source().begin;
      if (known.empty() || !value.is_table()) {
        problems_.add(
            at.line, at.column, "unknown section [" + std::string(section.str()) + "]",
            "a board has board, cpu, memory, port, can, serial, watchdog, storage and boot");
        continue;
      }
      for (const auto& [key, unused] : *value.as_table()) {
        if (std::find(known.begin(), known.end(), key.str()) == known.end()) {
          const std::string best = nearest(key.str(), known);
          problems_.add(key.source().begin.line, key.source().begin.column,
                        "unknown key \"" + std::string(key.str()) + "\"",
                        best.empty() ? "" : "did you mean \"" + best + "\"?");
        }
      }
    }
  }

  // The value of { is = …, from = "…" }, with its evidence noted; null for another form.
  const toml::node* fact(const std::string& name, const toml::node* node) {
    const toml::table* table = node == nullptr ? nullptr : node->as_table();
    const toml::node* value = table == nullptr ? nullptr : table->get("is");
    const auto from = table == nullptr ? std::nullopt : (*table)["from"].value<std::string>();
    const bool known =
        from && std::find(kEvidence.begin(), kEvidence.end(), *from) != kEvidence.end();
    if (value == nullptr || !known) {
      const toml::source_position where =
          node == nullptr ? toml::source_position{} : node->source().begin;
      problems_.add(where.line, where.column,
                    node == nullptr ? "the board file lacks " + name
                                    : name + " lacks its value or where the value is known from",
                    "write " + name.substr(name.find('.') + 1) +
                        " = { is = …, from = \"…\" } with device-tree, datasheet, "
                        "measured-on-board, emulator or choice");
      return nullptr;
    }
    out_.evidence.push_back({name, *from});
    return value;
  }
  const toml::node* fact(std::string_view section, std::string_view key) {
    return fact(std::string(section) + "." + std::string(key), root_[section][key].node());
  }

  std::string text(std::string_view section, std::string_view key) {
    const toml::node* value = fact(section, key);
    if (value != nullptr && !value->is_string()) {
      problem(section, key, "\"" + std::string(key) + "\" must be a text in quotes");
    }
    return value == nullptr ? std::string() : value->value_or(std::string());
  }
  std::string one_of(std::string_view section, std::string_view key,
                     std::vector<std::string> choices) {
    const std::string chosen = text(section, key);
    if (!chosen.empty() && std::find(choices.begin(), choices.end(), chosen) == choices.end()) {
      problem(section, key, "\"" + chosen + "\" is none of the choices of " + std::string(key),
              choices.size() == 2
                  ? "one of: " + choices[0] + ", " + choices[1]
                  : "one of: " + choices[0] + ", " + choices[1] + ", " + choices[2]);
    }
    return chosen;
  }
  std::uint64_t number(std::string_view section, std::string_view key, std::int64_t low,
                       std::int64_t high) {
    const toml::node* value = fact(section, key);
    const auto number = value == nullptr ? std::nullopt : value->value_exact<std::int64_t>();
    if (value != nullptr && (!number || *number < low || *number > high)) {
      problem(section, key,
              "\"" + std::string(key) + "\" must be a whole number of " + std::to_string(low) +
                  " to " + std::to_string(high));
    }
    return number && *number >= low && *number <= high ? static_cast<std::uint64_t>(*number) : 0;
  }
  std::vector<std::int64_t> numbers(std::string_view section, std::string_view key) {
    std::vector<std::int64_t> out;
    const toml::node* value = fact(section, key);
    const toml::array* list = value == nullptr ? nullptr : value->as_array();
    for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
      out.push_back((*list)[i].value_exact<std::int64_t>().value_or(-1));
    }
    return out;
  }
  std::vector<std::string> texts(std::string_view section, std::string_view key) {
    std::vector<std::string> out;
    const toml::node* value = fact(section, key);
    const toml::array* list = value == nullptr ? nullptr : value->as_array();
    if (value != nullptr && list == nullptr) {
      problem(section, key, "\"" + std::string(key) + "\" must be a list of texts");
    }
    for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
      out.push_back((*list)[i].value_or(std::string()));
    }
    return out;
  }

  // The facts of each [[name]], in the order of `keys`.
  template <std::size_t N>
  std::vector<std::array<std::string, N>> tables(const std::string& name,
                                                 const std::array<const char*, N>& keys) {
    std::vector<std::array<std::string, N>> found;
    const toml::array* list = root_[name].as_array();
    for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
      const toml::table& table = *(*list)[i].as_table();
      std::array<std::string, N>& values = found.emplace_back();
      for (std::size_t k = 0; k < N; ++k) {
        const toml::node* value = fact(name + "." + keys[k], table.get(keys[k]));
        values[k] = value == nullptr ? std::string() : value->value_or(std::string());
      }
    }
    return found;
  }

  const toml::table& root_;
  ReadBoard& out_;
  Problems& problems_;
};

std::string core_list(const Board& board, bool watching) {
  std::string list;
  for (std::uint32_t core = 0; core < board.cores; ++core) {
    const bool watches =
        std::find(board.watch.begin(), board.watch.end(), core) != board.watch.end();
    if (watches == watching) {
      list += (list.empty() ? "" : ",") + std::to_string(core);
    }
  }
  return list;
}

}  // namespace

ReadBoard read_board(std::string_view text) {
  ReadBoard out;
  Problems problems;
  if (text.size() > limits::kSiteFileBytes) {
    problems.add(0, 0, "the board file is larger than 1 MiB");
    out.problems = problems.sorted();
    return out;
  }
  if (const auto root = parse_toml(text, problems)) {
    Reader(*root, out, problems).run();
  }
  out.problems = problems.sorted();
  return out;
}

std::string isolation_arguments(const Board& board) {
  const std::string watch = core_list(board, true);
  return "isolcpus=managed_irq,domain," + watch + " nohz_full=" + watch + " rcu_nocbs=" + watch +
         " irqaffinity=" + core_list(board, false);
}

std::uint32_t batch_bound(const Board& board) {
  // An event with the data it touches takes about 2 KiB; tracks get the other half of the cache.
  const std::uint64_t events = board.l2_bytes / 2 / 2048;
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(events, 16, limits::kBatchEvents));
}

}  // namespace vedette::plan
