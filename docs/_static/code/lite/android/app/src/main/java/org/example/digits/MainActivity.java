package org.example.digits;

import android.app.Activity;
import android.os.Bundle;
import android.util.Log;
import android.view.View;
import android.view.ViewGroup;
import android.widget.ProgressBar;
import android.widget.TextView;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;

/** One screen: a digit is drawn, the probabilities and the top label are shown. */
public final class MainActivity extends Activity {
  private static final int ROWS = 10; // of more labels, the most probable ones are shown

  private Classifier classifier;
  private List<String> labels;
  private int[] shape; // 1, height, width, channels
  private DrawingView drawing;
  private TextView top;
  private ViewGroup rows;

  // [create]
  @Override
  protected void onCreate(Bundle state) {
    super.onCreate(state);
    setContentView(R.layout.main);
    drawing = (DrawingView) findViewById(R.id.drawing);
    top = (TextView) findViewById(R.id.top);
    rows = (ViewGroup) findViewById(R.id.rows);
    findViewById(R.id.clear).setOnClickListener(view -> drawing.clear());
    try {
      classifier = open();
      labels = ModelFile.labels(getAssets());
    } catch (IOException | RuntimeException error) { // no such file, or no model in it
      top.setText(getString(R.string.no_model, error.getMessage()));
      return;
    }
    shape = Picture.shape(classifier.inputShape());
    if (shape == null) {
      String reads = Arrays.toString(classifier.inputShape());
      top.setText(getString(R.string.no_picture, reads));
      return;
    }
    for (int row = 0; row < Math.min(ROWS, labels.size()); row++) {
      getLayoutInflater().inflate(R.layout.row, rows);
    }
    drawing.setOnChange(this::show);
  }

  // [open]
  /** Opens the model with one of the classifiers; the others take the same place. */
  private Classifier open() throws IOException {
    return new FloatClassifier(ModelFile.map(getAssets()));
    // return new QuantizedClassifier(ModelFile.map(getAssets()));
    // return new KotlinClassifier(ModelFile.map(getAssets()));
    // return new CompiledClassifier(getAssets(), new int[] {1, 28, 28, 1});
  }

  // [show]
  /** Reads the digit after each stroke; it takes milliseconds, so no thread of its own. */
  private void show() {
    float[] drawn = Picture.brightness(drawing.pixels());
    float[] picture = Centering.center(drawn, drawing.getWidth(), shape[2], shape[1]);
    float[] labelProb = classifier.classify(Picture.repeated(picture, shape[3]));
    if (drawing.isEmpty()) {
      Arrays.fill(labelProb, 0); // the network has an answer to an empty picture, too
    }
    int label = drawing.isEmpty() ? -1 : Ranking.top(labelProb);
    top.setText(label < 0 ? getString(R.string.hint) : sentence(label, labelProb[label]));
    List<Integer> shown = Ranking.shown(labelProb, rows.getChildCount());
    for (int row = 0; row < shown.size(); row++) {
      int it = shown.get(row);
      showRow(rows.getChildAt(row), Ranking.name(labels, it), labelProb[it], it == label);
    }
    Log.d("digits", Ranking.lines(labelProb));
  }

  private String sentence(int label, float probability) {
    return getString(R.string.top, Ranking.name(labels, label), 100 * probability);
  }

  /** Shows one label: its text, a bar as long as it is probable, and the number. */
  private void showRow(View row, String name, float probability, boolean isTop) {
    String percent = getString(R.string.percent, 100 * probability);
    ((TextView) row.findViewById(R.id.label)).setText(name);
    ((ProgressBar) row.findViewById(R.id.bar)).setProgress(Math.round(1000 * probability));
    ((TextView) row.findViewById(R.id.percent)).setText(percent);
    row.setContentDescription(getString(R.string.row, name, percent)); // what TalkBack reads out
    row.setActivated(isTop); // the colors follow
  }

  // [end]
  @Override
  protected void onDestroy() {
    if (classifier != null) {
      classifier.close();
    }
    super.onDestroy();
  }
}
