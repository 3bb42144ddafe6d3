#include "core/perceive/assignment.hpp"

#include "base/check.hpp"
#include "base/math.hpp"

namespace vedette::perceive {
namespace {

constexpr double kForbidden = 1e18;

struct Hypotheses {
  std::span<const double> gain;
  std::size_t contacts, plots;
  std::array<double, (1U << kJointContacts) << kJointPlots> best;
  std::array<std::uint8_t, kJointContacts> choice;  // plots: no plot

  // Visits each joint assignment with its log weight.
  template <typename Visit>
  void each(std::size_t contact, unsigned seen, unsigned used, double log_weight, Visit& visit) {
    if (contact == contacts) {
      visit(seen << kJointPlots | used, log_weight);
      return;
    }
    choice[contact] = static_cast<std::uint8_t>(plots);
    each(contact + 1, seen, used, log_weight, visit);
    for (std::size_t plot = 0; plot < plots; ++plot) {
      const double g = gain[contact * plots + plot];
      if ((used >> plot & 1) == 0 && g > kImpossible) {
        choice[contact] = static_cast<std::uint8_t>(plot);
        each(contact + 1, seen | 1U << contact, used | 1U << plot, log_weight + g, visit);
      }
    }
  }
};

}  // namespace

void assign(std::span<const double> gain, std::size_t contacts, std::size_t plots,
            AssignmentSpace& s, std::span<std::uint16_t> plot_of) {
  CHECK(contacts <= kAssignContacts && plots <= kAssignPlots, "a cluster within its bound");
  // Each contact has its own extra column: no plot, with gain 0.
  const std::size_t columns = plots + contacts;
  const auto cost = [&](std::size_t contact, std::size_t column) {
    if (column >= plots) {
      return column - plots == contact ? 0.0 : kForbidden;
    }
    const double g = gain[contact * plots + column];
    return g > kImpossible ? -g : kForbidden;
  };
  s.row.fill(0.0);
  s.column.fill(0.0);
  s.taken_by.fill(0);  // 0: unassigned; contacts and columns count from 1
  for (std::size_t contact = 1; contact <= contacts; ++contact) {
    s.taken_by[0] = static_cast<std::uint16_t>(contact);
    std::size_t at = 0;
    for (std::size_t j = 0; j <= columns; ++j) {
      s.least[j] = 4.0 * kForbidden;
      s.done[j] = false;
    }
    do {
      s.done[at] = true;
      const std::size_t row = s.taken_by[at];
      double step = 4.0 * kForbidden;
      std::size_t next = 0;
      for (std::size_t j = 1; j <= columns; ++j) {
        if (s.done[j]) {
          continue;
        }
        const double reduced = cost(row - 1, j - 1) - s.row[row] - s.column[j];
        if (reduced < s.least[j]) {
          s.least[j] = reduced;
          s.way[j] = static_cast<std::uint16_t>(at);
        }
        if (s.least[j] < step) {
          step = s.least[j];
          next = j;
        }
      }
      for (std::size_t j = 0; j <= columns; ++j) {
        if (s.done[j]) {
          s.row[s.taken_by[j]] += step;
          s.column[j] -= step;
        } else {
          s.least[j] -= step;
        }
      }
      at = next;
    } while (s.taken_by[at] != 0);
    while (at != 0) {
      const std::size_t before = s.way[at];
      s.taken_by[at] = s.taken_by[before];
      at = before;
    }
  }
  for (std::size_t contact = 0; contact < contacts; ++contact) {
    plot_of[contact] = kAlone;
  }
  for (std::size_t j = 1; j <= plots; ++j) {
    if (s.taken_by[j] != 0) {
      plot_of[s.taken_by[j] - 1U] = static_cast<std::uint16_t>(j - 1);
    }
  }
}

void joint_probabilities(std::span<const double> gain, std::size_t contacts, std::size_t plots,
                         std::span<double> probability) {
  CHECK(contacts <= kJointContacts && plots <= kJointPlots, "a cluster within its bound");
  Hypotheses all{gain, contacts, plots, {}, {}};
  all.best.fill(kImpossible);
  double most = kImpossible;
  auto find = [&](unsigned key, double log_weight) {
    all.best[key] = log_weight > all.best[key] ? log_weight : all.best[key];
    most = log_weight > most ? log_weight : most;
  };
  all.each(0, 0, 0, 0.0, find);
  for (std::size_t i = 0; i < contacts * plots; ++i) {
    probability[i] = 0.0;
  }
  double sum = 0.0;
  auto add = [&](unsigned key, double log_weight) {
    if (log_weight != all.best[key]) {
      return;
    }
    all.best[key] = kForbidden;  // ties: the first
    const double weight = det_exp(log_weight - most);
    sum += weight;
    for (std::size_t contact = 0; contact < contacts; ++contact) {
      if (all.choice[contact] < plots) {
        probability[contact * plots + all.choice[contact]] += weight;
      }
    }
  };
  all.each(0, 0, 0, 0.0, add);
  for (std::size_t i = 0; i < contacts * plots; ++i) {
    probability[i] /= sum;
  }
}

}  // namespace vedette::perceive
