/** Predict one sample in Node, in the fewest lines. */
import { readFile } from 'node:fs/promises';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';

await tf.setBackend('wasm');
const fetchFunc = async (path) => new Response(await readFile(path)); // files, not addresses
const model = await tf.loadGraphModel('my_tfjs/model.json', { fetchFunc });
const sample = tf.tensor(JSON.parse(await readFile('sample.json')));
console.log(`class ${model.predict(sample).argMax(-1).dataSync()}`);
