package org.example.digits;

/** Places a digit as in MNIST: 20 of 28 pixels large, its center of mass in the middle. */
final class Centering {
  private static final float SHARE = 20 / 28f; // of the picture
  private static final float INK = 0.1f; // fainter than this is ground

  // [center]
  /**
   * Cuts the digit out, scales its longer side and moves it to the middle.
   *
   * @param drawing brightness 0 to 1, row by row, light digit on dark
   * @param drawn the length of a row of the drawing in pixels
   * @param width of the picture that the network reads
   * @param height of the picture that the network reads
   * @return width x height values; all zero if there is no digit
   */
  static float[] center(float[] drawing, int drawn, int width, int height) {
    float[] result = new float[width * height];
    int[] box = boundingBox(drawing, drawn);
    if (box == null) {
      return result;
    }
    int boxWidth = box[2] - box[0];
    int boxHeight = box[3] - box[1];
    int size = Math.round(SHARE * Math.min(width, height));
    float scale = (float) Math.max(boxWidth, boxHeight) / size; // drawing pixels per new pixel
    int columns = Math.max(1, Math.round(boxWidth / scale));
    int rows = Math.max(1, Math.round(boxHeight / scale));
    float[] digit = new float[rows * columns];
    for (int y = 0; y < rows; y++) {
      for (int x = 0; x < columns; x++) {
        digit[y * columns + x] =
            mean(
                drawing,
                drawn,
                box[0] + (float) x * boxWidth / columns,
                box[1] + (float) y * boxHeight / rows,
                box[0] + (float) (x + 1) * boxWidth / columns,
                box[1] + (float) (y + 1) * boxHeight / rows);
      }
    }
    place(digit, columns, rows, result, width);
    return result;
  }

  /** Copies the digit to where its center of mass is in the middle, as far as it fits. */
  private static void place(float[] digit, int columns, int rows, float[] result, int width) {
    int height = result.length / width;
    double mass = 0;
    double massX = 0;
    double massY = 0;
    for (int y = 0; y < rows; y++) {
      for (int x = 0; x < columns; x++) {
        float value = digit[y * columns + x];
        mass += value;
        massX += value * (x + 0.5);
        massY += value * (y + 0.5);
      }
    }
    int left = clamp(Math.round((float) (width / 2.0 - massX / mass)), width - columns);
    int top = clamp(Math.round((float) (height / 2.0 - massY / mass)), height - rows);
    for (int y = 0; y < rows; y++) {
      System.arraycopy(digit, y * columns, result, (top + y) * width + left, columns);
    }
  }

  // [box]
  /** Returns left, top, right, bottom (the last two exclusive), or null if nothing is drawn. */
  private static int[] boundingBox(float[] drawing, int width) {
    int left = width;
    int top = drawing.length / width;
    int right = 0;
    int bottom = 0;
    for (int i = 0; i < drawing.length; i++) {
      if (drawing[i] > INK) {
        left = Math.min(left, i % width);
        right = Math.max(right, i % width + 1);
        top = Math.min(top, i / width);
        bottom = Math.max(bottom, i / width + 1);
      }
    }
    return right == 0 ? null : new int[] {left, top, right, bottom};
  }

  /** Returns the mean brightness of a rectangle whose edges may cut through pixels. */
  private static float mean(
      float[] drawing, int width, float left, float top, float right, float bottom) {
    double sum = 0;
    double area = 0;
    int height = drawing.length / width;
    for (int y = (int) top; y < Math.min(height, Math.ceil(bottom)); y++) {
      double rowShare = Math.min(y + 1, bottom) - Math.max(y, top);
      for (int x = (int) left; x < Math.min(width, Math.ceil(right)); x++) {
        double share = rowShare * (Math.min(x + 1, right) - Math.max(x, left));
        sum += share * drawing[y * width + x];
        area += share;
      }
    }
    return (float) (sum / area);
  }

  private static int clamp(int start, int largest) {
    return Math.max(0, Math.min(largest, start));
  }

  // [end]
  private Centering() {}
}
