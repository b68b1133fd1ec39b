// One step of Adam reads four arrays and writes three. Made of TensorFlow's operations it passes over
// memory eleven times, each time into newly allocated memory: 54 ms of CPU time, with weight decay and a
// moving average, for Lite0's 3.4 million parameters. In operations of our own, registered when the
// addon is loaded, it is one pass and the average another: 19 ms.

#include <cmath>
#include <cstdint>
#include <vector>

#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"
#include "tensorflow/c/tf_datatype.h"
#include "tensorflow/c/tf_status.h"
#include "tensorflow/c/tf_tensor.h"

#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
// The addon may be used by several machines that share a home folder. GCC takes several roots at
// once only where nobody asks for errno.
#define FOR_EVERY_PROCESSOR                                           \
  __attribute__((target_clones("avx512f", "arch=haswell", "default"), \
                 optimize("O3", "no-math-errno", "no-trapping-math")))
#else
#define FOR_EVERY_PROCESSOR
#endif

namespace {

constexpr int kMaxArrays = 4;

// Inputs and outputs of one length.
struct Arrays {
  const float* in[kMaxArrays];
  float* out[kMaxArrays];
  // The last input, which is short: what the step needs besides.
  const float* numbers;
};

// In: value, gradient, mean, square. Out: value, mean, square. Numbers: the factor of the value, the
// learning rate with the moments' correction, and 1 − β₂. As adam-step.ts has it.
FOR_EVERY_PROCESSOR
void AdamStep(const Arrays& arrays, int64_t begin, int64_t end) {
  const float* __restrict value = arrays.in[0];
  const float* __restrict gradient = arrays.in[1];
  const float* __restrict mean = arrays.in[2];
  const float* __restrict square = arrays.in[3];
  float* __restrict new_value = arrays.out[0];
  float* __restrict new_mean = arrays.out[1];
  float* __restrict new_square = arrays.out[2];
  const float stays = arrays.numbers[0], rate = arrays.numbers[1], share = arrays.numbers[2];
  for (int64_t i = begin; i < end; ++i) {
    const float g = gradient[i];
    const float m = mean[i] + 0.1f * (g - mean[i]);
    const float s = square[i] + share * (g * g - square[i]);
    new_mean[i] = m;
    new_square[i] = s;
    new_value[i] = stays * value[i] - rate * m / (std::sqrt(s) + 1e-7f);
  }
}

// In: average, value. Out: average. Numbers: the share of the value.
FOR_EVERY_PROCESSOR
void MovingAverage(const Arrays& arrays, int64_t begin, int64_t end) {
  const float* __restrict average = arrays.in[0];
  const float* __restrict value = arrays.in[1];
  float* __restrict new_average = arrays.out[0];
  const float share = arrays.numbers[0];
  for (int64_t i = begin; i < end; ++i) {
    new_average[i] = average[i] + share * (value[i] - average[i]);
  }
}

template <int inputs, int outputs, void (*run)(const Arrays&, int64_t, int64_t)>
void Compute(void*, TF_OpKernelContext* context) {
  TF_Status* status = TF_NewStatus();
  TF_Tensor* tensors[inputs + 1 + outputs] = {};
  Arrays arrays = {};
  int64_t count = 0;
  for (int i = 0; i <= inputs && TF_GetCode(status) == TF_OK; ++i) {
    TF_GetInput(context, i, &tensors[i], status);
    if (TF_GetCode(status) != TF_OK) break;
    const auto* data = static_cast<const float*>(TF_TensorData(tensors[i]));
    if (i == inputs) {
      arrays.numbers = data;
    } else {
      arrays.in[i] = data;
      const int64_t length = TF_TensorElementCount(tensors[i]);
      if (i > 0 && length != count) {
        TF_SetStatus(status, TF_INVALID_ARGUMENT, "Expected inputs of one length.");
      }
      count = length;
    }
  }
  for (int i = 0; i < outputs && TF_GetCode(status) == TF_OK; ++i) {
    std::vector<int64_t> shape(TF_NumDims(tensors[0]));
    for (size_t d = 0; d < shape.size(); ++d) shape[d] = TF_Dim(tensors[0], d);
    TF_Tensor* output = TF_AllocateOutput(context, i, TF_FLOAT, shape.data(), shape.size(),
                                          count * sizeof(float), status);
    tensors[inputs + 1 + i] = output;
    if (TF_GetCode(status) == TF_OK) arrays.out[i] = static_cast<float*>(TF_TensorData(output));
  }
  if (TF_GetCode(status) == TF_OK) {
    run(arrays, 0, count);
  } else {
    TF_OpKernelContext_Failure(context, status);
  }
  for (TF_Tensor* tensor : tensors) {
    if (tensor != nullptr) TF_DeleteTensor(tensor);
  }
  TF_DeleteStatus(status);
}

template <int inputs, int outputs, void (*run)(const Arrays&, int64_t, int64_t)>
bool Register(const char* name) {
  TF_Status* status = TF_NewStatus();
  TF_OpDefinitionBuilder* definition = TF_NewOpDefinitionBuilder(name);
  for (const char* input : {"a: float", "b: float", "c: float", "d: float", "e: float"}) {
    if (input[0] <= 'a' + inputs) TF_OpDefinitionBuilderAddInput(definition, input);
  }
  for (const char* output : {"x: float", "y: float", "z: float"}) {
    if (output[0] < 'x' + outputs) TF_OpDefinitionBuilderAddOutput(definition, output);
  }
  TF_RegisterOpDefinition(definition, status);
  // Where this fails, the operation is missing, and whoever asks for it is told so.
  if (TF_GetCode(status) == TF_OK) {
    TF_RegisterKernelBuilder(
        name, TF_NewKernelBuilder(name, "CPU", nullptr, Compute<inputs, outputs, run>, nullptr),
        status);
  }
  const bool is_ok = TF_GetCode(status) == TF_OK;
  TF_DeleteStatus(status);
  return is_ok;
}

const bool registered =
    Register<4, 3, AdamStep>("GraftAdamStep") && Register<2, 1, MovingAverage>("GraftMovingAverage");

}  // namespace
