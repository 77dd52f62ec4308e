package org.example.digits;

import android.app.Activity;
import android.os.Bundle;
import android.widget.TextView;
import java.io.IOException;

/** One screen: a digit is drawn, the probabilities and the top label are shown. */
public final class MainActivity extends Activity {
  private DigitClassifier classifier;
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
      classifier = new DigitClassifier(ModelFile.map(getAssets(), ModelFile.MODEL_PATH));
    } catch (IOException | IllegalArgumentException error) {
      top.setText(getString(R.string.no_model, error.getMessage()));
      return;
    }
    drawing.setOnStroke(this::classify);
  }

  // [show]
  /** Reads the digit after each stroke; it takes milliseconds, so no thread of its own. */
  private void classify() {
    float[] drawn = Picture.brightness(drawing.pixels());
    float[] labelProb = classifier.classify(Centring.centre(drawn, drawing.getWidth()));
    int label = Ranking.top(labelProb);
    top.setText(getString(R.string.top, label, 100 * labelProb[label]));
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
