package org.example.digits;

import android.annotation.SuppressLint;
import android.content.Context;
import android.graphics.Bitmap;
import android.graphics.Canvas;
import android.graphics.Color;
import android.graphics.Paint;
import android.graphics.Path;
import android.graphics.PointF;
import android.os.Bundle;
import android.os.Parcelable;
import android.util.AttributeSet;
import android.view.MotionEvent;
import android.view.View;
import java.util.ArrayList;

/** A square on which a finger draws; the drawing outlives a rotation. */
public final class DrawingView extends View {
  private static final float STROKE = 1 / 14f; // of the width: two pixels of 28

  private final Paint pen = new Paint(Paint.ANTI_ALIAS_FLAG);
  private ArrayList<PointF> points = new ArrayList<>(); // shares of the width; null: pen lifted
  private Runnable onChange = () -> {};

  /** Called when the layout is inflated. */
  public DrawingView(Context context, AttributeSet attributes) {
    super(context, attributes);
    pen.setStyle(Paint.Style.STROKE);
    pen.setStrokeCap(Paint.Cap.ROUND);
    pen.setStrokeJoin(Paint.Join.ROUND);
  }

  /** Sets what happens after each stroke, after clearing, and once the view has its size. */
  void setOnChange(Runnable action) {
    onChange = action;
  }

  boolean isEmpty() {
    return points.isEmpty();
  }

  /** Takes the drawing away. */
  void clear() {
    points.clear();
    invalidate();
    onChange.run();
  }

  // [pixels]
  /**
   * Returns the ARGB pixels of the square, row by row, each row as long as the view is wide: black
   * on white, whatever the colors on the screen are.
   */
  int[] pixels() {
    int width = getWidth();
    int height = getHeight();
    Bitmap bitmap = Bitmap.createBitmap(width, height, Bitmap.Config.ARGB_8888);
    Canvas canvas = new Canvas(bitmap);
    canvas.drawColor(Color.WHITE);
    drawStrokes(canvas, Color.BLACK);
    int[] pixels = new int[width * height];
    bitmap.getPixels(pixels, 0, width, 0, 0, width, height);
    bitmap.recycle();
    return pixels;
  }

  // [draw]
  @Override
  protected void onDraw(Canvas canvas) {
    drawStrokes(canvas, getContext().getColor(R.color.ink));
  }

  private void drawStrokes(Canvas canvas, int color) {
    Path path = new Path();
    boolean isDown = false;
    for (PointF point : points) {
      if (point != null) {
        if (!isDown) {
          path.moveTo(point.x * getWidth(), point.y * getWidth());
        }
        path.lineTo(point.x * getWidth(), point.y * getWidth()); // a tap is a dot
      }
      isDown = point != null;
    }
    pen.setColor(color);
    pen.setStrokeWidth(STROKE * getWidth());
    canvas.drawPath(path, pen);
  }

  // Drawing has no click to pass on to accessibility services.
  @SuppressLint("ClickableViewAccessibility")
  @Override
  public boolean onTouchEvent(MotionEvent event) {
    switch (event.getActionMasked()) {
      case MotionEvent.ACTION_DOWN:
        getParent().requestDisallowInterceptTouchEvent(true); // the finger draws, nothing scrolls
        add(event.getX(), event.getY());
        break;
      case MotionEvent.ACTION_MOVE:
        for (int past = 0; past < event.getHistorySize(); past++) { // between two frames
          add(event.getHistoricalX(past), event.getHistoricalY(past));
        }
        add(event.getX(), event.getY());
        break;
      case MotionEvent.ACTION_UP:
      case MotionEvent.ACTION_CANCEL:
        points.add(null);
        onChange.run();
        break;
      default:
        return false;
    }
    invalidate();
    return true;
  }

  private void add(float x, float y) {
    points.add(new PointF(x / getWidth(), y / getWidth()));
  }

  // [state]
  @Override
  protected Parcelable onSaveInstanceState() {
    Bundle state = new Bundle();
    state.putParcelable("view", super.onSaveInstanceState());
    state.putParcelableArrayList("points", points);
    return state;
  }

  @Override
  protected void onRestoreInstanceState(Parcelable state) {
    super.onRestoreInstanceState(((Bundle) state).getParcelable("view"));
    points = ((Bundle) state).getParcelableArrayList("points");
  }

  @Override
  protected void onSizeChanged(int width, int height, int oldWidth, int oldHeight) {
    post(onChange); // not amid the layout
  }
}
