#include "core/perceive/covariance_intersection.hpp"

namespace vedette::perceive {
namespace {

using Matrix2 = std::array<std::array<double, 2>, 2>;

double determinant(const Matrix2& m) {
  return m[0][0] * m[1][1] - m[0][1] * m[1][0];
}
Matrix2 inverse(const Matrix2& m) {
  const double d = determinant(m);
  return {{{m[1][1] / d, -m[0][1] / d}, {-m[1][0] / d, m[0][0] / d}}};
}
Matrix2 weighted(const Matrix2& a, const Matrix2& b, double weight) {
  Matrix2 sum{};
  for (std::size_t i = 0; i < 2; ++i) {
    for (std::size_t j = 0; j < 2; ++j) {
      sum[i][j] = weight * a[i][j] + (1.0 - weight) * b[i][j];
    }
  }
  return sum;
}

}  // namespace

Known intersect(const Known& a, const Known& b) {
  const Matrix2 ia = inverse(a.covariance);
  const Matrix2 ib = inverse(b.covariance);
  // log det of the information is concave in the weight: the interval shrinks by thirds.
  double low = 0.0;
  double high = 1.0;
  while (high - low > 1e-3) {
    const double left = low + (high - low) / 3.0;
    const double right = high - (high - low) / 3.0;
    if (determinant(weighted(ia, ib, left)) < determinant(weighted(ia, ib, right))) {
      low = left;
    } else {
      high = right;
    }
  }
  const double weight = (low + high) / 2.0;
  Known fused{};
  fused.covariance = inverse(weighted(ia, ib, weight));
  double information[2];
  for (std::size_t i = 0; i < 2; ++i) {
    information[i] = weight * (ia[i][0] * a.position[0] + ia[i][1] * a.position[1]) +
                     (1.0 - weight) * (ib[i][0] * b.position[0] + ib[i][1] * b.position[1]);
  }
  for (std::size_t i = 0; i < 2; ++i) {
    fused.position[i] =
        fused.covariance[i][0] * information[0] + fused.covariance[i][1] * information[1];
  }
  return fused;
}

}  // namespace vedette::perceive
