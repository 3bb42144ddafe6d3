#include <lemon/list_graph.h>
#include <lemon/network_simplex.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <vector>

#include "core/perceive/assignment.hpp"
#include "core/perceive/imm.hpp"
#include "core/perceive/measurement.hpp"
#include "core/perceive/motion.hpp"
#include "unit/test.hpp"

using namespace vedette;
using namespace vedette::perceive;

namespace {

using Matrix = std::vector<std::vector<double>>;

Matrix matrix(std::size_t rows, std::size_t columns) {
  return Matrix(rows, std::vector<double>(columns, 0.0));
}
Matrix product(const Matrix& a, const Matrix& b) {
  Matrix c = matrix(a.size(), b[0].size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < b[0].size(); ++j) {
      for (std::size_t k = 0; k < b.size(); ++k) {
        c[i][j] += a[i][k] * b[k][j];
      }
    }
  }
  return c;
}
Matrix transposed(const Matrix& a) {
  Matrix t = matrix(a[0].size(), a.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < a[0].size(); ++j) {
      t[j][i] = a[i][j];
    }
  }
  return t;
}
// Gauss-Jordan with pivots.
Matrix inverse(Matrix a) {
  const std::size_t n = a.size();
  Matrix b = matrix(n, n);
  for (std::size_t i = 0; i < n; ++i) {
    b[i][i] = 1.0;
  }
  for (std::size_t c = 0; c < n; ++c) {
    std::size_t pivot = c;
    for (std::size_t r = c; r < n; ++r) {
      pivot = std::abs(a[r][c]) > std::abs(a[pivot][c]) ? r : pivot;
    }
    std::swap(a[c], a[pivot]);
    std::swap(b[c], b[pivot]);
    const double scale = a[c][c];
    for (std::size_t j = 0; j < n; ++j) {
      a[c][j] /= scale;
      b[c][j] /= scale;
    }
    for (std::size_t r = 0; r < n; ++r) {
      const double factor = r == c ? 0.0 : a[r][c];
      for (std::size_t j = 0; j < n; ++j) {
        a[r][j] -= factor * a[c][j];
        b[r][j] -= factor * b[c][j];
      }
    }
  }
  return b;
}

// The textbook's x, P, F, Q, H, R, as dense matrices.
struct Textbook {
  Matrix x = matrix(5, 1), p = matrix(5, 5);

  void predict(const Matrix& f, const Matrix& q) {
    x = product(f, x);
    p = product(product(f, p), transposed(f));
    for (std::size_t i = 0; i < 5; ++i) {
      for (std::size_t j = 0; j < 5; ++j) {
        p[i][j] += q[i][j];
      }
    }
  }
  void update(const Matrix& innovation, const Matrix& h, const Matrix& r) {
    Matrix s = product(product(h, p), transposed(h));
    for (std::size_t i = 0; i < 2; ++i) {
      for (std::size_t j = 0; j < 2; ++j) {
        s[i][j] += r[i][j];
      }
    }
    const Matrix k = product(product(p, transposed(h)), inverse(s));
    const Matrix step = product(k, innovation);
    const Matrix kh = product(k, h);
    Matrix rest = matrix(5, 5);
    for (std::size_t i = 0; i < 5; ++i) {
      x[i][0] += step[i][0];
      for (std::size_t j = 0; j < 5; ++j) {
        rest[i][j] = (i == j ? 1.0 : 0.0) - kh[i][j];
      }
    }
    p = product(rest, p);
  }
  double furthest(const State& s) const {
    double most = 0.0;
    for (std::size_t i = 0; i < 5; ++i) {
      most = std::max(most, std::abs(x[i][0] - s.x[i]));
      for (std::size_t j = 0; j < 5; ++j) {
        most = std::max(most, std::abs(p[i][j] - s.p[i][j]));
      }
    }
    return most;
  }
};

Matrix process_noise(double dt, const MotionNoise& n) {
  Matrix q = matrix(5, 5);
  const double a = n.acceleration * n.acceleration;
  for (std::size_t i = 0; i < 2; ++i) {
    q[i][i] = a * dt * dt * dt / 3.0;
    q[i][i + 2] = q[i + 2][i] = a * dt * dt / 2.0;
    q[i + 2][i + 2] = a * dt;
  }
  return q;
}

