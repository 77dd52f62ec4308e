package org.example.digits;

import android.annotation.SuppressLint;
import android.content.Context;
import android.graphics.Bitmap;
import android.graphics.Canvas;
import android.graphics.Color;
import android.graphics.Paint;
import android.graphics.Path;
import android.util.AttributeSet;
import android.view.MotionEvent;
import android.view.View;

/** A white square on which a finger draws in black. */
public final class DrawingView extends View {
  private static final float STROKE = 1 / 14f; // of the width: two pixels of 28

  private final Path path = new Path();
  private final Paint pen = new Paint(Paint.ANTI_ALIAS_FLAG);
  private Runnable onStroke = () -> {};

  /** Called when the layout is inflated. */
  public DrawingView(Context context, AttributeSet attributes) {
    super(context, attributes);
    pen.setColor(Color.BLACK);
    pen.setStyle(Paint.Style.STROKE);
    pen.setStrokeCap(Paint.Cap.ROUND);
    pen.setStrokeJoin(Paint.Join.ROUND);
  }

  /** Sets what happens when a finger leaves the square. */
  void setOnStroke(Runnable action) {
    onStroke = action;
  }

  /** Makes the square white again. */
  void clear() {
    path.reset();
    invalidate();
  }

  // [pixels]
  /** Returns the ARGB pixels of the square, row by row, each row as long as the view is wide. */
  int[] pixels() {
    int width = getWidth();
    int height = getHeight();
    Bitmap bitmap = Bitmap.createBitmap(width, height, Bitmap.Config.ARGB_8888);
    draw(new Canvas(bitmap));
    int[] pixels = new int[width * height];
    bitmap.getPixels(pixels, 0, width, 0, 0, width, height);
    bitmap.recycle();
    return pixels;
  }

  // [draw]
  @Override
  protected void onDraw(Canvas canvas) {
    canvas.drawColor(Color.WHITE);
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
        path.moveTo(event.getX(), event.getY());
        path.lineTo(event.getX(), event.getY());
        break;
      case MotionEvent.ACTION_MOVE:
        path.lineTo(event.getX(), event.getY());
        break;
      case MotionEvent.ACTION_UP:
        onStroke.run();
        break;
      default:
        return false;
    }
    invalidate();
    return true;
  }
}
