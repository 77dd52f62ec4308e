#ifndef MICRO_MUTABLE_OP_RESOLVER_H_
#define MICRO_MUTABLE_OP_RESOLVER_H_

enum TfLiteStatus { kTfLiteOk = 0, kTfLiteError = 1 };

namespace tflite {
class MicroOpResolver {};
template <unsigned int tOpCount>
class MicroMutableOpResolver : public MicroOpResolver {
 public:
  TfLiteStatus AddConv2D();
  TfLiteStatus AddMaxPool2D();
  TfLiteStatus AddReshape();
  TfLiteStatus AddFullyConnected();
  TfLiteStatus AddSoftmax();
};
}  // namespace tflite

#endif  // MICRO_MUTABLE_OP_RESOLVER_H_
