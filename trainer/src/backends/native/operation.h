// What our operations share: registration with TensorFlow, their inputs and outputs, and threads.

#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#ifdef __SSE__
#include <xmmintrin.h>
#endif

#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"
#include "tensorflow/c/tf_datatype.h"
#include "tensorflow/c/tf_status.h"
#include "tensorflow/c/tf_tensor.h"

namespace graft {

// One call of an operation, whose tensors are all of float32.
class Call {
 public:
  explicit Call(TF_OpKernelContext* context) : context_(context), status_(TF_NewStatus()) {}
  Call(const Call&) = delete;
  ~Call() {
    if (!ok()) TF_OpKernelContext_Failure(context_, status_);
    for (TF_Tensor* tensor : tensors_) TF_DeleteTensor(tensor);
    TF_DeleteStatus(status_);
  }

  bool ok() const { return TF_GetCode(status_) == TF_OK; }
  void Fail(const char* message) { TF_SetStatus(status_, TF_INVALID_ARGUMENT, message); }

  // Null once a call has failed.
  TF_Tensor* Input(int index) {
    TF_Tensor* tensor = nullptr;
    if (ok()) TF_GetInput(context_, index, &tensor, status_);
    if (tensor != nullptr) tensors_.push_back(tensor);
    return ok() ? tensor : nullptr;
  }

  float* Output(int index, const std::vector<int64_t>& shape) {
    if (!ok()) return nullptr;
    int64_t bytes = sizeof(float);
    for (const int64_t side : shape) bytes *= side;
    TF_Tensor* tensor = TF_AllocateOutput(context_, index, TF_FLOAT, shape.data(), shape.size(),
                                          bytes, status_);
    if (tensor != nullptr) tensors_.push_back(tensor);
    return ok() ? Values(tensor) : nullptr;
  }

  static float* Values(TF_Tensor* tensor) { return static_cast<float*>(TF_TensorData(tensor)); }

  static std::vector<int64_t> ShapeOf(TF_Tensor* tensor) {
    std::vector<int64_t> shape(TF_NumDims(tensor));
    for (size_t d = 0; d < shape.size(); ++d) shape[d] = TF_Dim(tensor, d);
    return shape;
  }

 private:
  TF_OpKernelContext* context_;
  TF_Status* status_;
  std::vector<TF_Tensor*> tensors_;
};

using Numbers = std::vector<int64_t>;

// Registers an operation with so many inputs and outputs, and with `count` integers as its attribute
// `numbers`. Where this fails, the operation is missing, and whoever asks for it is told so.
template <int count, void (*run)(Call& call, const Numbers& numbers)>
bool Register(const char* name, int inputs, int outputs) {
  TF_Status* status = TF_NewStatus();
  TF_OpDefinitionBuilder* definition = TF_NewOpDefinitionBuilder(name);
  for (int i = 0; i < inputs; ++i) {
    TF_OpDefinitionBuilderAddInput(definition, ("in" + std::to_string(i) + ": float").c_str());
  }
  for (int i = 0; i < outputs; ++i) {
    TF_OpDefinitionBuilderAddOutput(definition, ("out" + std::to_string(i) + ": float").c_str());
  }
  if (count > 0) TF_OpDefinitionBuilderAddAttr(definition, "numbers: list(int)");
  TF_RegisterOpDefinition(definition, status);
  if (TF_GetCode(status) == TF_OK) {
    const auto create = [](TF_OpKernelConstruction* construction) -> void* {
      auto* numbers = new Numbers(count);
      if (count == 0) return numbers;
      TF_Status* status = TF_NewStatus();
      TF_OpKernelConstruction_GetAttrInt64List(construction, "numbers", numbers->data(), count,
                                               status);
      if (TF_GetCode(status) != TF_OK) TF_OpKernelConstruction_Failure(construction, status);
      TF_DeleteStatus(status);
      return numbers;
    };
    const auto compute = [](void* numbers, TF_OpKernelContext* context) {
      Call call(context);
      run(call, *static_cast<Numbers*>(numbers));
    };
    const auto remove = [](void* numbers) { delete static_cast<Numbers*>(numbers); };
    TF_RegisterKernelBuilder(name, TF_NewKernelBuilder(name, "CPU", create, compute, remove),
                             status);
  }
  const bool is_ok = TF_GetCode(status) == TF_OK;
  TF_DeleteStatus(status);
  return is_ok;
}

// While it lives, this thread takes numbers too small for float32's exponent as 0, as TensorFlow's threads
// do: a processor is slow with them, and Adam's squares become that small.
class WithoutDenormals {
 public:
#ifdef __SSE__
  WithoutDenormals() : before_(_mm_getcsr()) { _mm_setcsr(before_ | kFlushToZero | kDenormalsAreZero); }
  ~WithoutDenormals() { _mm_setcsr(before_); }

 private:
  static constexpr unsigned int kFlushToZero = 0x8000, kDenormalsAreZero = 0x40;
  const unsigned int before_;
#endif
};

// Threads that wait for work. TensorFlow's own are not open to operations of a C API.
class Threads {
 public:
  // Calls `work` with each part's number. Whoever is free takes the next one: a thread that the system lets
  // wait delays nobody else.
  static void Run(int64_t threads, int64_t parts, std::function<void(int64_t)> work) {
    // Never deleted: its threads wait until the process ends.
    static Threads* all = new Threads();
    std::lock_guard<std::mutex> alone(all->running_);
    auto job = std::make_shared<Job>(std::move(work), threads, parts);
    {
      std::lock_guard<std::mutex> lock(all->changing_);
      for (int64_t thread = all->count_; thread < threads; ++thread) {
        std::thread([thread] { all->Wait(thread); }).detach();
        all->count_ = thread + 1;
      }
      all->job_ = job;
    }
    if (threads > 1 && parts > 1) all->changed_.notify_all();
    job->Work();
    std::unique_lock<std::mutex> lock(job->ending);
    job->ended.wait(lock, [&] { return job->done == job->parts; });
  }

  // Calls `work(begin, end)` for parts of `size` out of `count`.
  template <typename Work>
  static void RunRanges(int64_t threads, int64_t count, int64_t size, Work work) {
    Run(threads, (count + size - 1) / size, [&](int64_t part) {
      work(part * size, std::min(count, (part + 1) * size));
    });
  }

 private:
  struct Job {
    Job(std::function<void(int64_t)> work, int64_t threads, int64_t parts)
        : work(std::move(work)), threads(threads), parts(parts) {}

    void Work() {
      const WithoutDenormals fast;
      int64_t finished = 0;
      for (int64_t part = next++; part < parts; part = next++) {
        work(part);
        ++finished;
      }
      if (finished == 0) return;
      std::lock_guard<std::mutex> lock(ending);
      done += finished;
      if (done == parts) ended.notify_all();
    }

    const std::function<void(int64_t)> work;
    const int64_t threads, parts;
    std::atomic<int64_t> next{0};
    int64_t done = 0;
    std::mutex ending;
    std::condition_variable ended;
  };

  void Wait(int64_t thread) {
    std::shared_ptr<Job> seen;
    while (true) {
      {
        std::unique_lock<std::mutex> lock(changing_);
        changed_.wait(lock, [&] { return job_ != seen && thread < job_->threads; });
        seen = job_;
      }
      seen->Work();
    }
  }

  std::mutex running_, changing_;
  std::condition_variable changed_;
  std::shared_ptr<Job> job_;
  int64_t count_ = 1;
};

}  // namespace graft
