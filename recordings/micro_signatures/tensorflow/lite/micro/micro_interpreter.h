// The declarations of TensorFlow Lite for Microcontrollers that board.cc uses, no more: its headers
// are in no package. They let a compiler check the calls; there is nothing to link.
#ifndef MICRO_INTERPRETER_H_
#define MICRO_INTERPRETER_H_

#include <cstddef>
#include <cstdint>

#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/schema/schema_generated.h"

#define TFLITE_SCHEMA_VERSION (3)

enum TfLiteType { kTfLiteFloat32 = 1, kTfLiteInt8 = 9 };
struct TfLiteQuantizationParams {
  float scale;
  std::int32_t zero_point;
};
union TfLitePtrUnion {
  float* f;
  std::int8_t* int8;
};
struct TfLiteTensor {
  TfLiteQuantizationParams params;
  TfLitePtrUnion data;
  std::size_t bytes;
  TfLiteType type;
};

namespace tflite {
class MicroInterpreter {
 public:
  MicroInterpreter(const Model* model, const MicroOpResolver& op_resolver,
                   std::uint8_t* tensor_arena, std::size_t tensor_arena_size);
  ~MicroInterpreter();
  TfLiteStatus AllocateTensors();
  TfLiteStatus Invoke();
  TfLiteTensor* input(std::size_t index);
  TfLiteTensor* output(std::size_t index);
  std::size_t arena_used_bytes() const;
};
}  // namespace tflite

#endif  // MICRO_INTERPRETER_H_
