package androidx.test.runner.intent;

/** Stands in for the class of androidx.test that Robolectric asks for. */
public final class IntentMonitorRegistry {
  public static void registerInstance(IntentMonitor given) {}

  private IntentMonitorRegistry() {}
}