Plot plane_plot(double east, double north, double sigma) {
  Plot plot{};
  plot.from_sensor[0] = east;
  plot.from_sensor[1] = north;
  plot.rotation[0][0] = plot.rotation[1][1] = 1.0;
  plot.variance_place = sigma * sigma;
  return plot;
}
Plot polar_plot(double east, double north, double range_sigma, double azimuth_sigma) {
  Plot plot = plane_plot(east, north, 0.0);
  plot.polar = true;
  plot.variance_range = range_sigma * range_sigma;
  plot.variance_azimuth = azimuth_sigma * azimuth_sigma;
  return plot;
}

State start_state(double position_sigma, double velocity_sigma, double turn_sigma) {
  State s{};
  s.p[0][0] = s.p[1][1] = position_sigma * position_sigma;
  s.p[2][2] = s.p[3][3] = velocity_sigma * velocity_sigma;
  s.p[4][4] = turn_sigma * turn_sigma;
  return s;
}

constexpr MotionNoise kNoise{0.4, 0.01, 0.05};

}  // namespace

TEST_CASE("constant velocity and its update are the textbook's recursion to a nanometre") {
  std::mt19937_64 random(3);
  std::normal_distribution<double> normal;
  State s = start_state(8.0, 4.0, kNoise.turn_prior);
  Textbook t;
  for (std::size_t i = 0; i < 5; ++i) {
    t.p[i][i] = s.p[i][i];
  }
  double worst = 0.0;
  for (int step = 0; step < 2000; ++step) {
    const double dt = 0.1 + 2.0 * std::abs(normal(random));
    predict_constant_velocity(s, dt, kNoise);
    Matrix f = matrix(5, 5);
    for (std::size_t i = 0; i < 4; ++i) {
      f[i][i] = 1.0;
    }
    f[0][2] = f[1][3] = dt;
    Matrix q = process_noise(dt, kNoise);
    q[4][4] = kNoise.turn_prior * kNoise.turn_prior;
    t.predict(f, q);
    const double east = 3.0 * step + 5.0 * normal(random);
    const double north = -step + 5.0 * normal(random);
    const Innovation n = innovation_of(plane_plot(east, north, 5.0), {east, north}, s);
    Matrix z = matrix(2, 1), h = matrix(2, 5), r = matrix(2, 2);
    z[0][0] = east - t.x[0][0];
    z[1][0] = north - t.x[1][0];
    h[0][0] = h[1][1] = 1.0;
    r[0][0] = r[1][1] = 25.0;
    t.update(z, h, r);
    update(s, n);
    worst = std::max(worst, t.furthest(s));
  }
  CHECK(worst <= 1e-9);
}

