package org.example.digits;

import java.nio.ByteBuffer;

/** From the pixels of a drawing to the numbers that the network reads. */
final class Picture {
  /** Width and height of the picture that the network reads, in pixels. */
  static final int SIZE = 28;

  // [brightness]
  /**
   * Returns how light each pixel is as the network knows it: 0 is the ground, 1 is the digit.
   *
   * @param pixels ARGB as {@code Bitmap.getPixels} gives them, a dark digit on light ground
   */
  static float[] brightness(int[] pixels) {
    float[] result = new float[pixels.length];
    for (int i = 0; i < pixels.length; i++) {
      result[i] = (float) ((255 - grey(pixels[i])) / 255); // MNIST is light on dark: invert
    }
    return result;
  }

  /** Returns the grey value 0 to 255 of an ARGB pixel (ITU-R BT.601 weights). */
  static double grey(int pixel) {
    int red = pixel >> 16 & 0xFF;
    int green = pixel >> 8 & 0xFF;
    int blue = pixel & 0xFF;
    return 0.299 * red + 0.587 * green + 0.114 * blue;
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
