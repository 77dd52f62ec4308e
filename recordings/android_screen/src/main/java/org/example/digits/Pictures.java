package org.example.digits;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.Test;
import org.robolectric.annotation.Config;
import org.robolectric.annotation.GraphicsMode;

/**
 * Takes the pictures that the chapter shows, in the folder of the system property {@code folder}.
 *
 * <p>pictures.txt there has a line for each: its name, the file of its strokes, the device. Beside
 * NAME.png comes NAME.txt: the top line, a line for each row, the picture that the network read.
 */
@Config(sdk = 34)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
public final class Pictures {
  @Test
  public void take() throws IOException {
    Path folder = Path.of(System.getProperty("folder"));
    for (String line : Files.readAllLines(folder.resolve("pictures.txt"))) {
      String[] words = line.split(" ");
      Phone phone = new Phone(words[2]);
      phone.draw(Phone.strokes(folder.resolve(words[1])));
      phone.photograph(folder.resolve(words[0] + ".png"));
      List<String> texts = new ArrayList<>(List.of(phone.top()));
      texts.addAll(phone.rows());
      texts.add(Arrays.toString(phone.picture(28, 28)));
      Files.write(folder.resolve(words[0] + ".txt"), texts);
      phone.controller.destroy();
    }
  }
}
