package org.example.digits;

import android.graphics.Bitmap;
import android.graphics.Canvas;
import android.view.MotionEvent;
import android.view.View;
import android.view.ViewGroup;
import android.widget.TextView;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.robolectric.Robolectric;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.android.controller.ActivityController;
import org.robolectric.shadows.ShadowLooper;

/** The app as a user has it before the eyes: draws on it, reads it, takes pictures of it. */
final class Phone {
  final ActivityController<MainActivity> controller;

  /** Starts the app on a device that the qualifiers describe, as those of resource folders do. */
  Phone(String qualifiers) {
    RuntimeEnvironment.setQualifiers(qualifiers);
    if (System.getProperty("litert") == null) {
      System.loadLibrary("tensorflowlite_jni"); // on a device the API does that by itself
    }
    controller = Robolectric.buildActivity(MainActivity.class).setup();
    idle();
  }

  static void idle() {
    ShadowLooper.idleMainLooper();
  }

  MainActivity activity() {
    return controller.get();
  }

  DrawingView drawing() {
    return (DrawingView) activity().findViewById(R.id.drawing);
  }

  String top() {
    return ((TextView) activity().findViewById(R.id.top)).getText().toString();
  }

  /** Returns what TalkBack reads out of each row. */
  List<String> rows() {
    List<String> texts = new ArrayList<>();
    ViewGroup rows = (ViewGroup) activity().findViewById(R.id.rows);
    for (int row = 0; row < rows.getChildCount(); row++) {
      texts.add(String.valueOf(rows.getChildAt(row).getContentDescription()));
    }
    return texts;
  }

  /** Draws strokes with a finger: x and y of each point, as shares of the square's width. */
  void draw(float[][] strokes) {
    for (float[] stroke : strokes) {
      for (int i = 0; i < stroke.length; i += 2) {
        touch(i == 0 ? MotionEvent.ACTION_DOWN : MotionEvent.ACTION_MOVE, stroke[i], stroke[i + 1]);
      }
      touch(MotionEvent.ACTION_UP, stroke[stroke.length - 2], stroke[stroke.length - 1]);
    }
    idle();
  }

  /** Touches the window where the square is. */
  void touch(int action, float x, float y) {
    int[] corner = new int[2];
    drawing().getLocationInWindow(corner);
    int width = drawing().getWidth();
    MotionEvent event =
        MotionEvent.obtain(0, 0, action, corner[0] + x * width, corner[1] + y * width, 0);
    activity().dispatchTouchEvent(event);
    event.recycle();
  }

  void clear() {
    activity().findViewById(R.id.clear).performClick();
    idle();
  }

  /** Returns the picture that the network reads of what is drawn. */
  float[] picture(int width, int height) {
    float[] drawn = Picture.brightness(drawing().pixels());
    return Centering.center(drawn, drawing().getWidth(), width, height);
  }

  /** Writes the whole screen into a PNG file. */
  void photograph(Path target) throws IOException {
    View window = activity().getWindow().getDecorView();
    Bitmap bitmap =
        Bitmap.createBitmap(window.getWidth(), window.getHeight(), Bitmap.Config.ARGB_8888);
    window.draw(new Canvas(bitmap));
    try (OutputStream stream = Files.newOutputStream(target)) {
      bitmap.compress(Bitmap.CompressFormat.PNG, 100, stream);
    }
  }

  /** Reads strokes from a file, a line each. */
  static float[][] strokes(Path file) throws IOException {
    List<float[]> strokes = new ArrayList<>();
    for (String line : Files.readAllLines(file)) {
      String[] words = line.split(" ");
      float[] stroke = new float[words.length];
      for (int i = 0; i < words.length; i++) {
        stroke[i] = Float.parseFloat(words[i]);
      }
      strokes.add(stroke);
    }
    return strokes.toArray(new float[0][]);
  }
}
