/* Run a .tflite model over samples in a file, with LiteRT's C API.
 *
 *   classify [--threads N] [--measure] MODEL SAMPLES [OUTPUTS]
 *
 * SAMPLES holds the values of the model's input, sample by sample, in the model's type and the
 * byte order of the machine. Prints the outputs of the first sample and its label; writes the
 * outputs of all to OUTPUTS, as float32. --measure adds time and memory. The model has one input
 * and one output, float32 or int8, and a batch fixed at 1. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "litert.h"

static const char USAGE[] = "usage: classify [--threads N] [--measure] MODEL SAMPLES [OUTPUTS]\n";

_Noreturn static void fail(const char* what, const char* why) {
  fflush(stdout);
  fprintf(stderr, "classify: error: %s: %s\n", what, why);
  exit(1);
}

static void check(LiteRtStatus status, const char* what, const char* why) {
  if (status != 0) fail(what, why);
}

/* [port] The input or the output of the model: real = (stored - zero_point) * scale. */
typedef struct {
  LiteRtRankedTensorType type;
  LiteRtQuantizationPerTensor quantization; /* only of int8 */
  LiteRtTensorBuffer buffer;
  size_t elements, bytes;
  void* values; /* a copy of what is in the buffer */
} Port;

static Port describe(LiteRtTensor tensor, const char* path) {
  Port port = {0};
  check(LiteRtGetRankedTensorType(tensor, &port.type), path, "a tensor without a fixed rank");
  port.elements = 1;
  for (unsigned int i = 0; i < port.type.layout.rank; i++) {
    int32_t size = port.type.layout.dimensions[i];
    if (size < 1) fail(path, "the batch is open; convert the model with --batch 1");
    port.elements *= (size_t)size;
  }
  if (port.type.element_type == kLiteRtElementTypeFloat32) {
    port.bytes = port.elements * sizeof(float);
  } else if (port.type.element_type == kLiteRtElementTypeInt8) {
    port.bytes = port.elements;
    check(LiteRtGetPerTensorQuantization(tensor, &port.quantization), path, "int8 without a scale");
  } else {
    fail(path, "an input or output that is neither float32 nor int8");
  }
  port.values = malloc(port.bytes);
  if (port.values == NULL) fail(path, "no memory");
  return port;
}

static float value(const Port* port, size_t i) {
  if (port->type.element_type == kLiteRtElementTypeFloat32) return ((const float*)port->values)[i];
  int64_t stored = ((const int8_t*)port->values)[i];
  return (float)(stored - port->quantization.zero_point) * port->quantization.scale;
}

/* [model] All that is needed to run a model. */
typedef struct {
  const char* path;
  LiteRtEnvironment environment;
  LiteRtModel model;
  LiteRtOptions options;
  LiteRtCompiledModel compiled;
  Port input, output;
} Runner;

/* [threads] The library takes options of the CPU as text in TOML, under the name "xnnpack". */
static void set_threads(LiteRtOptions options, long threads) {
  char* text = malloc(40);
  if (text == NULL) fail("LiteRT", "no memory");
  snprintf(text, 40, "num_threads = %ld\n", threads);
  LiteRtOpaqueOptions cpu = NULL;
  check(LiteRtCreateOpaqueOptions("xnnpack", text, free, &cpu), "LiteRT", "no options");
  check(LiteRtAddOpaqueOptions(options, cpu), "LiteRT", "no threads");
}

/* [load] */
static void load(Runner* run, long threads) {
  LiteRtEnvOption quiet = {.tag = kLiteRtEnvOptionTagMinLoggerSeverity,
                           .value = {kLiteRtAnyTypeInt, {kLiteRtLogSeverityError}}};
  check(LiteRtCreateEnvironment(1, &quiet, &run->environment), "LiteRT", "no environment");
  check(LiteRtCreateModelFromFile(run->environment, run->path, &run->model), run->path,
        "damaged, or not a .tflite model");
  check(LiteRtCreateOptions(&run->options), "LiteRT", "no options");
  check(LiteRtSetOptionsHardwareAccelerators(run->options, kLiteRtHwAcceleratorCpu), "LiteRT",
        "no CPU");
  if (threads > 0) set_threads(run->options, threads);
}

/* [prepare] Plan the computation and make a buffer for the input and one for the output. */
static void prepare(Runner* run) {
  LiteRtSignature signature = NULL;
  LiteRtTensor input = NULL, output = NULL;
  LiteRtTensorBufferRequirements needs = NULL;
  size_t inputs = 0, outputs = 0;
  check(LiteRtGetModelSignature(run->model, 0, &signature), run->path, "no signature");
  check(LiteRtGetNumSignatureInputs(signature, &inputs), run->path, "no input");
  check(LiteRtGetNumSignatureOutputs(signature, &outputs), run->path, "no output");
  if (inputs != 1 || outputs != 1) fail(run->path, "more than one input or output");
  check(LiteRtGetSignatureInputTensorByIndex(signature, 0, &input), run->path, "no input");
  check(LiteRtGetSignatureOutputTensorByIndex(signature, 0, &output), run->path, "no output");
  run->input = describe(input, run->path);
  run->output = describe(output, run->path);
  check(LiteRtCreateCompiledModel(run->environment, run->model, run->options, &run->compiled),
        run->path, "cannot be prepared: damaged, or newer than this library");
  check(LiteRtGetCompiledModelInputBufferRequirements(run->compiled, 0, 0, &needs), run->path,
        "no input");
  check(LiteRtCreateManagedTensorBufferFromRequirements(run->environment, &run->input.type, needs,
                                                        &run->input.buffer), run->path, "no memory");
  check(LiteRtGetCompiledModelOutputBufferRequirements(run->compiled, 0, 0, &needs), run->path,
        "no output");
  check(LiteRtCreateManagedTensorBufferFromRequirements(run->environment, &run->output.type, needs,
                                                        &run->output.buffer), run->path, "no memory");
}