TEST_CASE("a coordinated turn seen in range and azimuth is the textbook's extended filter") {
  std::mt19937_64 random(4);
  std::normal_distribution<double> normal;
  State s = start_state(20.0, 5.0, 0.05);
  s.x = {1200.0, 900.0, 8.0, -3.0, 0.02};
  Textbook t;
  for (std::size_t i = 0; i < 5; ++i) {
    t.p[i][i] = s.p[i][i];
    t.x[i][0] = s.x[i];
  }
  double worst = 0.0;
  for (int step = 0; step < 500; ++step) {
    const double dt = 1.7;
    Jacobian derivative;
    const auto to = coordinated_turn(s.x, dt, derivative);
    Matrix f = matrix(5, 5);
    for (std::size_t i = 0; i < 5; ++i) {
      for (std::size_t j = 0; j < 5; ++j) {
        f[i][j] = derivative[i][j];
      }
    }
    Matrix q = process_noise(dt, kNoise);
    q[4][4] = kNoise.turn * kNoise.turn * dt;
    t.predict(f, q);
    for (std::size_t i = 0; i < 5; ++i) {
      t.x[i][0] = to[i];
    }
    predict_coordinated_turn(s, dt, kNoise);
    const double range = std::hypot(s.x[0], s.x[1]) + 6.0 * normal(random);
    const double azimuth = std::atan2(s.x[0], s.x[1]) + 0.004 * normal(random);
    const double east = range * std::sin(azimuth);
    const double north = range * std::cos(azimuth);
    const Innovation n = innovation_of(polar_plot(east, north, 6.0, 0.004), {east, north}, s);
    const double predicted = std::hypot(t.x[0][0], t.x[1][0]);
    Matrix z = matrix(2, 1), h = matrix(2, 5), r = matrix(2, 2);
    z[0][0] = range - predicted;
    z[1][0] = range * (azimuth - std::atan2(t.x[0][0], t.x[1][0]));
    h[0][0] = t.x[0][0] / predicted;
    h[0][1] = t.x[1][0] / predicted;
    h[1][0] = range * t.x[1][0] / (predicted * predicted);
    h[1][1] = -range * t.x[0][0] / (predicted * predicted);
    r[0][0] = 36.0;
    r[1][1] = 0.004 * 0.004 * range * range;
    t.update(z, h, r);
    update(s, n);
    worst = std::max(worst, t.furthest(s));
    // Restarts each step from one state, to compare single steps, not histories.
    for (std::size_t i = 0; i < 5; ++i) {
      t.x[i][0] = s.x[i];
      for (std::size_t j = 0; j < 5; ++j) {
        t.p[i][j] = s.p[i][j];
      }
    }
  }
  CHECK(worst <= 1e-9);
}

TEST_CASE("derivatives of the turn and of range and azimuth agree with finite differences") {
  std::mt19937_64 random(5);
  std::uniform_real_distribution<double> uniform(-1.0, 1.0);
  for (int run = 0; run < 300; ++run) {
    const double rate = run % 3 == 0 ? 1e-4 * uniform(random) : 0.3 * uniform(random);
    const std::array<double, 5> x{500 * uniform(random), 500 * uniform(random),
                                  20 * uniform(random), 20 * uniform(random), rate};
    const double dt = 0.2 + 3.0 * std::abs(uniform(random));
    Jacobian f;
    coordinated_turn(x, dt, f);
    for (std::size_t j = 0; j < 5; ++j) {
      const double step = j == 4 ? 1e-6 : 1e-3;
      Jacobian unused;
      auto above = x;
      auto below = x;
      above[j] += step;
      below[j] -= step;
      const auto a = coordinated_turn(above, dt, unused);
      const auto b = coordinated_turn(below, dt, unused);
      for (std::size_t i = 0; i < 5; ++i) {
        CHECK(f[i][j] == doctest::Approx((a[i] - b[i]) / (2 * step)).epsilon(1e-5));
      }
    }
    double d[2][2];
    double unused[2][2];
    const double east = 300 * uniform(random);
    const double north = 300 * uniform(random) + (uniform(random) > 0 ? 400 : -400);
    polar_of(east, north, d);
    const double step = 1e-3;
    for (std::size_t j = 0; j < 2; ++j) {
      const auto a = polar_of(east + (j == 0 ? step : 0), north + (j == 1 ? step : 0), unused);
      const auto b = polar_of(east - (j == 0 ? step : 0), north - (j == 1 ? step : 0), unused);
      for (std::size_t i = 0; i < 2; ++i) {
        double difference = a[i] - b[i];
        difference -= i == 1 ? 2 * M_PI * std::round(difference / (2 * M_PI)) : 0.0;
        CHECK(std::abs(d[i][j] - difference / (2 * step)) <= 1e-6);
      }
    }
  }
}

