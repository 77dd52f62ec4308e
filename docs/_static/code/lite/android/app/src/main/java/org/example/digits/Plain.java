package org.example.digits;

import android.content.res.AssetFileDescriptor;
import android.content.res.AssetManager;
import java.io.FileInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import org.tensorflow.lite.Interpreter;

/** The shortest way from a picture to probabilities; the app uses FloatClassifier. */
final class Plain {
  // [plain]
  static float[] classify(AssetManager assets, float[] picture) throws IOException {
    AssetFileDescriptor asset = assets.openFd("model.tflite");
    FileChannel file = new FileInputStream(asset.getFileDescriptor()).getChannel();
    MappedByteBuffer model =
        file.map(FileChannel.MapMode.READ_ONLY, asset.getStartOffset(), asset.getDeclaredLength());
    ByteBuffer input =
        ByteBuffer.allocateDirect(Float.BYTES * picture.length).order(ByteOrder.nativeOrder());
    input.asFloatBuffer().put(picture);
    Interpreter interpreter = new Interpreter(model);
    float[][] labelProb = new float[1][interpreter.getOutputTensor(0).shape()[1]];
    interpreter.run(input, labelProb);
    return labelProb[0];
  }

  // [end]
  private Plain() {}
}
