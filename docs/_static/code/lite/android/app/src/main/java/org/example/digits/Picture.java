package org.example.digits;

import java.nio.ByteBuffer;

/** From the pixels of a picture to the numbers that the network reads. */
final class Picture {
  // [shape]
  /**
   * Returns what a network reads as 1, height, width, channels, or null if that is no picture. Gray
   * pictures may come without the channels.
   */
  static int[] shape(int[] input) {
    if (input.length == 3) {
      return new int[] {input[0], input[1], input[2], 1};
    }
    return input.length == 4 ? input : null;
  }

  // [brightness]
  /**
   * Returns how light each pixel of a drawing is as the network knows it: 0 is the ground, 1 the
   * digit.
   *
   * @param pixels ARGB as {@code Bitmap.getPixels} gives them, a dark digit on light ground
   */
  static float[] brightness(int[] pixels) {
    float[] result = new float[pixels.length];
    for (int i = 0; i < pixels.length; i++) {
      result[i] = (float) ((255 - gray(pixels[i])) / 255); // MNIST is light on dark: invert
    }
    return result;
  }

  /** Returns the gray value 0 to 255 of an ARGB pixel (ITU-R BT.601 weights). */
  static double gray(int pixel) {
    int red = pixel >> 16 & 0xFF;
    int green = pixel >> 8 & 0xFF;
    int blue = pixel & 0xFF;
    return 0.299 * red + 0.587 * green + 0.114 * blue;
  }

  // [colors]
  /** Returns red, green and blue of each ARGB pixel, 0 to 1: for a network that reads photos. */
  static float[] colors(int[] pixels) {
    float[] result = new float[3 * pixels.length];
    for (int i = 0; i < pixels.length; i++) {
      result[3 * i] = (pixels[i] >> 16 & 0xFF) / 255f;
      result[3 * i + 1] = (pixels[i] >> 8 & 0xFF) / 255f;
      result[3 * i + 2] = (pixels[i] & 0xFF) / 255f;
    }
    return result;
  }

  // [repeated]
  /** Returns each gray value as often as the network has channels. */
  static float[] repeated(float[] picture, int channels) {
    float[] result = new float[picture.length * channels];
    for (int i = 0; i < result.length; i++) {
      result[i] = picture[i / channels];
    }
    return result;
  }

  // [fill]
  /**
   * Writes a picture into the input buffer, row by row.
   *
   * @param input a direct buffer in native order with room for exactly these floats
   */
  static void fill(ByteBuffer input, float[] picture) {
    input.rewind();
    for (float value : picture) {
      input.putFloat(value);
    }
    input.rewind();
  }

  // [end]
  private Picture() {}
}
