package androidx.test.platform.app;

import android.app.Instrumentation;
import android.os.Bundle;

/** Stands in for the class of androidx.test that Robolectric asks for. */
public final class InstrumentationRegistry {
  private static Instrumentation instance;

  public static Instrumentation getInstrumentation() {
    return instance;
  }

  public static void registerInstance(Instrumentation given, Bundle arguments) {
    instance = given;
  }

  private InstrumentationRegistry() {}
}
