package org.example.digits;

/** What a user is told about the ten probabilities. */
final class Ranking {
  /** The digits 0 to 9. */
  static final int LABELS = 10;

  // [print]
  /** Returns one line for each label: {@code index 7 prob is 0.9999999}. */
  static String lines(float[] labelProb) {
    StringBuilder lines = new StringBuilder();
    for (int index = 0; index < LABELS; index++) {
      lines
          .append("index ")
          .append(index)
          .append(" prob is ")
          .append(labelProb[index])
          .append('\n');
    }
    return lines.toString();
  }

  // [top]
  /** Returns the label with the largest probability; of equal ones the first. */
  static int top(float[] labelProb) {
    int top = 0;
    for (int label = 1; label < LABELS; label++) {
      if (labelProb[label] > labelProb[top]) {
        top = label;
      }
    }
    return top;
  }

  // [end]
  private Ranking() {}
}
