/** Run the converted model with TensorFlow.js in Node and compare it with Keras. */
import { writeFile, rename } from 'node:fs/promises';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { CLASSES, PIXELS } from './model_files.mjs';
import { ProgramError, existing, graphModel, run } from './node_model.mjs';

const USAGE = `usage: node predict_node.mjs [--backend wasm|cpu] [--count N] [FOLDER ...]

Reads test_digits.bin and test_digits.json (python digits_for_js.py) and the graph models in the
folders (default: tfjs_float32 tfjs_float16 tfjs_uint8); writes predict_wasm.json or
predict_cpu.json.
  --count N  take the first N digits only`;

const BATCH = 100;
const TIMED = 50; // predictions of one digit each
const MADE_BY = 'python digits_for_js.py';

/** Return n·10 probabilities for n pictures of 784 bytes. */
function predict(model, bytes) {
  const parts = [];
  for (let start = 0; start < bytes.length; start += BATCH * PIXELS) {
    const part = bytes.subarray(start, start + BATCH * PIXELS);
    const output = tf.tidy(() =>
      model.predict(tf.tensor4d(part, [part.length / PIXELS, 28, 28, 1], 'float32').div(255)));
    parts.push(...output.dataSync());
    output.dispose();
  }
  return parts;
}

/** Return the index of the largest of the ten values for each picture. */
function labels(probabilities) {
  return Array.from({ length: probabilities.length / CLASSES }, (_, i) => {
    const ten = probabilities.slice(i * CLASSES, (i + 1) * CLASSES);
    return ten.indexOf(Math.max(...ten));
  });
}

function share(found, wanted) {
  return found.filter((label, i) => label === wanted[i]).length / wanted.length;
}

/** Return the milliseconds that one digit takes: the first time and the median of the later ones. */
function timed(model, bytes) {
  const times = Array.from({ length: TIMED }, (_, i) => {
    const start = performance.now();
    predict(model, bytes.subarray((i % 10) * PIXELS, ((i % 10) + 1) * PIXELS));
    return performance.now() - start;
  });
  const [first, ...later] = times;
  return { first_ms: first, median_ms: later.sort((a, b) => a - b)[later.length >> 1] };
}

async function main({ backend, count }, folders) {
  if (!(await tf.setBackend(backend).catch(() => false))) {
    throw new ProgramError(`no backend ${backend}; take wasm or cpu`);
  }
  const bytes = await existing('test_digits.bin', MADE_BY);
  const keras = JSON.parse(await existing('test_digits.json', MADE_BY));
  if (bytes.length !== keras.labels.length * PIXELS) {
    throw new ProgramError(`test_digits.bin and .json do not fit; run \`${MADE_BY}\` again`);
  }
  if (count && !(count >= 10 && count <= keras.labels.length)) {
    throw new ProgramError(`--count ${count}: take 10 to ${keras.labels.length}`);
  }
  const digits = Number(count ?? keras.labels.length);
  const wanted = keras.probabilities.slice(0, digits).flat();
  const figures = {};
  console.log(`TensorFlow.js ${tf.version.tfjs}, backend ${tf.getBackend()} in Node ${process.versions.node}`);
  console.log(`${digits} digits`.padEnd(13), 'accuracy  same label  largest difference');
  for (const folder of folders.length ? folders : ['tfjs_float32', 'tfjs_float16', 'tfjs_uint8']) {
    const model = await tf.loadGraphModel(await graphModel(folder));
    const times = timed(model, bytes);
    const found = predict(model, bytes.subarray(0, digits * PIXELS));
    model.dispose();
    const figure = {
      accuracy: share(labels(found), keras.labels.slice(0, digits)),
      same_label: share(labels(found), labels(wanted)),
      largest_difference: found.reduce((top, p, i) => Math.max(top, Math.abs(p - wanted[i])), 0),
      ...times,
    };
    figures[folder] = figure;
    const percent = (value, width) => `${(100 * value).toFixed(2)}%`.padStart(width);
    console.log(folder.padEnd(12), percent(figure.accuracy, 9), percent(figure.same_label, 11),
      figure.largest_difference.toExponential(0).padStart(19));
  }
  for (const [folder, { first_ms: first, median_ms: median }] of Object.entries(figures)) {
    console.log(`${folder.padEnd(12)} one digit: first ${first.toFixed(1)} ms, then ${median.toFixed(1)} ms`);
  }
  await writeFile(`.partial-predict_${backend}.json`, JSON.stringify(figures));
  await rename(`.partial-predict_${backend}.json`, `predict_${backend}.json`);
}

const options = { backend: { type: 'string', default: 'wasm' }, count: { type: 'string' } };
await run(USAGE, { options, allowPositionals: true }, main);
