package org.example.digits;

import android.content.res.AssetManager;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.MappedByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.UnaryOperator;

/**
 * Does on the JVM what the app does, with the app's own classes.
 *
 * <p>Digits come in a file of 784 bytes each, light on dark as in MNIST; they are turned into the
 * dark on light ARGB pixels that a Bitmap gives.
 */
final class OnDesktop {
  private static final int PIXELS = Picture.SIZE * Picture.SIZE;
  private static final String USAGE =
      "usage: OnDesktop print|java|kotlin|int8|bench APK ASSET DIGITS\n"
          + "       OnDesktop centre DRAWING WIDTH";

  private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

  /** On a device the API loads its library itself; DJL's build of the API leaves that to others. */
  static void loadRuntime() {
    if (System.getProperty("litert") == null) {
      System.loadLibrary("tensorflowlite_jni");
    }
  }

  /** Runs one command; what it prints is described by the methods below. */
  public static void main(String[] arguments) throws IOException {
    if (arguments.length == 3 && arguments[0].equals("centre")) {
      centre(Path.of(arguments[1]), Integer.parseInt(arguments[2]));
      return;
    }
    if (arguments.length != 4) {
      System.err.println(USAGE);
      System.exit(2);
    }
    loadRuntime();
    MappedByteBuffer model = ModelFile.map(new AssetManager(arguments[1]), arguments[2]);
    float[][] pictures = pictures(Path.of(arguments[3]));
    switch (arguments[0]) {
      case "print":
        try (DigitClassifier classifier = new DigitClassifier(model)) {
          print(classifier.classify(pictures[0]));
        }
        break;
      case "java":
        try (DigitClassifier classifier = new DigitClassifier(model)) {
          table(pictures, classifier::classify);
        }
        break;
      case "kotlin":
        kotlin(new AssetManager(arguments[1]), arguments[2], pixels(Path.of(arguments[3])));
        break;
      case "int8":
        try (QuantizedDigitClassifier classifier = new QuantizedDigitClassifier(model)) {
          table(pictures, classifier::classify);
        }
        break;
      case "bench":
        try (DigitClassifier classifier = new DigitClassifier(model)) {
          bench(pictures, classifier);
        }
        break;
      default:
        System.err.println(USAGE);
        System.exit(2);
    }
  }

  /** Prints the ten probabilities and the top label. */
  static void print(float[] labelProb) {
    OUT.print(Ranking.lines(labelProb));
    OUT.println("top label: " + Ranking.top(labelProb));
  }

  /** Returns each digit as the app's preprocessing leaves it. */
  static float[][] pictures(Path digits) throws IOException {
    int[] pixels = pixels(digits);
    float[][] pictures = new float[pixels.length / PIXELS][];
    for (int i = 0; i < pictures.length; i++) {
      pictures[i] = Picture.brightness(Arrays.copyOfRange(pixels, i * PIXELS, (i + 1) * PIXELS));
    }
    return pictures;
  }

  /** Returns the ARGB pixels, dark on light, of all digits in a file. */
  static int[] pixels(Path digits) throws IOException {
    byte[] bytes = Files.readAllBytes(digits);
    int[] pixels = new int[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      int grey = 255 - (bytes[i] & 0xFF);
      pixels[i] = 0xFF000000 | grey << 16 | grey << 8 | grey;
    }
    return pixels;
  }

  /** Does with the Kotlin sources, from asset to ranking, what "java" does with the Java ones. */
  private static void kotlin(AssetManager assets, String asset, int[] pixels) throws IOException {
    MappedByteBuffer model = KotlinDigitClassifierKt.map(assets, asset);
    try (KotlinDigitClassifier classifier = new KotlinDigitClassifier(model)) {
      float[][] pictures = new float[pixels.length / PIXELS][];
      for (int i = 0; i < pictures.length; i++) {
        int[] picture = Arrays.copyOfRange(pixels, i * PIXELS, (i + 1) * PIXELS);
        pictures[i] = KotlinDigitClassifierKt.brightness(picture);
      }
      table(
          pictures,
          picture -> {
            float[] labelProb = classifier.classify(picture);
            if (classifier.ranking(labelProb).get(0) != Ranking.top(labelProb)) {
              throw new IllegalStateException("Kotlin ranks differently");
            }
            return labelProb;
          });
    }
  }

  /** Prints a line of ten probabilities for each digit. */
  private static void table(float[][] pictures, UnaryOperator<float[]> classify) {
    StringBuilder lines = new StringBuilder();
    for (float[] picture : pictures) {
      lines.append(Arrays.toString(classify.apply(picture))).append('\n');
    }
    OUT.print(lines);
  }

  /** Prints the median time of one inference in microseconds, once the JIT has done its work. */
  private static void bench(float[][] pictures, DigitClassifier classifier) {
    for (float[] picture : pictures) {
      classifier.classify(picture);
    }
    long[] times = new long[pictures.length];
    for (int i = 0; i < times.length; i++) {
      long start = System.nanoTime();
      classifier.classify(pictures[i]);
      times[i] = System.nanoTime() - start;
    }
    Arrays.sort(times);
    OUT.println(times[times.length / 2] / 1000.0);
  }

  /** Prints the 784 values of a drawing of any size, centred. */
  private static void centre(Path drawing, int width) throws IOException {
    OUT.println(Arrays.toString(Centring.centre(Picture.brightness(pixels(drawing)), width)));
  }

  private OnDesktop() {}
}
