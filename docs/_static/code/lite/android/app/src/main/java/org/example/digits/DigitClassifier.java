package org.example.digits;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.tensorflow.lite.Interpreter;

/** Reads a handwritten digit with a float32 model. Not for use by several threads at once. */
final class DigitClassifier implements AutoCloseable {
  // [buffer]
  private static final int BATCH = 1;
  private static final int CHANNELS = 1;

  /** 1 x 28 x 28 x 1 floats outside the Java heap, in the byte order of the machine. */
  private final ByteBuffer input =
      ByteBuffer.allocateDirect(Float.BYTES * BATCH * Picture.SIZE * Picture.SIZE * CHANNELS)
          .order(ByteOrder.nativeOrder());

  // [output]
  /** One picture, ten labels. The outer array is the batch: it may not be left out. */
  private final float[][] labelProb = new float[BATCH][Ranking.LABELS];

  // [interpreter]
  private final Interpreter interpreter;

  /**
   * Prepares the network.
   *
   * @param model the content of a .tflite file, mapped or direct; the interpreter keeps using it
   * @throws IllegalArgumentException if it is no model, or needs a newer runtime
   */
  DigitClassifier(ByteBuffer model) {
    interpreter = new Interpreter(model);
  }

  // [run]
  /**
   * Returns the probability of each of the ten labels.
   *
   * @param picture 28 x 28 values from 0 to 1, row by row, light digit on dark
   */
  float[] classify(float[] picture) {
    Picture.fill(input, picture);
    interpreter.run(input, labelProb);
    return labelProb[0].clone();
  }

  // [close]
  /** Frees the network's memory, which the garbage collector does not see. */
  @Override
  public void close() {
    interpreter.close();
  }
}
