package org.example.digits;

import static org.junit.Assert.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.Test;
import org.robolectric.annotation.Config;
import org.robolectric.annotation.GraphicsMode;

/** What the app says of a model that it cannot use; it can be drawn on and closed all the same. */
@Config(sdk = 34)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
public final class Refused {
  @Test
  public void says_why() throws IOException {
    for (String language : new String[] {"zh", "en"}) {
      Phone phone = new Phone(language + "-w411dp-h891dp-xhdpi");
      String message = phone.top();
      phone.draw(new float[][] {{.5f, .2f, .5f, .8f}});
      phone.clear();
      assertEquals(message, phone.top());
      phone.controller.pause().stop().destroy();
      String name = System.getProperty("apk").replace(".apk", "." + language + ".txt");
      Files.writeString(Path.of(System.getProperty("folder"), name), message + "\n");
    }
  }
}
