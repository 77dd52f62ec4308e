package org.example.digits;

import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** What a user is told about the probabilities. */
final class Ranking {
  // [print]
  /** Returns one line for each label: {@code index 7 prob is 0.9999999}. */
  static String lines(float[] labelProb) {
    StringBuilder lines = new StringBuilder();
    for (int index = 0; index < labelProb.length; index++) {
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
    for (int label = 1; label < labelProb.length; label++) {
      if (labelProb[label] > labelProb[top]) {
        top = label;
      }
    }
    return top;
  }

  // [shown]
  /** Returns all labels in their order or, if there are more than {@code most}, the best ones. */
  static List<Integer> shown(float[] labelProb, int most) {
    Stream<Integer> labels = IntStream.range(0, labelProb.length).boxed();
    if (labelProb.length > most) {
      labels = labels.sorted((one, two) -> Float.compare(labelProb[two], labelProb[one]));
    }
    return labels.limit(most).collect(Collectors.toList());
  }

  // [name]
  /** Returns the text of a label, or its number if labels.txt is too short for it. */
  static String name(List<String> labels, int label) {
    return label < labels.size() ? labels.get(label) : String.valueOf(label);
  }

  // [end]
  private Ranking() {}
}
