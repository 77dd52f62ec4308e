package androidx.test.runner.lifecycle;

/** The life of an application, in the order of androidx.test. */
public enum ApplicationStage {
  PRE_ON_CREATE,
  CREATED
}
