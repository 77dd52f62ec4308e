package org.example.digits;

import android.content.res.AssetManager;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.tensorflow.lite.Interpreter;

/** Makes one mistake and prints what comes of it: the exception, or the wrong answer. */
final class Mistake {
  /** Arguments: the mistake, an APK, the digits of which the first is read. */
  public static void main(String[] arguments) throws IOException {
    OnDesktop.loadRuntime();
    try {
      make(arguments[0], arguments[1], Path.of(arguments[2]));
    } catch (IOException | IllegalArgumentException | IllegalStateException error) {
      System.out.println(error);
    }
  }

  private static void make(String mistake, String apk, Path digits) throws IOException {
    int[] pixels = Arrays.copyOf(OnDesktop.pixels(digits, 1), 28 * 28);
    ByteBuffer input = ByteBuffer.allocateDirect(4 * 28 * 28).order(ByteOrder.nativeOrder());
    ByteBuffer model =
        mistake.equals("heap")
            ? ByteBuffer.wrap(Files.readAllBytes(Path.of(apk)))
            : ModelFile.map(new AssetManager(apk));
    float[][] labelProb = new float[1][10];
    try (Interpreter interpreter = new Interpreter(model)) {
      switch (mistake) {
        case "none": // the control: no mistake, the right answer
        case "load": // only what loading says
          Picture.fill(input, Picture.brightness(pixels));
          break;
        case "raw":
          for (int pixel : pixels) {
            input.putFloat(pixel);
          }
          break;
        case "inverted":
          for (int pixel : pixels) {
            input.putFloat((float) (Picture.gray(pixel) / 255));
          }
          break;
        case "scale":
          for (int pixel : pixels) {
            input.putFloat((float) (255 - Picture.gray(pixel)));
          }
          break;
        case "order":
          input = ByteBuffer.allocateDirect(4 * 28 * 28); // big-endian
          Picture.fill(input, Picture.brightness(pixels));
          break;
        case "size":
          input = ByteBuffer.allocateDirect(4 * 28 * 28 * 3).order(ByteOrder.nativeOrder());
          break;
        case "shape":
          interpreter.run(input, new float[10]);
          break;
        default:
          throw new IllegalArgumentException("no such mistake: " + mistake);
      }
      input.rewind();
      interpreter.run(input, labelProb);
      OnDesktop.print(labelProb[0], ModelFile.labels(new AssetManager(apk)));
    }
  }

  private Mistake() {}
}
