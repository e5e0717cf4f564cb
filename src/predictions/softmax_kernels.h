// The loops of votes over rows of logits.
//
// Note [The same bits on every machine]
// These functions are compiled for several widths of vectors (util/wide.h). They have no fused
// multiplications and additions, and sums run over a fixed number of lanes that are added in a
// fixed order, so each of the variants rounds alike, and so do exp_of and log_of, which stand here
// because the library's differ from version to version.
#pragma once

#include <cstdint>
#include <span>

namespace dtrain::predictions {

// exp in place: relative error below 2e-7 where the result is a normal number (-87.33 to 88); zero
// below that, for -inf and for NaN.
void exp_of(std::span<float> values);

// log in place, of normal numbers: error below 2e-7 or 2e-7 of the result. -inf for what is
// smaller, and for NaN.
void log_of(std::span<float> values);

// sums += weight * softmax(inverse_temperature * logits), row by row of `classes` values. NaN
// counts as -inf. Where no class stands out of the infinite, the largest share equally: all of a
// row of -inf, those with +inf.
void add_softmax(std::span<const float> logits,
                 int64_t classes,
                 float inverse_temperature,
                 float weight,
                 std::span<float> sums);

// As largest() of predictions.h, where no value is NaN.
int64_t largest_of_row(std::span<const float> row);

}  // namespace dtrain::predictions
