package org.tensorflow.lite;

import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.PointerByReference;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.function.Function;
import java.util.function.ToIntFunction;

/**
 * Stands in for the class of the same name, over the LiteRT that Python uses.
 *
 * <p>The real class with a native library for the desktop is only to be had with a runtime of 2021,
 * which computes today's int8 models wrongly and is slower. One input, one output.
 */
public final class Interpreter implements AutoCloseable {
  private static final int TYPE = 72; // bytes of a LiteRtRankedTensorType
  private static final int LAYOUT = 68; // of the LiteRtLayout at its end

  private final Pointer environment = made(made -> LiteRt.LiteRtCreateEnvironment(0, null, made));
  private final Pointer options = made(LiteRt::LiteRtCreateOptions);
  private final ByteBuffer content; // LiteRT goes on reading it
  private final Pointer model;
  private final Pointer compiled;
  private final Pointer[] tensors = new Pointer[2];
  private final Pointer[] buffers = new Pointer[2];
  private final Memory[] arrays = new Memory[2];
  private final int[][] shapes = new int[2][];

  /** Prepares the model in a mapped or direct buffer. */
  public Interpreter(ByteBuffer content) {
    this.content = content;
    Pointer bytes = Native.getDirectBufferPointer(content);
    model =
        made(
            made ->
                LiteRt.LiteRtCreateModelFromBuffer(environment, bytes, content.capacity(), made));
    LiteRt.check(LiteRt.LiteRtSetOptionsHardwareAccelerators(options, LiteRt.CPU));
    compiled = made(made -> LiteRt.LiteRtCreateCompiledModel(environment, model, options, made));
    Pointer signature = made(found -> LiteRt.LiteRtGetModelSignature(model, 0, found));
    Memory layout = new Memory(LAYOUT);
    tensors[0] = made(found -> LiteRt.LiteRtGetSignatureInputTensorByIndex(signature, 0, found));
    LiteRt.check(LiteRt.LiteRtGetCompiledModelInputTensorLayout(compiled, 0, 0, layout));
    allocate(
        0,
        layout,
        made(found -> LiteRt.LiteRtGetCompiledModelInputBufferRequirements(compiled, 0, 0, found)));
    tensors[1] = made(found -> LiteRt.LiteRtGetSignatureOutputTensorByIndex(signature, 0, found));
    LiteRt.check(LiteRt.LiteRtGetCompiledModelOutputTensorLayouts(compiled, 0, 1, layout, false));
    allocate(
        1,
        layout,
        made(
            found -> LiteRt.LiteRtGetCompiledModelOutputBufferRequirements(compiled, 0, 0, found)));
  }

  /** Makes a buffer of the shape that the compiled model uses: the model's own has a batch -1. */
  private void allocate(int which, Memory layout, Pointer requirements) {
    Memory type = new Memory(TYPE);
    LiteRt.check(LiteRt.LiteRtGetRankedTensorType(tensors[which], type));
    type.write(TYPE - LAYOUT, layout.getByteArray(0, LAYOUT), 0, LAYOUT);
    buffers[which] =
        made(
            made ->
                LiteRt.LiteRtCreateManagedTensorBufferFromRequirements(
                    environment, type, requirements, made));
    arrays[which] = new Memory(Native.POINTER_SIZE);
    arrays[which].setPointer(0, buffers[which]);
    // rank (seven bits), then eight dimensions
    shapes[which] = layout.getIntArray(4, layout.getByte(0) & 0x7F);
  }

  /** Runs the model on the bytes of a direct buffer; the answer is a float[1][n] or byte[1][n]. */
  public void run(Object source, Object result) {
    ByteBuffer bytes = (ByteBuffer) source;
    locked(
        0,
        LiteRt.WRITE,
        address -> {
          address.getByteBuffer(0, bytes.remaining()).put(bytes);
          return null;
        });
    LiteRt.check(LiteRt.LiteRtRunCompiledModel(compiled, 0, 1, arrays[0], 1, arrays[1]));
    locked(
        1,
        LiteRt.READ,
        address -> {
          if (result instanceof byte[][]) {
            byte[] row = ((byte[][]) result)[0];
            address.read(0, row, 0, row.length);
          } else {
            float[] row = ((float[][]) result)[0];
            address.read(0, row, 0, row.length);
          }
          return null;
        });
  }

  private void locked(int which, int mode, Function<Pointer, Void> action) {
    action.apply(made(made -> LiteRt.LiteRtLockTensorBuffer(buffers[which], made, mode)));
    LiteRt.check(LiteRt.LiteRtUnlockTensorBuffer(buffers[which]));
  }

  /** Returns the input tensor. */
  public Tensor getInputTensor(int index) {
    return tensor(0);
  }

  /** Returns the output tensor. */
  public Tensor getOutputTensor(int index) {
    return tensor(1);
  }

  private Tensor tensor(int which) {
    Memory params = new Memory(16);
    params.clear();
    boolean quantized = LiteRt.LiteRtGetPerTensorQuantization(tensors[which], params) == 0;
    int elements = Arrays.stream(shapes[which]).reduce(1, (size, length) -> size * length);
    return new Tensor(
        shapes[which],
        elements * (quantized ? Byte.BYTES : Float.BYTES),
        quantized ? DataType.INT8 : DataType.FLOAT32,
        new Tensor.QuantizationParams(params.getFloat(0), Math.toIntExact(params.getLong(8))));
  }

  @Override
  public void close() {
    for (Pointer buffer : buffers) {
      LiteRt.LiteRtDestroyTensorBuffer(buffer);
    }
    LiteRt.LiteRtDestroyCompiledModel(compiled);
    LiteRt.LiteRtDestroyOptions(options);
    LiteRt.LiteRtDestroyModel(model);
    LiteRt.LiteRtDestroyEnvironment(environment);
    content.clear();
  }

  private static Pointer made(ToIntFunction<PointerByReference> call) {
    PointerByReference made = new PointerByReference();
    LiteRt.check(call.applyAsInt(made));
    return made.getValue();
  }
}
