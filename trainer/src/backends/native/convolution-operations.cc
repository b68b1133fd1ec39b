// Convolutions with a scale for each of their filters, which is a frozen BatchNorm's, and the gradients of
// such a convolution by its input and by its filter, with that of its activation.
//
// As TensorFlow's operations the gradients are five passes: one writes the filter times its scale, one the
// gradient before the activation, two read it again, and one multiplies by the scale. Since the arrays
// are larger than the caches, that costs more than the sums. TensorFlow's gradient of a depthwise
// convolution by its filter moreover uses one core and no vector instructions.
//
// GraftPointwise, GraftPointwiseGradients: a convolution of 1×1 with stride 1, which is a matrix product.
// GraftDepthwiseGradients: a depthwise convolution, of any window.

#include <sys/mman.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "operation.h"

namespace {

enum class Activation : int64_t { kLinear = 0, kRelu = 1, kRelu6 = 2 };

float MostOf(Activation activation) { return activation == Activation::kRelu6 ? 6 : INFINITY; }

constexpr int64_t kHugePage = 2 << 20;

// Arrays that each thread keeps from call to call, in large pages where there are any: rows of products are
// further apart than small ones.
enum Kept { kMasked, kWhole, kSums, kFilter, kKeptArrays };

float* Scratch(Kept number, int64_t count) {
  // Never freed: the threads live as long as the process.
  thread_local float* buffers[kKeptArrays] = {};
  thread_local int64_t sizes[kKeptArrays] = {};
  if (sizes[number] < count) {
    std::free(buffers[number]);
    const int64_t bytes = (count * sizeof(float) + kHugePage - 1) / kHugePage * kHugePage;
    buffers[number] = static_cast<float*>(std::aligned_alloc(kHugePage, bytes));
#ifdef MADV_HUGEPAGE
    madvise(buffers[number], bytes, MADV_HUGEPAGE);
#endif
    sizes[number] = bytes / sizeof(float);
  }
  return buffers[number];
}

// Parts of a sum over images or rows, which are added up in their order: so the result hangs on the number of
// threads, but not on which of them was faster. Two for each, so that one that the system lets wait
// delays the others less.
struct Groups {
  // `least` of images or rows are worth a group, which has sums of its own to keep and to add.
  Groups(int64_t size, int64_t least, int64_t threads)
      : size(size), count(std::max<int64_t>(1, std::min(size / least, 2 * threads))) {}
  int64_t Begin(int64_t group) const { return size * group / count; }
  const int64_t size, count;
};

struct PointwiseCall {
  int64_t rows, in, out;
  Activation activation;
  const float *input, *filter, *scale;
};

struct Gradients {
  const float *output, *gradient;
  // Null where nobody asks for it.
  float* by_input;
  float* by_filter;
};

struct Range {
  int64_t begin, end;
};

// The outputs that read an input: the last one, and the tap under which it does. The output before it
// reads it under the tap a stride further, and so on.
struct Reach {
  int64_t output, tap, count;
};

// One side of a window that moves over an image: output `o` reads input `o * stride + tap - pad`.
struct Axis {
  int64_t in, out, taps, stride, pad;

