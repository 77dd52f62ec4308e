package org.example.digits;

/** A network that looks at pictures. Not for use by several threads at once. */
interface Classifier extends AutoCloseable {
  /** Returns the shape of its input: 1, height, width, channels. */
  int[] inputShape();

  /**
   * Returns the probability of each label.
   *
   * @param picture height x width x channels values from 0 to 1, row by row
   */
  float[] classify(float[] picture);

  /** Frees the network's memory, which the garbage collector does not see. */
  @Override
  void close();
}
