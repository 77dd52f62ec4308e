package androidx.test.runner.lifecycle;

import android.app.Activity;

/** Stands in for the class of androidx.test that Robolectric asks for. */
public interface ActivityLifecycleMonitor {
  Stage getLifecycleStageOf(Activity activity);
}
