package androidx.test.runner.lifecycle;

/** Stands in for the class of androidx.test that Robolectric asks for. */
public interface ApplicationLifecycleMonitor {}
