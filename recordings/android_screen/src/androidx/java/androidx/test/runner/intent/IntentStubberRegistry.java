package androidx.test.runner.intent;

/** There never is a stubber. */
public final class IntentStubberRegistry {
  public static boolean isLoaded() {
    return false;
  }

  public static IntentStubber getInstance() {
    throw new IllegalStateException("no stubber");
  }

  private IntentStubberRegistry() {}
}
