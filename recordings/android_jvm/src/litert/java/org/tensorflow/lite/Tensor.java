package org.tensorflow.lite;

/** The part of the API's Tensor that the app uses. */
public final class Tensor {
  private final QuantizationParams params;

  Tensor(QuantizationParams params) {
    this.params = params;
  }

  /** Returns how the numbers of this tensor stand for real ones. */
  public QuantizationParams quantizationParams() {
    return params;
  }

  /** real = scale * (number - zeroPoint). */
  public static final class QuantizationParams {
    private final float scale;
    private final int zeroPoint;

    QuantizationParams(float scale, int zeroPoint) {
      this.scale = scale;
      this.zeroPoint = zeroPoint;
    }

    public float getScale() {
      return scale;
    }

    public int getZeroPoint() {
      return zeroPoint;
    }
  }
}