TEST_CASE("in 500 simulated runs the error is as large as each filter says it is") {
  std::mt19937_64 random(7);
  std::normal_distribution<double> normal;
  constexpr int kRuns = 500;
  const double dt = 1.0;
  for (const bool turning : {false, true}) {
    double sum = 0.0;
    for (int run = 0; run < kRuns; ++run) {
      State s = start_state(10.0, 3.0, turning ? 0.02 : kNoise.turn_prior);
      std::array<double, 5> truth{};
      for (std::size_t i = 0; i < (turning ? 5U : 4U); ++i) {
        const double from = i < 2 ? 1500.0 : i < 4 ? 6.0 : 0.01;
        truth[i] = from + std::sqrt(s.p[i][i]) * normal(random);
        s.x[i] = from;
      }
      for (int step = 0; step < 60; ++step) {
        Jacobian unused;
        truth = coordinated_turn(truth, dt, unused);
        // White-noise acceleration: velocity and position noise correlate.
        for (std::size_t i = 0; i < 2; ++i) {
          const double first = normal(random);
          const double second = normal(random);
          truth[i + 2] += kNoise.acceleration * std::sqrt(dt) * first;
          truth[i] += kNoise.acceleration * std::sqrt(dt * dt * dt) *
                      (first / 2.0 + second / std::sqrt(12.0));
        }
        truth[4] += turning ? kNoise.turn * 0.2 * std::sqrt(dt) * normal(random) : 0.0;
        MotionNoise noise = kNoise;
        noise.turn *= 0.2;
        turning ? predict_coordinated_turn(s, dt, noise) : predict_constant_velocity(s, dt, noise);
        const double range = std::hypot(truth[0], truth[1]) + 4.0 * normal(random);
        const double azimuth = std::atan2(truth[0], truth[1]) + 0.003 * normal(random);
        const double east = range * std::sin(azimuth);
        const double north = range * std::cos(azimuth);
        update(s, innovation_of(polar_plot(east, north, 4.0, 0.003), {east, north}, s));
      }
      const std::size_t n = turning ? 5 : 4;
      Matrix p = matrix(n, n);
      for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j < n; ++j) {
          p[i][j] = s.p[i][j];
        }
      }
      const Matrix q = inverse(p);
      for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j < n; ++j) {
          sum += (truth[i] - s.x[i]) * q[i][j] * (truth[j] - s.x[j]);
        }
      }
    }
    const double degrees = turning ? 5.0 : 4.0;
    const double bound = 1.96 * std::sqrt(2.0 * degrees / kRuns);
    CAPTURE(turning);
    CHECK(sum / kRuns >= degrees - bound);
    CHECK(sum / kRuns <= degrees + bound);
  }
}

TEST_CASE("the mixture of both motions follows a turn and settles on the straight again") {
  const ImmNoise noise{{kNoise, kNoise}, 60.0, 10.0};
  Imm imm{{start_state(5.0, 5.0, 0.05), start_state(5.0, 5.0, 0.05)}, {0.9, 0.1}};
  std::array<double, 5> truth{0.0, 0.0, 8.0, 0.0, 0.0};
  double turning = 0.0;
  double straight = 1.0;
  double worst = 0.0;
  for (int step = 0; step < 120; ++step) {
    truth[4] = step >= 40 && step < 60 ? 0.15 : 0.0;
    Jacobian unused;
    truth = coordinated_turn(truth, 1.0, unused);
    predict(imm, 1.0, noise);
    const Share share{plane_plot(truth[0], truth[1], 1.0), {truth[0], truth[1]}, 1.0};
    update(imm, {&share, 1});
    CHECK(imm.weight[0] + imm.weight[1] == doctest::Approx(1.0));
    turning = step == 55 ? imm.weight[1] : turning;
    straight = step == 110 ? imm.weight[0] : straight;
    const State s = combined(imm);
    worst = std::max(worst, std::hypot(s.x[0] - truth[0], s.x[1] - truth[1]));
  }
  CHECK(turning > 0.7);
  CHECK(straight > 0.7);
  CHECK(worst < 3.0);
}

