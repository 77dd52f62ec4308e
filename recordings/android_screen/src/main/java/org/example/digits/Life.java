package org.example.digits;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import android.graphics.Bitmap;
import android.graphics.Canvas;
import android.os.Bundle;
import android.os.Parcel;
import android.view.MotionEvent;
import android.view.View;
import android.view.ViewGroup;
import android.view.WindowInsets;
import android.widget.ScrollView;
import android.widget.TextView;
import java.lang.reflect.Field;
import java.util.List;
import org.junit.Test;
import org.robolectric.Robolectric;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.annotation.Config;
import org.robolectric.annotation.GraphicsMode;

/** What the app does from its start to its end, with a model that it can read. */
@Config(sdk = 34)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
public final class Life {
  private static final String PHONE = "en-w411dp-h891dp-xhdpi";
  private static final float[][] SEVEN = {{.3f, .25f, .7f, .25f, .45f, .8f}};
  private static final float[][] ONE = {{.5f, .2f, .5f, .8f}};

  private final Phone phone = new Phone(PHONE);
  private final String empty = phone.top();

  private static Classifier classifier(MainActivity activity) throws ReflectiveOperationException {
    Field field = MainActivity.class.getDeclaredField("classifier");
    field.setAccessible(true);
    return (Classifier) field.get(activity);
  }

  @Test
  public void nothing_is_drawn_at_first() {
    assertTrue(phone.drawing().isEmpty());
    assertEquals("What will it be?", empty);
    assertEquals("3: 0.0 %", phone.rows().get(3));
  }

  @Test
  public void a_stroke_is_read() {
    phone.draw(SEVEN);
    assertTrue(phone.top(), phone.top().matches("It is \\d \\([\\d.]+ %\\)"));
    int answer = phone.top().charAt(6) - '0';
    assertEquals(10, phone.rows().size());
    ViewGroup rows = (ViewGroup) phone.activity().findViewById(R.id.rows);
    for (int label = 0; label < 10; label++) {
      assertEquals(label == answer, rows.getChildAt(label).isActivated());
    }
  }

  @Test
  public void nothing_is_read_before_the_finger_leaves() {
    phone.touch(MotionEvent.ACTION_DOWN, .5f, .2f);
    phone.touch(MotionEvent.ACTION_MOVE, .5f, .8f);
    assertEquals(empty, phone.top());
    phone.touch(MotionEvent.ACTION_CANCEL, .5f, .8f);
    assertNotEquals(empty, phone.top());
  }

  @Test
  public void clearing_is_like_the_start() {
    List<String> rows = phone.rows();
    int[] pixels = phone.drawing().pixels();
    phone.draw(SEVEN);
    phone.clear();
    assertEquals(empty, phone.top());
    assertEquals(rows, phone.rows());
    assertArrayEquals(pixels, phone.drawing().pixels());
    Phone other = new Phone(PHONE);
    other.draw(ONE);
    phone.draw(ONE);
    assertEquals("nothing is left of the seven", other.rows(), phone.rows());
  }

  @Test
  public void rotation_keeps_the_drawing() throws ReflectiveOperationException {
    phone.draw(SEVEN);
    String top = phone.top();
    Classifier before = classifier(phone.activity());
    MainActivity old = phone.activity();
    RuntimeEnvironment.setQualifiers("+w891dp-h411dp-land");
    phone.controller.recreate();
    Phone.idle();
    assertNotEquals(old, phone.activity());
    assertEquals(top.substring(0, 8), phone.top().substring(0, 8));
    assertThrows(RuntimeException.class, () -> before.classify(new float[28 * 28]));
    View answer = phone.activity().findViewById(R.id.top);
    int[] corner = new int[2];
    answer.getLocationInWindow(corner);
    assertTrue("the answer is beside the paper", corner[0] > phone.drawing().getWidth());
  }

  @Test
  public void the_drawing_outlives_the_process() {
    phone.draw(SEVEN);
    String top = phone.top();
    Bundle state = new Bundle();
    phone.controller.saveInstanceState(state).pause().stop().destroy();
    Parcel parcel = Parcel.obtain(); // as the system keeps it
    parcel.writeBundle(state);
    parcel.setDataPosition(0);
    Bundle kept = parcel.readBundle(getClass().getClassLoader());
    MainActivity again = Robolectric.buildActivity(MainActivity.class).setup(kept).get();
    Phone.idle();
    assertEquals(top, ((TextView) again.findViewById(R.id.top)).getText().toString());
  }

  @Test
  public void closing_frees_the_network() throws ReflectiveOperationException {
    Classifier classifier = classifier(phone.activity());
    assertEquals(10, classifier.classify(new float[28 * 28]).length);
    phone.controller.pause().stop().destroy();
    assertThrows(RuntimeException.class, () -> classifier.classify(new float[28 * 28]));
  }

  @Test
  public void the_night_changes_the_screen_and_not_the_pixels() {
    phone.draw(SEVEN);
    int[] pixels = phone.drawing().pixels();
    int day = middle(phone.drawing());
    Phone night = new Phone(PHONE.replace("-xhdpi", "-night-xhdpi"));
    night.draw(SEVEN);
    assertArrayEquals(pixels, night.drawing().pixels());
    assertTrue("the paper is dark", Picture.gray(middle(night.drawing())) < 64);
    assertTrue("the paper is light", Picture.gray(day) > 192);
  }

  /** Returns a pixel of the paper beside the drawing. */
  private static int middle(View view) {
    Bitmap bitmap = Bitmap.createBitmap(view.getWidth(), view.getHeight(), Bitmap.Config.ARGB_8888);
    view.draw(new Canvas(bitmap));
    return bitmap.getPixel(view.getWidth() / 5, view.getHeight() / 2);
  }

  @Test
  public void the_bars_of_the_system_cover_nothing() {
    View screen = phone.activity().findViewById(R.id.screen);
    WindowInsets insets = screen.getRootWindowInsets();
    screen.dispatchApplyWindowInsets(insets.replaceSystemWindowInsets(0, 48, 0, 96));
    assertEquals(48, screen.getPaddingTop());
    assertEquals(96, screen.getPaddingBottom());
  }

  @Test
  public void large_text_on_a_small_phone_scrolls() {
    RuntimeEnvironment.setFontScale(2f);
    Phone small = new Phone("en-w320dp-h480dp-mdpi");
    small.draw(new float[][] {{.5f, .8f, .5f, .5f, .5f, .2f}}); // upwards: nothing scrolls
    ScrollView screen = (ScrollView) small.activity().findViewById(R.id.screen);
    assertEquals(0, screen.getScrollY());
    assertTrue(screen.canScrollVertically(1));
    ViewGroup rows = (ViewGroup) small.activity().findViewById(R.id.rows);
    for (int row = 0; row < rows.getChildCount(); row++) {
      TextView percent = (TextView) rows.getChildAt(row).findViewById(R.id.percent);
      assertEquals("nothing is cut off", 0, percent.getLayout().getEllipsisCount(0));
      assertEquals(1, percent.getLineCount());
    }
  }

  @Test
  public void talkback_has_a_text_for_each_thing() {
    phone.draw(SEVEN);
    assertFalse(phone.drawing().getContentDescription().toString().isEmpty());
    TextView top = (TextView) phone.activity().findViewById(R.id.top);
    assertEquals(View.ACCESSIBILITY_LIVE_REGION_POLITE, top.getAccessibilityLiveRegion());
    for (String row : phone.rows()) {
      assertTrue(row, row.matches("\\d: \\d+\\.\\d %"));
    }
  }
}
