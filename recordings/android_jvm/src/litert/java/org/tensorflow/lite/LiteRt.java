package org.tensorflow.lite;

import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.PointerByReference;

/** The functions of LiteRT's C API that are needed here; each returns a status, 0 for success. */
final class LiteRt {
  static final int CPU = 1;
  static final int READ = 0;
  static final int WRITE = 1;

  static {
    Native.register(LiteRt.class, System.getProperty("litert"));
  }

  static native int LiteRtCreateEnvironment(int count, Pointer options, PointerByReference made);

  static native int LiteRtCreateModelFromBuffer(
      Pointer environment, Pointer content, long size, PointerByReference made);

  static native int LiteRtCreateOptions(PointerByReference made);

  static native int LiteRtSetOptionsHardwareAccelerators(Pointer options, int accelerators);

  static native int LiteRtCreateCompiledModel(
      Pointer environment, Pointer model, Pointer options, PointerByReference made);

  static native int LiteRtGetModelSignature(Pointer model, long index, PointerByReference found);

  static native int LiteRtGetSignatureInputTensorByIndex(
      Pointer signature, long index, PointerByReference found);

  static native int LiteRtGetSignatureOutputTensorByIndex(
      Pointer signature, long index, PointerByReference found);

  static native int LiteRtGetRankedTensorType(Pointer tensor, Pointer type);

  static native int LiteRtGetPerTensorQuantization(Pointer tensor, Pointer params);

  static native int LiteRtGetCompiledModelInputTensorLayout(
      Pointer compiled, long signature, long index, Pointer layout);

  static native int LiteRtGetCompiledModelOutputTensorLayouts(
      Pointer compiled, long signature, long count, Pointer layouts, boolean update);

  static native int LiteRtGetCompiledModelInputBufferRequirements(
      Pointer compiled, long signature, long index, PointerByReference found);

  static native int LiteRtGetCompiledModelOutputBufferRequirements(
      Pointer compiled, long signature, long index, PointerByReference found);

  static native int LiteRtCreateManagedTensorBufferFromRequirements(
      Pointer environment, Pointer type, Pointer requirements, PointerByReference made);

  static native int LiteRtLockTensorBuffer(Pointer buffer, PointerByReference address, int mode);

  static native int LiteRtUnlockTensorBuffer(Pointer buffer);

  static native int LiteRtRunCompiledModel(
      Pointer compiled, long signature, long inputs, Memory input, long outputs, Memory output);

  static native void LiteRtDestroyTensorBuffer(Pointer buffer);

  static native void LiteRtDestroyCompiledModel(Pointer compiled);

  static native void LiteRtDestroyModel(Pointer model);

  static native void LiteRtDestroyOptions(Pointer options);

  static native void LiteRtDestroyEnvironment(Pointer environment);

  /** Throws what the API throws if a call did not succeed. */
  static void check(int status) {
    if (status != 0) {
      throw new IllegalArgumentException("LiteRT status " + status);
    }
  }

  private LiteRt() {}
}
