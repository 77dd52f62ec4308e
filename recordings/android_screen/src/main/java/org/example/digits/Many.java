package org.example.digits;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import org.junit.Test;
import org.robolectric.annotation.Config;
import org.robolectric.annotation.GraphicsMode;

/** A model of another kind: gray pictures without channels, not square, 24 labels. */
@Config(sdk = 34)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
public final class Many {
  @Test
  public void of_many_labels_the_best_are_shown() {
    Phone phone = new Phone("en-w411dp-h891dp-xhdpi");
    phone.draw(new float[][] {{.5f, .2f, .5f, .8f}});
    assertEquals(10, phone.rows().size());
    assertTrue(phone.top(), phone.top().matches("It is letter [a-x] \\(.* %\\)"));
    float last = 100;
    for (String row : phone.rows()) {
      float percent = Float.parseFloat(row.replaceAll("letter [a-x]: (.*) %", "$1"));
      assertTrue(row, percent <= last);
      last = percent;
    }
    assertTrue(phone.top().contains(phone.rows().get(0).substring(0, 8)));
  }
}
