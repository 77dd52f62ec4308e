package org.tensorflow.lite;

/** The part of the API's Tensor that the app uses. */
public final class Tensor {
  private final int[] shape;
  private final int size;
  private final DataType type;
  private final QuantizationParams params;

  Tensor(int[] shape, int size, DataType type, QuantizationParams params) {
    this.type = type;
    this.shape = shape;
    this.size = size;
    this.params = params;
  }

  /** Returns the length of each dimension. */
  public int[] shape() {
    return shape.clone();
  }

  /** Returns what its numbers are; the enumeration is the API's own. */
  public DataType dataType() {
    return type;
  }

  /** Returns how many bytes a buffer for it has. */
  public int numBytes() {
    return size;
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
