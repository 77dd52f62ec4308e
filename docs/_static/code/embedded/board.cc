// Classify a picture on a microcontroller with TensorFlow Lite for Microcontrollers.
//
// Setup() once, Classify() for each picture. The array comes from c_array.py, the size of the arena
// from run_micro.py, the operators from inspect_tflite.py.

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "mnist_small_model.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_log.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/micro/system_setup.h"
#include "tensorflow/lite/schema/schema_generated.h"

namespace {

constexpr std::size_t kArenaSize = 20 * 1024;  // bytes; more than run_micro.py found
alignas(16) std::uint8_t arena[kArenaSize];
tflite::MicroInterpreter* interpreter = nullptr;

// Only these kernels are linked: the program holds no others.
bool AddOperators(tflite::MicroMutableOpResolver<5>& resolver) {
  return resolver.AddConv2D() == kTfLiteOk &&
         resolver.AddMaxPool2D() == kTfLiteOk &&
         resolver.AddReshape() == kTfLiteOk &&
         resolver.AddFullyConnected() == kTfLiteOk &&
         resolver.AddSoftmax() == kTfLiteOk;
}

}  // namespace

// Return whether the model can run; what is wrong goes to the log.
bool Setup() {
  tflite::InitializeTarget();
  if (reinterpret_cast<std::uintptr_t>(mnist_small_model) % 16 != 0) {
    MicroPrintf("the array of the model is not aligned to 16 bytes");
    return false;
  }
  const tflite::Model* model = tflite::GetModel(mnist_small_model);
  if (model->version() != TFLITE_SCHEMA_VERSION) {
    MicroPrintf("the model has schema %d, not %d",
                static_cast<int>(model->version()), TFLITE_SCHEMA_VERSION);
    return false;
  }
  static tflite::MicroMutableOpResolver<5> resolver;
  if (!AddOperators(resolver)) {
    return false;
  }
  static tflite::MicroInterpreter instance(model, resolver, arena, kArenaSize);
  if (instance.AllocateTensors() != kTfLiteOk) {
    MicroPrintf("the arena is too small, or an operator is missing");
    return false;
  }
  if (instance.input(0)->type != kTfLiteInt8 ||
      instance.output(0)->type != kTfLiteInt8) {
    MicroPrintf("the model is not int8");
    return false;
  }
  MicroPrintf("arena: %d bytes", static_cast<int>(instance.arena_used_bytes()));
  interpreter = &instance;
  return true;
}

// Return the digit in 28x28 gray values, 0 black to 255 white, or -1.
int Classify(const std::uint8_t* picture) {
  TfLiteTensor* input = interpreter->input(0);
  for (std::size_t i = 0; i < input->bytes; ++i) {
    const float gray = static_cast<float>(picture[i]) / 255.0f;  // as in training
    const float number = std::round(gray / input->params.scale) +
                         static_cast<float>(input->params.zero_point);
    input->data.int8[i] =
        static_cast<std::int8_t>(std::fmin(std::fmax(number, -128.0f), 127.0f));
  }
  if (interpreter->Invoke() != kTfLiteOk) {
    return -1;
  }
  const TfLiteTensor* output = interpreter->output(0);
  std::size_t best = 0;
  for (std::size_t i = 1; i < output->bytes; ++i) {
    if (output->data.int8[i] > output->data.int8[best]) {
      best = i;
    }
  }
  return static_cast<int>(best);
}
