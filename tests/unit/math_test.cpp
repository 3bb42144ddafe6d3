// Our elementary functions against MPFR at 200 bits, over the ranges stated in base/math.hpp.
#include "base/math.hpp"

#include <mpfr.h>

#include <cmath>
#include <limits>
#include <random>

#include "test.hpp"

using namespace vedette;

namespace {

// A number of 200 bits.
class Exact {
 public:
  explicit Exact(double value = 0.0) {
    mpfr_init2(value_, 200);
    mpfr_set_d(value_, value, MPFR_RNDN);
  }
  ~Exact() { mpfr_clear(value_); }
  Exact(const Exact&) = delete;
  Exact& operator=(const Exact&) = delete;
  mpfr_ptr get() { return value_; }

  // Error of `got` in units in the last place of the exact value.
  double ulps(double got) {
    const double right = mpfr_get_d(value_, MPFR_RNDN);
    const double next = std::nextafter(std::abs(right), std::numeric_limits<double>::infinity());
    Exact difference(got);
    mpfr_sub(difference.get(), difference.get(), value_, MPFR_RNDN);
    mpfr_abs(difference.get(), difference.get(), MPFR_RNDN);
    distance_ = mpfr_get_d(difference.get(), MPFR_RNDN);
    return distance_ / (next - std::abs(right));
  }
  double distance() const { return distance_; }

 private:
  mpfr_t value_;
  double distance_ = 0.0;
};

struct Worst {
  double ulps = 0.0;
  double at = 0.0;
  // Near a zero an absolute error of 1e-15 is allowed.
  void add(Exact& exact, double got, double x) {
    const double u = exact.ulps(got);
    if (u > ulps && exact.distance() > 1e-15) {
      ulps = u;
      at = x;
    }
  }
};

constexpr int kPoints = 60'000;

}  // namespace

TEST_CASE("sine and cosine are within 2 ulp or 1e-15 up to a million radians") {
  std::mt19937_64 random(1);
  Worst sine, cosine;
  for (int i = 0; i < kPoints; ++i) {
    const double most = std::pow(10.0, static_cast<double>(i % 13) - 6.0);
    const double x = std::uniform_real_distribution<double>(-most, most)(random);
    const SinCos got = det_sincos(x);
    Exact s(x), c(x);
    mpfr_sin(s.get(), s.get(), MPFR_RNDN);
    mpfr_cos(c.get(), c.get(), MPFR_RNDN);
    sine.add(s, got.sin, x);
    cosine.add(c, got.cos, x);
  }
  CHECK_MESSAGE(sine.ulps <= 2.0, sine.at);
  CHECK_MESSAGE(cosine.ulps <= 2.0, cosine.at);
}

TEST_CASE("the arc tangent of two is within 2 ulp or 1e-15 in every quadrant and near the axes") {
  std::mt19937_64 random(2);
  std::uniform_real_distribution<double> unit(-1, 1);
  Worst worst;
  for (int i = 0; i < kPoints; ++i) {
    const double y = unit(random) * std::pow(10.0, static_cast<double>(i % 17) - 8.0);
    const double x = unit(random);
    Exact e(y), of(x);
    mpfr_atan2(e.get(), e.get(), of.get(), MPFR_RNDN);
    worst.add(e, det_atan2(y, x), y);
  }
  CHECK_MESSAGE(worst.ulps <= 2.0, worst.at);
}

TEST_CASE("the exponential is within 2 ulp or 1e-15 from -708 to 709") {
  std::mt19937_64 random(3);
  Worst worst;
  for (int i = 0; i < kPoints; ++i) {
    const double most = i % 2 == 0 ? 1.0 : 708.0;
    const double x = std::uniform_real_distribution<double>(-most, most)(random);
    Exact e(x);
    mpfr_exp(e.get(), e.get(), MPFR_RNDN);
    worst.add(e, det_exp(x), x);
  }
  CHECK_MESSAGE(worst.ulps <= 2.0, worst.at);
}

TEST_CASE("the logarithm is within 2 ulp or 1e-15 over all magnitudes and near one") {
  std::mt19937_64 random(4);
  Worst worst;
  for (int i = 0; i < kPoints; ++i) {
    const double x =
        i % 2 == 0 ? std::uniform_real_distribution<double>(0.5, 2.0)(random)
                   : std::pow(10.0, std::uniform_real_distribution<double>(-300, 300)(random));
    Exact e(x);
    mpfr_log(e.get(), e.get(), MPFR_RNDN);
    worst.add(e, det_log(x), x);
  }
  CHECK_MESSAGE(worst.ulps <= 2.0, worst.at);
}

TEST_CASE("the square root is exact to the last bit") {
  std::mt19937_64 random(5);
  std::uniform_real_distribution<double> magnitude(-300, 300);
  for (int i = 0; i < kPoints; ++i) {
    const double x = std::pow(10.0, magnitude(random));
    Exact e(x);
    mpfr_sqrt(e.get(), e.get(), MPFR_RNDN);
    REQUIRE(det_sqrt(x) == mpfr_get_d(e.get(), MPFR_RNDN));
  }
}
