package android.content.res;

import android.os.ParcelFileDescriptor;
import java.io.ByteArrayInputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * Stands in for the framework's AssetManager, whose work is done by native code that only a device
 * has. It reads {@code assets/} of a real APK. What it returns is the framework's own class.
 */
public final class AssetManager {
  private static final int LOCAL_HEADER = 30;

  private final String apk;

  /** Serves the assets of the package file {@code apk}. */
  public AssetManager(String apk) {
    this.apk = apk;
  }

  /**
   * Returns where in the package the asset lies.
   *
   * @throws FileNotFoundException with the framework's words, if it is not there or compressed
   */
  public AssetFileDescriptor openFd(String name) throws IOException {
    try (ZipFile zip = new ZipFile(apk)) {
      ZipEntry entry = zip.getEntry("assets/" + name);
      if (entry == null) {
        throw new FileNotFoundException(name);
      }
      if (entry.getMethod() != ZipEntry.STORED) {
        throw new FileNotFoundException(
            "This file can not be opened as a file descriptor; it is probably compressed");
      }
    }
    RandomAccessFile file = new RandomAccessFile(apk, "r");
    return new AssetFileDescriptor(
        new ParcelFileDescriptor(file.getFD()), offset(file, "assets/" + name), length(name));
  }

  /** Returns the content of the asset, compressed in the package or not. */
  public InputStream open(String name) throws IOException {
    try (ZipFile zip = new ZipFile(apk)) {
      ZipEntry entry = zip.getEntry("assets/" + name);
      if (entry == null) {
        throw new FileNotFoundException(name);
      }
      return new ByteArrayInputStream(zip.getInputStream(entry).readAllBytes());
    }
  }

  private long length(String name) throws IOException {
    try (ZipFile zip = new ZipFile(apk)) {
      return zip.getEntry("assets/" + name).getSize();
    }
  }

  /** Returns where the bytes of a stored entry begin: behind the header that bears its name. */
  private static long offset(RandomAccessFile file, String entry) throws IOException {
    ByteBuffer bytes =
        file.getChannel()
            .map(java.nio.channels.FileChannel.MapMode.READ_ONLY, 0, file.length())
            .order(ByteOrder.LITTLE_ENDIAN);
    int end = bytes.capacity() - 22;
    while (bytes.getInt(end) != 0x06054b50) {
      end--;
    }
    int record = bytes.getInt(end + 16);
    while (true) {
      byte[] name = new byte[bytes.getShort(record + 28)];
      bytes.position(record + 46);
      bytes.get(name);
      if (new String(name, java.nio.charset.StandardCharsets.UTF_8).equals(entry)) {
        int header = bytes.getInt(record + 42);
        return header
            + LOCAL_HEADER
            + bytes.getShort(header + 26)
            + (long) bytes.getShort(header + 28);
      }
      record += 46 + name.length + bytes.getShort(record + 30) + bytes.getShort(record + 32);
    }
  }
}
