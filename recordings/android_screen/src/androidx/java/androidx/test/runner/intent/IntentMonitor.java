package androidx.test.runner.intent;

/** Stands in for the class of androidx.test that Robolectric asks for. */
public interface IntentMonitor {}
