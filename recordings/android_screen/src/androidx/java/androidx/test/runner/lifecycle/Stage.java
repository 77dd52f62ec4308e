package androidx.test.runner.lifecycle;

/** The life of an activity, in the order of androidx.test. */
public enum Stage {
  PRE_ON_CREATE,
  CREATED,
  STARTED,
  RESUMED,
  PAUSED,
  STOPPED,
  RESTARTED,
  DESTROYED
}
