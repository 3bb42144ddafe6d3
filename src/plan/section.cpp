#include "plan/section.hpp"

#include <charconv>

#include "base/check.hpp"
#include "base/text.hpp"

namespace vedette::plan {
namespace {

std::string unit_list(Dimension dimension) {
  std::string list;
  for (const UnitName& unit : kUnits) {
    if (unit.dimension == dimension) {
      list += (list.empty() ? "" : ", ") + std::string(unit.name);
    }
  }
  return list;
}

std::string show(double value) {
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  return {buffer, end};
}

}  // namespace

Section::Section(std::string_view section, std::string_view name, const toml::table* table,
                 const toml::source_region& where, Problems& problems)
    : section_(section), name_(name), table_(table), where_(where), problems_(problems) {
  std::vector<std::string> known;
  for (const Key& k : keys()) {
    if (k.section == section_) {
      known.emplace_back(k.key);
    }
  }
  if (table_ != nullptr) {
    for (const auto& [key, value] : *table_) {
      const std::string_view word = key.str();
      bool found = false;
      for (const std::string& k : known) {
        found = found || k == word;
      }
      if (!found && !(section_.empty() && value.is_table())) {
        const std::string best = nearest(word, known);
        const auto at = key.source().begin;
        problems_.add(at.line, at.column, "unknown key \"" + std::string(word) + "\" in " + title(),
                      best.empty() ? "" : "did you mean \"" + best + "\"?");
      }
    }
  }
  for (const Key& k : keys()) {
    if (k.section == section_ && k.fallback == "!" && !has(k.key)) {
      problems_.add(where_.begin.line, where_.begin.column,
                    title() + " needs \"" + std::string(k.key) + "\"", std::string(k.text));
    }
  }
}

std::string Section::title() const {
  return section_.empty() ? "the site file"
                          : "[" + section_ + (name_.empty() ? "" : "." + name_) + "]";
}

const Key& Section::row(std::string_view key) const {
  for (const Key& k : keys()) {
    if (k.section == section_ && k.key == key) {
      return k;
    }
  }
  CHECK(false, "a key that the schema does not have");
  return keys()[0];
}

bool Section::has(std::string_view key) const {
  return table_ != nullptr && table_->contains(key);
}

const toml::node* Section::node(std::string_view key) {
  return table_ == nullptr ? nullptr : table_->get(key);
}

void Section::problem(std::string_view key, std::string message, std::string help) {
  const toml::node* n = node(key);
  const auto at = n != nullptr ? n->source().begin : where_.begin;
  problems_.add(at.line, at.column, std::move(message), std::move(help));
}

void Section::problem_in(std::string_view key, std::size_t offset, std::string message,
                         std::string help) {
  const toml::node* n = node(key);
  const auto at = n != nullptr ? n->source().begin : where_.begin;
  // One more for the opening quote.
  problems_.add(at.line, at.column + 1 + static_cast<std::uint32_t>(offset), std::move(message),
                std::move(help));
}

double Section::in_range(const Key& k, double value, std::string_view key) {
  if (k.low != k.high && (value < k.low || value > k.high)) {
    const std::string unit =
        k.dimension == Dimension::number || k.kind == ValueKind::whole
            ? ""
            : " " + unit_list(k.dimension).substr(0, unit_list(k.dimension).find(','));
    problem(key, "\"" + std::string(key) + "\" is " + show(value) + unit + ", outside " +
                     show(k.low) + " to " + show(k.high) + unit);
  }
  return value;
}

double Section::to_quantity(const Key& k, std::string_view text, std::string_view key) {
  std::string_view number = text;
  std::size_t split = 0;
  while (split < text.size() && ((text[split] >= '0' && text[split] <= '9') || text[split] == '.' ||
                                 text[split] == '-' || text[split] == '+' || text[split] == '_')) {
    ++split;
  }
  number = text.substr(0, split);
  std::string_view unit_text = text.substr(split);
  while (!unit_text.empty() && unit_text.front() == ' ') {
    unit_text.remove_prefix(1);
  }
  std::string digits;
  for (const char c : number) {
    if (c != '_') {
      digits += c;
    }
  }
  const auto value = parse_decimal(digits);
  const UnitName* unit = find_unit(unit_text);
  const bool bare =
      unit_text.empty() && (k.dimension == Dimension::ratio || k.dimension == Dimension::number);
  if (!value || (!bare && (unit == nullptr || unit->dimension != k.dimension))) {
    problem(key, "\"" + std::string(text) + "\" is not a " + std::string(name_of(k.dimension)),
            "write a number and a unit: " + unit_list(k.dimension));
    return k.low;
  }
  return in_range(k, bare ? *value : *value * unit->factor, key);
}

std::string Section::text(std::string_view key) {
  const Key& k = row(key);
  const toml::node* n = node(key);
  if (n == nullptr) {
    return k.fallback == "!" ? std::string() : std::string(k.fallback);
  }
  if (const auto value = n->value_exact<std::string>()) {
    if (value->size() > 400) {
      problem(key, "\"" + std::string(key) + "\" is longer than 400 bytes");
    }
    return *value;
  }
  if (k.key == "speed") {  // the only key that takes text or a number
    if (const auto value = n->value<double>()) {
      return show(*value);
    }
  }
  problem(key, "\"" + std::string(key) + "\" must be a text in quotes", std::string(k.text));
  return {};
}

bool Section::flag(std::string_view key) {
  const Key& k = row(key);
  const toml::node* n = node(key);
  if (n == nullptr) {
    return k.fallback == "true";
  }
  if (const auto value = n->value_exact<bool>()) {
    return *value;
  }
  problem(key, "\"" + std::string(key) + "\" must be true or false, without quotes");
  return false;
}

std::int64_t Section::whole(std::string_view key) {
  const Key& k = row(key);
  const toml::node* n = node(key);
  if (n == nullptr) {
    return parse_integer(k.fallback).value_or(0);
  }
  if (const auto value = n->value_exact<std::int64_t>()) {
    return static_cast<std::int64_t>(in_range(k, static_cast<double>(*value), key));
  }
  problem(key, "\"" + std::string(key) + "\" must be a whole number, without quotes");
  return parse_integer(k.fallback).value_or(0);
}

double Section::quantity(std::string_view key) {
  const Key& k = row(key);
  const toml::node* n = node(key);
  if (n == nullptr) {
    return k.fallback.empty() || k.fallback == "!" ? 0.0 : to_quantity(k, k.fallback, key);
  }
  if (const auto value = n->value_exact<std::string>()) {
    return to_quantity(k, *value, key);
  }
  const auto number = n->value<double>();
  if (number && (k.dimension == Dimension::ratio || k.dimension == Dimension::number)) {
    return in_range(k, *number, key);
  }
  problem(key, "\"" + std::string(key) + "\" needs a unit",
          "write it in quotes with one of: " + unit_list(k.dimension));
  return k.low;
}

std::size_t Section::choice(std::string_view key) {
  const Key& k = row(key);
  std::string chosen = text(key);
  std::vector<std::string> options;
  std::string_view rest = k.choices;
  while (!rest.empty()) {
    options.emplace_back(next_field(rest, ' '));
  }
  for (std::size_t i = 0; i < options.size(); ++i) {
    if (options[i] == chosen) {
      return i;
    }
  }
  if (has(key) && !chosen.empty()) {
    const std::string best = nearest(chosen, options);
    problem(key, "\"" + chosen + "\" is none of the choices of " + std::string(key),
            best.empty() ? "one of: " + std::string(k.choices) : "did you mean \"" + best + "\"?");
  }
  return 0;
}

std::vector<double> Section::numbers(std::string_view key) {
  std::vector<double> values;
  const toml::node* n = node(key);
  if (n == nullptr) {
    return values;
  }
  const auto add = [&](const toml::node& item) {
    const auto value = item.value<double>();
    if (!value) {
      problem(key, "\"" + std::string(key) + "\" contains something that is not a number");
    }
    values.push_back(value.value_or(0.0));
  };
  const toml::array* outer = n->as_array();
  if (outer == nullptr) {
    problem(key, "\"" + std::string(key) + "\" must be a list", std::string(row(key).text));
    return values;
  }
  for (const toml::node& item : *outer) {
    if (const toml::array* inner = item.as_array()) {
      if (inner->size() != 2) {
        problem(key, "a position has two numbers: latitude and longitude");
        return {};
      }
      for (const toml::node& part : *inner) {
        add(part);
      }
    } else {
      add(item);
    }
  }
  return values;
}

std::vector<std::string> Section::texts(std::string_view key) {
  std::vector<std::string> values;
  const toml::node* n = node(key);
  const toml::array* list = n == nullptr ? nullptr : n->as_array();
  if (n != nullptr && list == nullptr) {
    problem(key, "\"" + std::string(key) + "\" must be a list of texts");
  }
  for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
    const auto value = (*list)[i].value_exact<std::string>();
    if (!value) {
      problem(key, "\"" + std::string(key) + "\" contains something that is not a text in quotes");
    }
    values.push_back(value.value_or(""));
  }
  return values;
}

std::vector<std::string> Section::text_or_texts(std::string_view key) {
  const toml::node* n = node(key);
  if (n != nullptr && n->is_array()) {
    return texts(key);
  }
  const std::string one = text(key);
  return one.empty() ? std::vector<std::string>{} : std::vector<std::string>{one};
}

std::vector<std::int64_t> Section::wholes(std::string_view key) {
  const Key& k = row(key);
  std::vector<std::int64_t> values;
  const toml::node* n = node(key);
  const toml::array* list = n == nullptr ? nullptr : n->as_array();
  if (n != nullptr && list == nullptr) {
    problem(key, "\"" + std::string(key) + "\" must be a list of whole numbers");
  }
  for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
    const auto value = (*list)[i].value_exact<std::int64_t>();
    if (!value) {
      problem(key, "\"" + std::string(key) + "\" contains something that is not a whole number");
    }
    values.push_back(static_cast<std::int64_t>(
        in_range(k, static_cast<double>(value.value_or(static_cast<std::int64_t>(k.low))), key)));
  }
  return values;
}

}  // namespace vedette::plan