  int64_t InputOf(int64_t output, int64_t tap) const { return output * stride + tap - pad; }
  // The outputs whose input under this tap lies within the image.
  Range OutputsOf(int64_t tap) const {
    const int64_t shift = tap - pad;
    const int64_t begin = shift >= 0 ? 0 : (-shift + stride - 1) / stride;
    const int64_t end = in - shift <= 0 ? 0 : (in - shift + stride - 1) / stride;
    return {begin, std::max(begin, std::min(out, end))};
  }
  // For each input, the outputs that read it.
  std::vector<Reach> Reaches() const {
    std::vector<Reach> reaches(in);
    for (int64_t input = 0; input < in; ++input) {
      const int64_t place = input + pad;
      const int64_t tap = std::max(place % stride, place - (out - 1) * stride);
      const int64_t count = (std::min(taps, place + 1) - tap + stride - 1) / stride;
      reaches[input] = {(place - tap) / stride, tap, std::max<int64_t>(0, count)};
    }
    return reaches;
  }
};

struct DepthwiseCall {
  int64_t images, channels;
  Axis rows, columns;
  std::vector<Reach> down, right;
  Activation activation;
  const float *input, *filter, *scale;
};

// The addon may be used by several machines that share a home folder.
#if defined(__x86_64__) && defined(__GNUC__)
#define GRAFT_X86
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f")
#endif
namespace avx512 {
#define LANE_BYTES 64
#define TILE_ROWS 8
#define TILE_LANES 3
#include "convolution-kernels.h"
}  // namespace avx512
#ifdef __clang__
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif
namespace avx2 {
#define LANE_BYTES 32
#define TILE_ROWS 6
#define TILE_LANES 2
#include "convolution-kernels.h"
}  // namespace avx2
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
namespace any {
#define LANE_BYTES 16
#define TILE_ROWS 4
#define TILE_LANES 3
#include "convolution-kernels.h"
}  // namespace any

#ifdef GRAFT_X86
bool IsAtLeastAvx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
#define FOR_THIS_PROCESSOR(function)                          \
  (__builtin_cpu_supports("avx512f") ? avx512::function       \
   : IsAtLeastAvx2()                 ? avx2::function         \
                                     : any::function)
#else
#define FOR_THIS_PROCESSOR(function) any::function
#endif

using Shape = std::vector<int64_t>;

// In: input, filter, scale, which all begin with. `filters`: the dimension of the filter that counts them.
template <typename Convolution>
bool Read(graft::Call& call, const graft::Numbers& numbers, int filters, Convolution& c,
          Shape& input, Shape& filter) {
  TF_Tensor* tensors[3];
  for (int i = 0; i < 3; ++i) tensors[i] = call.Input(i);
  if (!call.ok()) return false;
  input = call.ShapeOf(tensors[0]);
  filter = call.ShapeOf(tensors[1]);
  if (input.size() != 4 || filter.size() != 4 || input[3] != filter[2] ||
      TF_TensorElementCount(tensors[2]) != filter[filters]) {
    call.Fail("Expected an image, a filter for its channels, and a scale for each filter.");
  }
  c.input = call.Values(tensors[0]);
  c.filter = call.Values(tensors[1]);
  c.scale = call.Values(tensors[2]);
  c.activation = static_cast<Activation>(numbers[1]);
  return call.ok();
}

void SetShape(PointwiseCall& c, const Shape& input, const Shape& filter) {
  c.rows = input[0] * input[1] * input[2];
  c.in = filter[2];
  c.out = filter[3];
}

// Next in: output and its gradient. Out: the gradients by input and by filter.
template <typename Convolution>
bool ReadGradients(graft::Call& call, const graft::Numbers& numbers, int filters, Convolution& c,
                   Gradients& g, Shape& input, Shape& filter, Shape& output) {
  if (!Read(call, numbers, filters, c, input, filter)) return false;
  TF_Tensor *y = call.Input(3), *dy = call.Input(4);
  if (!call.ok()) return false;
  output = call.ShapeOf(dy);
  if (output.size() != 4 || output != call.ShapeOf(y)) {
    call.Fail("Expected an output and its gradient of one shape.");
  }
  g.output = call.Values(y);
  g.gradient = call.Values(dy);
  const bool needs_input = numbers[2] != 0;
  float* by_input = call.Output(0, needs_input ? input : Shape{0});
  g.by_input = needs_input ? by_input : nullptr;
  g.by_filter = call.Output(1, filter);
  return call.ok();
}

// Next in: bias. Numbers: threads, activation.
void Pointwise(graft::Call& call, const graft::Numbers& numbers) {
  PointwiseCall c;
  Shape input, filter;
  if (!Read(call, numbers, 3, c, input, filter)) return;
  SetShape(c, input, filter);
  TF_Tensor* bias = call.Input(3);
  if (call.ok() && TF_TensorElementCount(bias) != c.out) call.Fail("Expected a bias for each filter.");
  float* output = call.Output(0, {input[0], input[1], input[2], filter[3]});
  if (call.ok()) FOR_THIS_PROCESSOR(Pointwise)(c, call.Values(bias), output, numbers[0]);
}

// Numbers: threads, activation, whether the gradient by the input is needed.
void PointwiseGradients(graft::Call& call, const graft::Numbers& numbers) {
  PointwiseCall c;
  Gradients g;
  Shape input, filter, output;
  if (!ReadGradients(call, numbers, 3, c, g, input, filter, output)) return;
  SetShape(c, input, filter);
  FOR_THIS_PROCESSOR(PointwiseGradients)(c, g, numbers[0]);
}

// Numbers: the same, then strides and padding, first down, then right.
void DepthwiseGradients(graft::Call& call, const graft::Numbers& numbers) {
  DepthwiseCall c;
  Gradients g;
  Shape input, filter, output;
  if (!ReadGradients(call, numbers, 2, c, g, input, filter, output)) return;
  c.images = input[0];
  c.channels = input[3];
  c.rows = {input[1], output[1], filter[0], numbers[3], numbers[5]};
  c.columns = {input[2], output[2], filter[1], numbers[4], numbers[6]};
  c.down = c.rows.Reaches();
  c.right = c.columns.Reaches();
  FOR_THIS_PROCESSOR(DepthwiseGradients)(c, g, numbers[0]);
}

const bool depthwise = graft::Register<7, DepthwiseGradients>("GraftDepthwiseGradients", 5, 2);
#ifdef GRAFT_X86
// Without AVX2, TensorFlow's are faster, and on other processors it has not been seen which are.
const bool pointwise =
    IsAtLeastAvx2() && graft::Register<2, Pointwise>("GraftPointwise", 4, 1) &&
    graft::Register<3, PointwiseGradients>("GraftPointwiseGradients", 5, 2);
#endif

}  // namespace
