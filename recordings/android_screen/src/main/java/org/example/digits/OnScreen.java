package org.example.digits;

import java.io.File;
import java.util.Properties;
import org.junit.runner.JUnitCore;
import org.junit.runner.Result;
import org.junit.runner.notification.Failure;
import org.junit.runners.model.InitializationError;
import org.robolectric.RobolectricTestRunner;

/** Runs a class of tests on the app in a package file, as often as there are package files. */
final class OnScreen extends RobolectricTestRunner {
  private static final int FAILED = 3; // an exception of java itself ends with 1

  private final String apk;

  private OnScreen(Class<?> tests, String apk) throws InitializationError {
    super(tests);
    this.apk = apk;
  }

  /** Arguments: pairs of a class and a package file; beside that lies its manifest. */
  public static void main(String[] arguments) throws Exception {
    boolean failed = false;
    for (int i = 0; i < arguments.length; i += 2) {
      Class<?> tests = Class.forName("org.example.digits." + arguments[i]);
      System.setProperty("apk", new File(arguments[i + 1]).getName());
      Result result = new JUnitCore().run(new OnScreen(tests, arguments[i + 1]));
      for (Failure failure : result.getFailures()) {
        System.out.println("failed " + failure.getDescription().getMethodName());
        System.out.println(failure.getTrace());
      }
      System.out.println(arguments[i] + ": " + result.getRunCount() + " run");
      failed |= !result.wasSuccessful();
    }
    System.exit(failed ? FAILED : 0); // Robolectric leaves threads behind
  }

  @Override
  protected Properties getBuildSystemApiProperties() {
    Properties properties = new Properties();
    properties.setProperty("android_resource_apk", apk);
    properties.setProperty("android_merged_manifest", apk.replace(".apk", ".xml"));
    properties.setProperty("android_merged_assets", new File(apk).getParent());
    properties.setProperty("android_custom_package", "org.example.digits");
    return properties;
  }
}
