package org.example.digits;

import android.content.res.AssetFileDescriptor;
import android.content.res.AssetManager;
import java.io.FileInputStream;
import java.io.IOException;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;

/** The model in the assets of the app. */
final class ModelFile {
  // [asset]
  static final String MODEL_PATH = "mnist_cnn.tflite";

  // [load]
  /**
   * Maps an asset into memory: its pages are read when they are needed.
   *
   * <p>The mapping is a part of the package file itself, so the asset must be stored there
   * uncompressed. It outlives the descriptor.
   *
   * @throws java.io.FileNotFoundException if there is no such asset, or it is compressed
   */
  static MappedByteBuffer map(AssetManager assets, String path) throws IOException {
    try (AssetFileDescriptor asset = assets.openFd(path);
        FileInputStream stream = new FileInputStream(asset.getFileDescriptor())) {
      return stream
          .getChannel()
          .map(FileChannel.MapMode.READ_ONLY, asset.getStartOffset(), asset.getDeclaredLength());
    }
  }

  // [end]
  private ModelFile() {}
}
