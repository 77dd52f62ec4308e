package androidx.test.runner.intent;

import android.app.Instrumentation.ActivityResult;
import android.content.Intent;

/** Stands in for the class of androidx.test that Robolectric asks for. */
public interface IntentStubber {
  ActivityResult getActivityResultForIntent(Intent intent);
}
