package org.example.digits;

import android.content.res.AssetFileDescriptor;
import android.content.res.AssetManager;
import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Collectors;

/** The model and its labels in the assets of the app; which they are, gradle.properties says. */
final class ModelFile {
  // [asset]
  static final String MODEL = "model.tflite";
  static final String LABELS = "labels.txt";

  // [load]
  /**
   * Maps the model into memory: its pages are read when they are needed.
   *
   * <p>The mapping is a part of the package file itself, so the asset must be stored there
   * uncompressed. It outlives the descriptor.
   *
   * @throws java.io.FileNotFoundException if there is no such asset, or it is compressed
   */
  static MappedByteBuffer map(AssetManager assets) throws IOException {
    try (AssetFileDescriptor asset = assets.openFd(MODEL);
        FileInputStream stream = new FileInputStream(asset.getFileDescriptor())) {
      return stream
          .getChannel()
          .map(FileChannel.MapMode.READ_ONLY, asset.getStartOffset(), asset.getDeclaredLength());
    }
  }

  // [labels]
  /** Returns the texts of the labels, a line each. */
  static List<String> labels(AssetManager assets) throws IOException {
    try (BufferedReader lines =
        new BufferedReader(new InputStreamReader(assets.open(LABELS), StandardCharsets.UTF_8))) {
      return lines.lines().collect(Collectors.toList());
    }
  }

  // [end]
  private ModelFile() {}
}
