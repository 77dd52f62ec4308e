package org.example.digits;

import java.nio.ByteBuffer;
import org.tensorflow.lite.Interpreter;
import org.tensorflow.lite.Tensor.QuantizationParams;

/** Reads a handwritten digit with a model whose input and output are int8. */
final class QuantizedDigitClassifier implements AutoCloseable {
  private final Interpreter interpreter;

  // [quantized]
  /** One byte a pixel; bytes have no order. */
  private final ByteBuffer input = ByteBuffer.allocateDirect(Picture.SIZE * Picture.SIZE);

  private final byte[][] labelProb = new byte[1][Ranking.LABELS];
  private final QuantizationParams inputParams;
  private final QuantizationParams outputParams;

  /**
   * Prepares the network.
   *
   * @param model the content of a .tflite file, mapped or direct; the interpreter keeps using it
   */
  QuantizedDigitClassifier(ByteBuffer model) {
    interpreter = new Interpreter(model);
    inputParams = interpreter.getInputTensor(0).quantizationParams();
    outputParams = interpreter.getOutputTensor(0).quantizationParams();
  }

  /**
   * Returns the probability of each of the ten labels, in steps of 1/256.
   *
   * @param picture 28 x 28 values from 0 to 1, row by row, light digit on dark
   */
  float[] classify(float[] picture) {
    input.rewind();
    for (float value : picture) {
      input.put(quantize(value));
    }
    input.rewind();
    interpreter.run(input, labelProb);
    float[] result = new float[Ranking.LABELS];
    for (int label = 0; label < result.length; label++) {
      result[label] = outputParams.getScale() * (labelProb[0][label] - outputParams.getZeroPoint());
    }
    return result;
  }

  private byte quantize(float value) {
    int step = Math.round(value / inputParams.getScale()) + inputParams.getZeroPoint();
    return (byte) Math.max(Byte.MIN_VALUE, Math.min(Byte.MAX_VALUE, step));
  }

  // [end]
  @Override
  public void close() {
    interpreter.close();
  }
}
