package org.example.digits;

import android.app.Activity;
import android.os.Bundle;
import android.widget.TextView;
import java.io.IOException;
import java.util.List;

/** One screen: a digit is drawn, the probabilities and the top label are shown. */
public final class MainActivity extends Activity {
  private Classifier classifier;
  private List<String> labels;
  private DrawingView drawing;
  private TextView top;
  private TextView probabilities;

  // [create]
  @Override
  protected void onCreate(Bundle state) {
    super.onCreate(state);
    setContentView(R.layout.main);
    drawing = (DrawingView) findViewById(R.id.drawing);
    top = (TextView) findViewById(R.id.top);
    probabilities = (TextView) findViewById(R.id.probabilities);
    findViewById(R.id.clear).setOnClickListener(view -> clear());
    try {
      classifier = open();
      labels = ModelFile.labels(getAssets());
    } catch (IOException | IllegalArgumentException error) {
      top.setText(getString(R.string.no_model, error.getMessage()));
      return;
    }
    drawing.setOnStroke(this::classify);
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
  private void classify() {
    int[] shape = classifier.inputShape(); // 1, height, width, channels
    float[] drawn = Picture.brightness(drawing.pixels());
    float[] picture = Centering.center(drawn, drawing.getWidth(), shape[2], shape[1]);
    float[] labelProb = classifier.classify(Picture.repeated(picture, shape[3]));
    int label = Ranking.top(labelProb);
    top.setText(getString(R.string.top, Ranking.name(labels, label), 100 * labelProb[label]));
    probabilities.setText(Ranking.lines(labelProb));
  }

  // [end]
  private void clear() {
    drawing.clear();
    top.setText("");
    probabilities.setText("");
  }

  @Override
  protected void onDestroy() {
    if (classifier != null) {
      classifier.close();
    }
    super.onDestroy();
  }
}
