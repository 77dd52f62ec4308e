/** Classify a color picture that the reader of a page chooses. */
import * as tf from '@tensorflow/tfjs';

const loading = tf.loadGraphModel('my_tfjs/model.json'); // a picture may be chosen before it is there

document.querySelector('input').addEventListener('change', async ({ target }) => {
  const picture = await createImageBitmap(target.files[0]);
  const model = await loading;
  const [, height, width] = model.inputs[0].shape;
  const probabilities = tf.tidy(() => {
    const pixels = tf.browser.fromPixels(picture); // (height, width, 3), 0 to 255
    const resized = tf.image.resizeBilinear(pixels, [height, width], false, true);
    return model.predict(resized.div(255).expandDims()); // as in training: here 0 to 1
  });
  document.querySelector('#answer').textContent = `class ${await probabilities.argMax(-1).data()}`;
  probabilities.dispose();
});