TEST_CASE("the assignment is the best there is, by brute force up to eight by eight") {
  std::mt19937_64 random(11);
  std::uniform_real_distribution<double> uniform(-3.0, 9.0);
  auto space = std::make_unique<AssignmentSpace>();
  for (int run = 0; run < 400; ++run) {
    const std::size_t rows = 1 + random() % 8;
    const std::size_t columns = 1 + random() % 8;
    std::vector<double> gain(rows * columns);
    for (double& g : gain) {
      g = random() % 4 == 0 ? kImpossible : uniform(random);
    }
    std::vector<std::uint16_t> chosen(rows);
    assign(gain, rows, columns, *space, chosen);
    double ours = 0.0;
    std::vector<bool> used(columns);
    for (std::size_t r = 0; r < rows; ++r) {
      if (chosen[r] != kAlone) {
        REQUIRE_FALSE(used[chosen[r]]);
        used[chosen[r]] = true;
        ours += gain[r * columns + chosen[r]];
      }
    }
    // Enumerates every assignment of rows to free columns or none.
    std::vector<double> best(std::size_t{1} << columns, -1e30);
    best[0] = 0.0;
    for (std::size_t r = 0; r < rows; ++r) {
      std::vector<double> next = best;
      for (std::size_t mask = 0; mask < best.size(); ++mask) {
        for (std::size_t c = 0; c < columns; ++c) {
          const double g = gain[r * columns + c];
          if ((mask >> c & 1) == 0 && g > kImpossible && best[mask] > -1e29) {
            next[mask | std::size_t{1} << c] =
                std::max(next[mask | std::size_t{1} << c], best[mask] + g);
          }
        }
      }
      best = next;
    }
    CHECK(ours == doctest::Approx(*std::max_element(best.begin(), best.end())));
  }
}

TEST_CASE("a large assignment equals what a network simplex finds") {
  std::mt19937_64 random(12);
  auto space = std::make_unique<AssignmentSpace>();
  for (int run = 0; run < 12; ++run) {
    const std::size_t rows = 20 + random() % 100;
    const std::size_t columns = 20 + random() % 100;
    std::vector<double> gain(rows * columns, kImpossible);
    lemon::ListDigraph graph;
    const auto source = graph.addNode();
    const auto sink = graph.addNode();
    std::vector<lemon::ListDigraph::Node> row(rows), column(columns);
    lemon::ListDigraph::ArcMap<std::int64_t> cost(graph), capacity(graph);
    const auto arc = [&](auto from, auto to, std::int64_t price) {
      const auto a = graph.addArc(from, to);
      cost[a] = price;
      capacity[a] = 1;
    };
    for (auto& c : column) {
      c = graph.addNode();
      arc(c, sink, 0);
    }
    for (std::size_t r = 0; r < rows; ++r) {
      row[r] = graph.addNode();
      arc(source, row[r], 0);
      arc(row[r], sink, 0);  // unassigned
      for (std::size_t c = 0; c < columns; ++c) {
        if (random() % 3 == 0) {  // whole thousandths, exact in both
          const auto thousandths = static_cast<std::int64_t>(random() % 20000) - 4000;
          gain[r * columns + c] = static_cast<double>(thousandths) / 1000.0;
          arc(row[r], column[c], -thousandths);
        }
      }
    }
    lemon::NetworkSimplex<lemon::ListDigraph, std::int64_t> simplex(graph);
    simplex.upperMap(capacity).costMap(cost).stSupply(source, sink,
                                                      static_cast<std::int64_t>(rows));
    REQUIRE(simplex.run() == lemon::NetworkSimplex<lemon::ListDigraph, std::int64_t>::OPTIMAL);
    std::vector<std::uint16_t> chosen(rows);
    assign(gain, rows, columns, *space, chosen);
    double ours = 0.0;
    for (std::size_t r = 0; r < rows; ++r) {
      ours += chosen[r] == kAlone ? 0.0 : gain[r * columns + chosen[r]];
    }
    CHECK(ours == doctest::Approx(static_cast<double>(-simplex.totalCost()) / 1000.0));
  }
}

TEST_CASE("joint probabilities keep two close contacts apart and sum to at most one") {
  // Both plots fit both contacts; the crossed pairing is less likely.
  const std::vector<double> gain{5.0, 4.0, 4.0, 5.0};
  std::vector<double> probability(4);
  joint_probabilities(gain, 2, 2, probability);
  CHECK(probability[0] > 0.95);
  CHECK(probability[3] > 0.95);
  CHECK(probability[1] < 0.05);
  // One plot for two contacts: the odds follow from their gains.
  const std::vector<double> shared{3.0, 3.0};
  joint_probabilities(shared, 2, 1, std::span(probability).first(2));
  CHECK(probability[0] == doctest::Approx(probability[1]));
  CHECK(probability[0] + probability[1] < 1.0);
  CHECK(probability[0] + probability[1] > 0.95);
}
