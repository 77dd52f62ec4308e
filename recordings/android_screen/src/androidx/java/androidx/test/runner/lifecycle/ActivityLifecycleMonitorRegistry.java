package androidx.test.runner.lifecycle;

/** Stands in for the class of androidx.test that Robolectric asks for. */
public final class ActivityLifecycleMonitorRegistry {
  private static ActivityLifecycleMonitor instance;

  public static ActivityLifecycleMonitor getInstance() {
    return instance;
  }

  public static void registerInstance(ActivityLifecycleMonitor given) {
    instance = given;
  }

  private ActivityLifecycleMonitorRegistry() {}
}