/* [invoke] Compute the outputs of the sample in input.values. */
static void invoke(Runner* run) {
  Port *input = &run->input, *output = &run->output;
  void* address = NULL;
  check(LiteRtLockTensorBuffer(input->buffer, &address, kLiteRtTensorBufferLockModeWrite),
        "buffer", "cannot be locked");
  memcpy(address, input->values, input->bytes);
  check(LiteRtUnlockTensorBuffer(input->buffer), "buffer", "cannot be unlocked");
  check(LiteRtRunCompiledModel(run->compiled, 0, 1, &input->buffer, 1, &output->buffer),
        run->path, "failed while running");
  check(LiteRtLockTensorBuffer(output->buffer, &address, kLiteRtTensorBufferLockModeRead),
        "buffer", "cannot be locked");
  memcpy(output->values, address, output->bytes);
  check(LiteRtUnlockTensorBuffer(output->buffer), "buffer", "cannot be unlocked");
}

/* [release] */
static void release(Runner* run) {
  LiteRtDestroyTensorBuffer(run->input.buffer);
  LiteRtDestroyTensorBuffer(run->output.buffer);
  LiteRtDestroyCompiledModel(run->compiled);
  LiteRtDestroyOptions(run->options);
  LiteRtDestroyModel(run->model);
  LiteRtDestroyEnvironment(run->environment);
  free(run->input.values);
  free(run->output.values);
}

/* [files] */
static FILE* open_file(const char* path, const char* mode) {
  FILE* file = fopen(path, mode);
  if (file == NULL) fail(path, strerror(errno));
  return file;
}

static bool read_sample(Port* input, FILE* samples, const char* path) {
  size_t read = fread(input->values, 1, input->bytes, samples);
  if (ferror(samples)) fail(path, strerror(errno));
  if (read != 0 && read != input->bytes) fail(path, "not a whole number of this model's samples");
  return read != 0;
}

/* Swapped bytes make numbers that hardly any input has: warn, and go on. */
static void warn_of_byte_order(const Port* input, const char* path) {
  if (input->type.element_type != kLiteRtElementTypeFloat32) return;
  for (size_t i = 0; i < input->elements; i++) {
    float size = fabsf(value(input, i));
    if (isfinite(size) && (size == 0 || (size > 1e-37F && size < 1e30F))) continue;
    fprintf(stderr, "classify: warning: %s: value %zu is %g; is it in this machine's byte order?\n",
            path, i, (double)value(input, i));
    return;
  }
}

static void write_outputs(const Port* output, FILE* file, const char* path) {
  for (size_t i = 0; i < output->elements; i++) {
    float number = value(output, i);
    if (fwrite(&number, sizeof number, 1, file) != 1) fail(path, strerror(errno));
  }
}

static void print_result(const Port* output) {
  size_t top = 0;
  for (size_t i = 0; i < output->elements; i++) {
    printf("index %zu prob is %g\n", i, (double)value(output, i));
    if (value(output, i) > value(output, top)) top = i;
  }
  printf("top label: %zu\n", top);
}

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void print_measured(double elapsed, size_t count) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage); /* ru_maxrss is in units of 1024 bytes */
  printf("%.1f microseconds a sample\n", elapsed / (double)count * 1e6);
  printf("%.1f MB of memory at most\n", (double)usage.ru_maxrss * 1024 / 1e6);
}

static long number_of_threads(const char* text) {
  char* end = NULL;
  long threads = strtol(text, &end, 10);
  if (end == text || *end != '\0' || threads < 1 || threads > 1024) {
    fail("--threads", "a whole number from 1 to 1024");
  }
  return threads;
}

/* [main] */
int main(int argc, char** argv) {
  long threads = 0; /* the library decides */
  bool measure = false;
  int first = 1;
  for (; first < argc && argv[first][0] == '-'; first++) {
    if (strcmp(argv[first], "--measure") == 0) {
      measure = true;
    } else if (strcmp(argv[first], "--threads") == 0 && first + 1 < argc) {
      threads = number_of_threads(argv[++first]);
    } else {
      bool help = strcmp(argv[first], "--help") == 0;
      fputs(USAGE, help ? stdout : stderr);
      return help ? 0 : 2;
    }
  }
  if (argc - first < 2 || argc - first > 3) {
    fputs(USAGE, stderr);
    return 2;
  }
  const char* outputs_path = argc - first == 3 ? argv[first + 2] : NULL;
  fclose(open_file(argv[first], "rb")); /* the library says less about a missing file */
  FILE* samples = open_file(argv[first + 1], "rb");

  Runner run = {.path = argv[first]};
  load(&run, threads);
  prepare(&run);

  FILE* outputs = outputs_path ? open_file(outputs_path, "wb") : NULL;
  size_t count = 0;
  double elapsed = 0;
  while (read_sample(&run.input, samples, argv[first + 1])) {
    if (count == 0) warn_of_byte_order(&run.input, argv[first + 1]);
    double start = seconds();
    invoke(&run);
    elapsed += seconds() - start;
    if (count++ == 0) print_result(&run.output);
    if (outputs) write_outputs(&run.output, outputs, outputs_path);
  }
  if (count == 0) fail(argv[first + 1], "empty");
  printf("%zu samples\n", count);
  if (measure) print_measured(elapsed, count);

  fclose(samples);
  if (outputs && fclose(outputs) != 0) fail(outputs_path, strerror(errno));
  release(&run);
  return 0;
}
