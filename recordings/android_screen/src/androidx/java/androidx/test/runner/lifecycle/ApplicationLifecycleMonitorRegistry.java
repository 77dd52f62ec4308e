package androidx.test.runner.lifecycle;

/** Stands in for the class of androidx.test that Robolectric asks for. */
public final class ApplicationLifecycleMonitorRegistry {
  private static ApplicationLifecycleMonitor instance;

  public static ApplicationLifecycleMonitor getInstance() {
    return instance;
  }

  public static void registerInstance(ApplicationLifecycleMonitor given) {
    instance = given;
  }

  private ApplicationLifecycleMonitorRegistry() {}
}
