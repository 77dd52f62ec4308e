package org.example.digits;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.tensorflow.lite.DataType;
import org.tensorflow.lite.Interpreter;

/** A network whose input and output are float32. */
final class FloatClassifier implements Classifier {
  private final Interpreter interpreter;
  private final ByteBuffer input;
  private final float[][] labelProb;

  /**
   * Prepares the network.
   *
   * @param model the content of a .tflite file, mapped or direct; the interpreter keeps using it
   * @throws IllegalArgumentException if it is no model, needs a newer runtime or reads no float32
   */
  FloatClassifier(ByteBuffer model) {
    // [interpreter]
    interpreter = new Interpreter(model);

    // [type]
    if (interpreter.getInputTensor(0).dataType() != DataType.FLOAT32) {
      interpreter.close();
      throw new IllegalArgumentException("it reads no float32: use QuantizedClassifier");
    }

    // [buffer]
    // floats outside the Java heap, in the byte order of the machine
    input =
        ByteBuffer.allocateDirect(interpreter.getInputTensor(0).numBytes())
            .order(ByteOrder.nativeOrder());

    // [output]
    // one picture, so many labels; the outer array is the batch: it may not be left out
    labelProb = new float[1][interpreter.getOutputTensor(0).shape()[1]];

    // [end]
  }

  @Override
  public int[] inputShape() {
    return interpreter.getInputTensor(0).shape();
  }

  // [run]
  @Override
  public float[] classify(float[] picture) {
    Picture.fill(input, picture);
    interpreter.run(input, labelProb);
    return labelProb[0].clone();
  }

  // [close]
  @Override
  public void close() {
    interpreter.close();
  }
}
