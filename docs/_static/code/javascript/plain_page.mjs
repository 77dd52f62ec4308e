/** Predict one sample on a page, in the fewest lines. */
import * as tf from '@tensorflow/tfjs';

const model = await tf.loadGraphModel('my_tfjs/model.json');
const sample = tf.tensor(await (await fetch('sample.json')).json());
const label = model.predict(sample).argMax(-1);
document.querySelector('#answer').textContent = `class ${await label.data()}`;
