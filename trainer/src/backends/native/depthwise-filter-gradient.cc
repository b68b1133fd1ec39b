// TensorFlow's own gradient of a depthwise convolution by its kernel uses one core and no vector
// instructions: on 5×5 kernels it takes longer than everything else in the layer together
// (16×16×240, batch 32: 9 ms). This is the same as an operation of its own,
// GraftDepthwiseFilterGradient, registered when the addon is loaded.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"
#include "tensorflow/c/tf_datatype.h"
#include "tensorflow/c/tf_status.h"
#include "tensorflow/c/tf_tensor.h"

namespace {

// As many channels as one AVX-512 register holds; compilers split it for smaller ones.
typedef float Lanes __attribute__((vector_size(64), aligned(4), may_alias));
constexpr int64_t kLanes = 16;
#define LANES(place) (*reinterpret_cast<const Lanes*>(place))

#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
// The addon may be used by several machines that share a home folder.
#define FOR_EVERY_PROCESSOR __attribute__((target_clones("avx512f", "arch=haswell", "default")))
#else
#define FOR_EVERY_PROCESSOR
#endif

// Adds, for each channel, the products along a row of `count` places.
FOR_EVERY_PROCESSOR
void AddProducts(const float* input, int64_t input_step, const float* gradient,
                 int64_t gradient_step, int64_t count, int64_t channels, float* sums) {
  int64_t c = 0;
  // Four sums at a time, so that one does not wait for the other.
  for (; c + 4 * kLanes <= channels; c += 4 * kLanes) {
    Lanes sum0 = LANES(sums + c), sum1 = LANES(sums + c + kLanes);
    Lanes sum2 = LANES(sums + c + 2 * kLanes), sum3 = LANES(sums + c + 3 * kLanes);
    for (int64_t i = 0; i < count; ++i) {
      const float* x = input + i * input_step + c;
      const float* dy = gradient + i * gradient_step + c;
      sum0 += LANES(x) * LANES(dy);
      sum1 += LANES(x + kLanes) * LANES(dy + kLanes);
      sum2 += LANES(x + 2 * kLanes) * LANES(dy + 2 * kLanes);
      sum3 += LANES(x + 3 * kLanes) * LANES(dy + 3 * kLanes);
    }
    std::memcpy(sums + c, &sum0, sizeof(Lanes));
    std::memcpy(sums + c + kLanes, &sum1, sizeof(Lanes));
    std::memcpy(sums + c + 2 * kLanes, &sum2, sizeof(Lanes));
    std::memcpy(sums + c + 3 * kLanes, &sum3, sizeof(Lanes));
  }
  for (; c + kLanes <= channels; c += kLanes) {
    Lanes sum = LANES(sums + c);
    for (int64_t i = 0; i < count; ++i) {
      sum += LANES(input + i * input_step + c) * LANES(gradient + i * gradient_step + c);
    }
    std::memcpy(sums + c, &sum, sizeof(Lanes));
  }
  for (; c < channels; ++c) {
    for (int64_t i = 0; i < count; ++i) {
      sums[c] += input[i * input_step + c] * gradient[i * gradient_step + c];
    }
  }
}

// How the kernel moves, and how many threads to use: the attribute `window`, in this order.
struct Window {
  int64_t kernel_height, kernel_width, stride_y, stride_x, pad_top, pad_left, threads;
};

struct Shape {
  int64_t batch, height, width, channels, out_height, out_width;
};

// For the channels from `begin` to `end`.
void AddGradient(const float* input, const float* gradient, const Shape& s, const Window& w,
                 int64_t begin, int64_t end, float* filter) {
  for (int64_t n = 0; n < s.batch; ++n) {
    for (int64_t out_y = 0; out_y < s.out_height; ++out_y) {
      const float* dy = gradient + ((n * s.out_height + out_y) * s.out_width) * s.channels;
      for (int64_t tap_y = 0; tap_y < w.kernel_height; ++tap_y) {
        const int64_t y = out_y * w.stride_y + tap_y - w.pad_top;
        if (y < 0 || y >= s.height) continue;
        const float* row = input + ((n * s.height + y) * s.width) * s.channels;
        for (int64_t tap_x = 0; tap_x < w.kernel_width; ++tap_x) {
          // The places whose input under this tap lies within the row.
          const int64_t shift = tap_x - w.pad_left;
          const int64_t first = shift >= 0 ? 0 : (-shift + w.stride_x - 1) / w.stride_x;
          const int64_t last =
              std::min(s.out_width - 1, (s.width - 1 - shift) / w.stride_x);
          if (s.width - 1 - shift < 0 || last < first) continue;
          AddProducts(row + (first * w.stride_x + shift) * s.channels + begin,
                      w.stride_x * s.channels, dy + first * s.channels + begin, s.channels,
                      last - first + 1, end - begin,
                      filter + (tap_y * w.kernel_width + tap_x) * s.channels + begin);
        }
      }
    }
  }
}

void* Create(TF_OpKernelConstruction* construction) {
  TF_Status* status = TF_NewStatus();
  auto* window = new Window();
  TF_OpKernelConstruction_GetAttrInt64List(construction, "window",
                                           reinterpret_cast<int64_t*>(window),
                                           sizeof(Window) / sizeof(int64_t), status);
  if (TF_GetCode(status) != TF_OK) TF_OpKernelConstruction_Failure(construction, status);
  TF_DeleteStatus(status);
  return window;
}

void Compute(void* state, TF_OpKernelContext* context) {
  const Window& window = *static_cast<Window*>(state);
  TF_Status* status = TF_NewStatus();
  TF_Tensor *input = nullptr, *gradient = nullptr, *filter = nullptr;
  TF_GetInput(context, 0, &input, status);
  if (TF_GetCode(status) == TF_OK) TF_GetInput(context, 1, &gradient, status);
  if (TF_GetCode(status) == TF_OK) {
    const Shape shape = {TF_Dim(input, 0),    TF_Dim(input, 1),    TF_Dim(input, 2),
                         TF_Dim(input, 3),    TF_Dim(gradient, 1), TF_Dim(gradient, 2)};
    const int64_t sizes[] = {window.kernel_height, window.kernel_width, shape.channels, 1};
    const int64_t bytes = sizes[0] * sizes[1] * sizes[2] * sizeof(float);
    filter = TF_AllocateOutput(context, 0, TF_FLOAT, sizes, 4, bytes, status);
    if (TF_GetCode(status) == TF_OK) {
      auto* values = static_cast<float*>(TF_TensorData(filter));
      std::memset(values, 0, bytes);
      const auto* x = static_cast<const float*>(TF_TensorData(input));
      const auto* dy = static_cast<const float*>(TF_TensorData(gradient));
      // Whole registers a thread.
      const int64_t blocks = (shape.channels + kLanes - 1) / kLanes;
      const int64_t threads = std::max<int64_t>(1, std::min(window.threads, blocks));
      const int64_t share = (blocks + threads - 1) / threads * kLanes;
      const auto part = [&](int64_t thread) {
        AddGradient(x, dy, shape, window, std::min(shape.channels, thread * share),
                    std::min(shape.channels, (thread + 1) * share), values);
      };
      std::vector<std::thread> others;
      for (int64_t thread = 1; thread < threads; ++thread) others.emplace_back(part, thread);
      part(0);
      for (std::thread& other : others) other.join();
    }
  }
  if (TF_GetCode(status) != TF_OK) TF_OpKernelContext_Failure(context, status);
  for (TF_Tensor* tensor : {input, gradient, filter}) {
    if (tensor != nullptr) TF_DeleteTensor(tensor);
  }
  TF_DeleteStatus(status);
}

void Delete(void* state) { delete static_cast<Window*>(state); }

const bool registered = [] {
  const char* name = "GraftDepthwiseFilterGradient";
  TF_Status* status = TF_NewStatus();
  TF_OpDefinitionBuilder* definition = TF_NewOpDefinitionBuilder(name);
  TF_OpDefinitionBuilderAddInput(definition, "input: float");
  TF_OpDefinitionBuilderAddInput(definition, "gradient: float");
  TF_OpDefinitionBuilderAddOutput(definition, "filter: float");
  TF_OpDefinitionBuilderAddAttr(definition, "window: list(int)");
  TF_RegisterOpDefinition(definition, status);
  // Where this fails, the operation is missing, and whoever asks for it is told so.
  if (TF_GetCode(status) == TF_OK) {
    TF_RegisterKernelBuilder(name, TF_NewKernelBuilder(name, "CPU", Create, Compute, Delete),
                             status);
  }
  const bool is_ok = TF_GetCode(status) == TF_OK;
  TF_DeleteStatus(status);
  return is_ok;
}();

}  // namespace
