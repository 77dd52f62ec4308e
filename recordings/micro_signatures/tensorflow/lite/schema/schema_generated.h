#ifndef SCHEMA_GENERATED_H_
#define SCHEMA_GENERATED_H_

#include <cstdint>

namespace tflite {
struct Model {
  std::uint32_t version() const;
};
const Model* GetModel(const void* buffer);
}  // namespace tflite

#endif  // SCHEMA_GENERATED_H_
