package org.example.digits;

import java.nio.ByteBuffer;
import org.tensorflow.lite.Interpreter;
import org.tensorflow.lite.Tensor;
import org.tensorflow.lite.Tensor.QuantizationParams;

/** A network whose input and output are int8. */
final class QuantizedClassifier implements Classifier {
  private final Interpreter interpreter;
  private final ByteBuffer input;
  private final byte[][] labelProb;
  private final QuantizationParams inputParams;
  private final QuantizationParams outputParams;

  /**
   * Prepares the network.
   *
   * @param model the content of a .tflite file, mapped or direct; the interpreter keeps using it
   */
  QuantizedClassifier(ByteBuffer model) {
    interpreter = new Interpreter(model);
    Tensor source = interpreter.getInputTensor(0);
    Tensor result = interpreter.getOutputTensor(0);
    input = ByteBuffer.allocateDirect(source.numBytes()); // a byte a value; bytes have no order
    labelProb = new byte[1][result.shape()[1]];
    inputParams = source.quantizationParams();
    outputParams = result.quantizationParams();
  }

  @Override
  public int[] inputShape() {
    return interpreter.getInputTensor(0).shape();
  }

  // [quantized]
  @Override
  public float[] classify(float[] picture) {
    input.rewind();
    for (float value : picture) {
      input.put(quantize(value));
    }
    input.rewind();
    interpreter.run(input, labelProb);
    float[] result = new float[labelProb[0].length];
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
