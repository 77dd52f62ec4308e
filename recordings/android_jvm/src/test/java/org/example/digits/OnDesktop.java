package org.example.digits;

import android.content.res.AssetManager;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * Does on the JVM what the app does, with the app's own classes.
 *
 * <p>Pictures come in a file of bytes, height x width x channels each. Gray ones are light on dark
 * as in MNIST; they are turned into the dark on light ARGB pixels that a Bitmap gives.
 */
final class OnDesktop {
  private static final String USAGE =
      "usage: OnDesktop print|plain|plain-kotlin|java|kotlin|int8|bench APK PICTURES\n"
          + "       OnDesktop row APK NUMBERS\n"
          + "       OnDesktop center DRAWING DRAWN WIDTH HEIGHT\n"
          + "       OnDesktop gray COLORS";

  private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

  /** What reads a picture: a classifier, or a way without one. */
  private interface Reader {
    float[] classify(float[] picture) throws IOException;
  }

  /** On a device the API loads its library itself; DJL's build of the API leaves that to others. */
  static void loadRuntime() {
    if (System.getProperty("litert") == null) {
      System.loadLibrary("tensorflowlite_jni");
    }
  }

  /** Runs one command; what it prints is described by the methods below. */
  public static void main(String[] arguments) throws IOException {
    if (arguments.length == 5 && arguments[0].equals("center")) {
      int[] sizes = Arrays.stream(arguments).skip(2).mapToInt(Integer::parseInt).toArray();
      float[] drawing = Picture.brightness(pixels(Path.of(arguments[1]), 1));
      OUT.println(Arrays.toString(Centering.center(drawing, sizes[0], sizes[1], sizes[2])));
      return;
    }
    if (arguments.length == 2 && arguments[0].equals("gray")) {
      OUT.println(Arrays.toString(Picture.brightness(pixels(Path.of(arguments[1]), 3))));
      return;
    }
    if (arguments.length != 3) {
      System.err.println(USAGE);
      System.exit(2);
    }
    loadRuntime();
    AssetManager assets = new AssetManager(arguments[1]);
    if (arguments[0].equals("row")) { // no picture
      float[] row = new float[arguments[2].split(",").length];
      for (int i = 0; i < row.length; i++) {
        row[i] = Float.parseFloat(arguments[2].split(",")[i]);
      }
      OUT.println(Arrays.toString(Plain.classify(assets, row)));
      return;
    }
    List<String> labels = ModelFile.labels(assets);
    try (Classifier classifier = open(arguments[0], assets)) {
      int[] shape = classifier.inputShape();
      float[][] pictures = pictures(Path.of(arguments[2]), shape, arguments[0].contains("kotlin"));
      switch (arguments[0]) {
        case "print":
          print(classifier.classify(pictures[0]), labels);
          break;
        case "plain":
          table(pictures, picture -> Plain.classify(assets, picture));
          break;
        case "plain-kotlin":
          table(pictures, picture -> PlainKt.classifyPlainly(assets, picture));
          break;
        case "kotlin":
          table(pictures, picture -> ranked((KotlinClassifier) classifier, picture));
          break;
        case "bench":
          bench(pictures, classifier);
          break;
        default:
          table(pictures, classifier::classify);
      }
    }
  }

  private static Classifier open(String command, AssetManager assets) throws IOException {
    switch (command) {
      case "int8":
        return new QuantizedClassifier(ModelFile.map(assets));
      case "kotlin":
        return new KotlinClassifier(KotlinClassifierKt.map(assets, ModelFile.MODEL));
      default:
        return new FloatClassifier(ModelFile.map(assets));
    }
  }

  /** Prints the probabilities and the top label. */
  static void print(float[] labelProb, List<String> labels) {
    OUT.print(Ranking.lines(labelProb));
    OUT.println("top label: " + Ranking.name(labels, Ranking.top(labelProb)));
  }

  /** Returns each picture as the app's preprocessing leaves it, in Java or in Kotlin. */
  private static float[][] pictures(Path file, int[] shape, boolean kotlin) throws IOException {
    int channels = shape[3];
    int length = shape[1] * shape[2];
    int[] pixels = pixels(file, channels);
    float[][] pictures = new float[pixels.length / length][];
    for (int i = 0; i < pictures.length; i++) {
      int[] picture = Arrays.copyOfRange(pixels, i * length, (i + 1) * length);
      if (channels == 3) {
        pictures[i] = Picture.colors(picture);
      } else {
        pictures[i] = kotlin ? KotlinClassifierKt.brightness(picture) : Picture.brightness(picture);
      }
    }
    return pictures;
  }

  /** Returns the ARGB pixels of all pictures in a file; those of gray ones are dark on light. */
  static int[] pixels(Path file, int channels) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    int[] pixels = new int[bytes.length / channels];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = 0xFF000000;
      for (int color = 0; color < 3; color++) {
        int value =
            channels == 3 ? bytes[3 * i + color] & 0xFF : 255 - (bytes[i] & 0xFF); // gray: inverted
        pixels[i] |= value << (16 - 8 * color);
      }
    }
    return pixels;
  }

  private static float[] ranked(KotlinClassifier classifier, float[] picture) {
    float[] labelProb = classifier.classify(picture);
    if (classifier.ranking(labelProb).get(0) != Ranking.top(labelProb)) {
      throw new IllegalStateException("Kotlin ranks differently");
    }
    return labelProb;
  }

  /** Prints a line of probabilities for each picture. */
  private static void table(float[][] pictures, Reader reader) throws IOException {
    StringBuilder lines = new StringBuilder();
    for (float[] picture : pictures) {
      lines.append(Arrays.toString(reader.classify(picture))).append('\n');
    }
    OUT.print(lines);
  }

  /** Prints the median time of one inference in microseconds, once the JIT has done its work. */
  private static void bench(float[][] pictures, Classifier classifier) {
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

  private OnDesktop() {}
}
