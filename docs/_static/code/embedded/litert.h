/* The part of LiteRT's C API that classify.c uses.
 *
 * The Python package ai-edge-litert brings the library, libLiteRt.so, but no headers. These are
 * declarations of the functions and types that are needed, as litert/c/ in google-ai-edge/LiteRT
 * has them for the version of requirements.txt. */
#ifndef LITERT_H
#define LITERT_H

#include <stddef.h>
#include <stdint.h>

typedef int LiteRtStatus; /* 0 is success */
typedef struct LiteRtEnvironmentT* LiteRtEnvironment;
typedef struct LiteRtModelT* LiteRtModel;
typedef struct LiteRtOptionsT* LiteRtOptions;
typedef struct LiteRtOpaqueOptionsT* LiteRtOpaqueOptions;
typedef struct LiteRtCompiledModelT* LiteRtCompiledModel;
typedef struct LiteRtSignatureT* LiteRtSignature;
typedef struct LiteRtTensorT* LiteRtTensor;
typedef struct LiteRtTensorBufferT* LiteRtTensorBuffer;
typedef struct LiteRtTensorBufferRequirementsT* LiteRtTensorBufferRequirements;

enum { kLiteRtHwAcceleratorCpu = 1 };
enum { kLiteRtTensorBufferLockModeRead = 0, kLiteRtTensorBufferLockModeWrite = 1 };
enum { kLiteRtElementTypeFloat32 = 1, kLiteRtElementTypeInt8 = 9 };
enum { kLiteRtQuantizationPerTensor = 1 };
enum { kLiteRtAnyTypeInt = 2 };
enum { kLiteRtEnvOptionTagMinLoggerSeverity = 25, kLiteRtLogSeverityError = 3 };
enum { LITERT_TENSOR_MAX_RANK = 8 };

typedef struct {
  int tag;
  struct {
    int type;
    union {
      int64_t int_value;
      double real_value;
      const void* ptr_value;
    } of;
  } value;
} LiteRtEnvOption;

typedef struct {
  unsigned int rank : 7;
  unsigned int has_strides : 1;
  int32_t dimensions[LITERT_TENSOR_MAX_RANK];
  uint32_t strides[LITERT_TENSOR_MAX_RANK];
} LiteRtLayout;

typedef struct {
  int element_type;
  LiteRtLayout layout;
} LiteRtRankedTensorType;

typedef struct {
  float scale;
  int64_t zero_point;
} LiteRtQuantizationPerTensor;

/* LiteRT's own headers assert these sizes for C++ on 64-bit machines. */
_Static_assert(sizeof(LiteRtRankedTensorType) == 72, "not the layout of LiteRT");
_Static_assert(sizeof(LiteRtQuantizationPerTensor) == 16, "not the layout of LiteRT");
_Static_assert(sizeof(LiteRtEnvOption) == 24, "not the layout of LiteRT");

LiteRtStatus LiteRtCreateEnvironment(
    int count, const LiteRtEnvOption* options, LiteRtEnvironment* made);
LiteRtStatus LiteRtCreateModelFromFile(LiteRtEnvironment, const char* path, LiteRtModel* made);
LiteRtStatus LiteRtCreateOptions(LiteRtOptions* made);
LiteRtStatus LiteRtSetOptionsHardwareAccelerators(LiteRtOptions, int accelerators);
LiteRtStatus LiteRtCreateOpaqueOptions(
    const char* identifier, void* payload, void (*destroy)(void*), LiteRtOpaqueOptions* made);
LiteRtStatus LiteRtAddOpaqueOptions(LiteRtOptions, LiteRtOpaqueOptions owned_from_here);
LiteRtStatus LiteRtCreateCompiledModel(
    LiteRtEnvironment, LiteRtModel, LiteRtOptions, LiteRtCompiledModel* made);
LiteRtStatus LiteRtGetModelSignature(LiteRtModel, size_t index, LiteRtSignature* found);
LiteRtStatus LiteRtGetNumSignatureInputs(LiteRtSignature, size_t* count);
LiteRtStatus LiteRtGetNumSignatureOutputs(LiteRtSignature, size_t* count);
LiteRtStatus LiteRtGetSignatureInputTensorByIndex(
    LiteRtSignature, size_t index, LiteRtTensor* found);
LiteRtStatus LiteRtGetSignatureOutputTensorByIndex(
    LiteRtSignature, size_t index, LiteRtTensor* found);
LiteRtStatus LiteRtGetRankedTensorType(LiteRtTensor, LiteRtRankedTensorType* type);
LiteRtStatus LiteRtGetQuantizationTypeId(LiteRtTensor, int* kind);
LiteRtStatus LiteRtGetPerTensorQuantization(LiteRtTensor, LiteRtQuantizationPerTensor* found);
LiteRtStatus LiteRtGetCompiledModelInputBufferRequirements(
    LiteRtCompiledModel, size_t signature, size_t index, LiteRtTensorBufferRequirements* found);
LiteRtStatus LiteRtGetCompiledModelOutputBufferRequirements(
    LiteRtCompiledModel, size_t signature, size_t index, LiteRtTensorBufferRequirements* found);
LiteRtStatus LiteRtCreateManagedTensorBufferFromRequirements(
    LiteRtEnvironment, const LiteRtRankedTensorType*, LiteRtTensorBufferRequirements,
    LiteRtTensorBuffer* made);
LiteRtStatus LiteRtLockTensorBuffer(LiteRtTensorBuffer, void** address, int mode);
LiteRtStatus LiteRtUnlockTensorBuffer(LiteRtTensorBuffer);
LiteRtStatus LiteRtRunCompiledModel(
    LiteRtCompiledModel, size_t signature, size_t inputs, LiteRtTensorBuffer* input,
    size_t outputs, LiteRtTensorBuffer* output);
void LiteRtDestroyTensorBuffer(LiteRtTensorBuffer);
void LiteRtDestroyCompiledModel(LiteRtCompiledModel);
void LiteRtDestroyModel(LiteRtModel);
void LiteRtDestroyOptions(LiteRtOptions);
void LiteRtDestroyEnvironment(LiteRtEnvironment);

#endif
