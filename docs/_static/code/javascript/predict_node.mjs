/** Run graph models with TensorFlow.js in Node and compare them with Keras. */
import { product, shapesOf } from './model_files.mjs';
import { ProgramError, checkWritable, graphModel, packages, readSamples, run, writeWhole } from './node_model.mjs';

const USAGE = `usage: node predict_node.mjs [--samples FILE] [--backend wasm|cpu] [--count N] [FOLDER ...]

Reads the graph models in the folders (default: saved_model_tfjs_float32, _float16 and _uint8) and
samples with the answers of Keras (python samples_for_js.py); writes the figures to a file named
after the samples, for instance mnist_cnn_js_wasm.json.
  --samples FILE  default: mnist_cnn_js.json
  --count N       take the first N samples only`;

const FOLDERS = ['float32', 'float16', 'uint8'].map((precision) => `saved_model_tfjs_${precision}`);
const BATCH = 100;
const TIMED = 50; // predictions of one sample, of each model

/** Return what a model makes of the samples from `start` to `end`: the values of each output. */
async function predict(tf, model, inputs, start, end) {
  const part = ({ shape, dtype, values }) => {
    const size = product(shape);
    return tf.tensor(values.subarray(start * size, end * size), [end - start, ...shape], dtype);
  };
  const fed = Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, part(input)]));
  const outputs = [await execute(model, fed)].flat();
  const values = await Promise.all(outputs.map((output) => output.data()));
  tf.dispose([fed, outputs]); // no garbage collector frees tensors
  return values;
}

/** Run the model for all outputs, in the order of its signature. */
async function execute(model, fed) {
  const names = Object.keys(model.modelSignature.outputs);
  try {
    return model.execute(fed, names);
  } catch (error) {
    if (!error.message.includes('executeAsync')) throw error;
    return await model.executeAsync(fed, names); // a loop in the model, for instance an LSTM
  }
}

/** Raise a ProgramError if the model has other inputs or outputs than the samples. */
function check(folder, { modelSignature }, { inputs, outputs }, file) {
  for (const [side, wanted] of [['inputs', inputs], ['outputs', outputs]]) {
    const found = shapesOf(modelSignature[side]);
    const fits = ([name, shape]) => wanted[name]?.shape.length === shape.length - 1
      && wanted[name].shape.every((size, i) => [size, -1].includes(shape[i + 1]));
    if (!Object.entries(found).every(fits) || Object.keys(found).length !== Object.keys(wanted).length) {
      const has = Object.entries(wanted).map(([name, { shape }]) => `"${name}":[-1,${shape}]`);
      throw new ProgramError(`${folder} has the ${side} ${JSON.stringify(found)}, ${file} has {${has}}; `
        + 'name samples of this model with --samples');
    }
  }
}

/** Return the index of the largest value of each sample. */
function classes(values, { shape: [size] }) {
  return Array.from({ length: values.length / size }, (_, i) => {
    const sample = values.subarray(i * size, (i + 1) * size);
    return sample.indexOf(Math.max(...sample));
  });
}

/** Return how far the model is from Keras, and from the labels. */
async function compare(tf, model, { inputs, outputs, labels }, count) {
  const isClassifier = (name) => outputs[name].shape.length === 1 && outputs[name].shape[0] > 1;
  const first = Object.keys(outputs).sort().find(isClassifier); // as the programs in Python choose it
  let [difference, same, right] = [0, 0, 0];
  for (let start = 0; start < count; start += BATCH) {
    const end = Math.min(start + BATCH, count);
    const found = await predict(tf, model, inputs, start, end);
    Object.keys(model.modelSignature.outputs).forEach((name, i) => {
      const size = product(outputs[name].shape);
      const wanted = outputs[name].values.subarray(start * size, end * size);
      difference = found[i].reduce((top, value, k) => Math.max(top, Math.abs(value - wanted[k])), difference);
      if (name !== first) return;
      const [here, there] = [found[i], wanted].map((values) => classes(values, outputs[name]));
      same += here.filter((label, k) => label === there[k]).length;
      right += here.filter((label, k) => label === labels?.[start + k]).length;
    });
  }
  const share = (number) => (first ? number / count : null);
  return { accuracy: labels && share(right), same_class: share(same), largest_difference: difference };
}

/** Add the median of the milliseconds that one sample takes to the figures of each model. */
async function time(tf, models, { inputs }, figures) {
  const times = Object.fromEntries(Object.keys(models).map((folder) => [folder, []]));
  for (let i = 0; i < TIMED; i += 1) { // in turn, so that none of them is measured on a warmer engine
    for (const [folder, model] of Object.entries(models)) {
      const start = performance.now();
      await predict(tf, model, inputs, 0, 1);
      times[folder].push(performance.now() - start);
    }
  }
  for (const [folder, all] of Object.entries(times)) {
    figures[folder].median_ms = all.sort((a, b) => a - b)[TIMED >> 1];
  }
}

async function main({ samples: file, backend, count: wanted }, folders) {
  await checkWritable();
  const [tf] = await packages('@tensorflow/tfjs', '@tensorflow/tfjs-backend-wasm');
  if (!(await tf.setBackend(backend).catch(() => false))) {
    throw new ProgramError(`no backend ${backend}; take wasm or cpu`);
  }
  const samples = await readSamples(file);
  const count = Number(wanted ?? samples.count);
  if (!(count >= 1 && count <= samples.count)) {
    throw new ProgramError(`--count ${wanted}: take 1 to ${samples.count}`);
  }
  const models = {};
  for (const folder of folders.length ? folders : FOLDERS) {
    models[folder] = await tf.loadGraphModel(await graphModel(folder));
    check(folder, models[folder], samples, file);
  }
  console.log(`TensorFlow.js ${tf.version.tfjs}, backend ${tf.getBackend()} in Node ${process.versions.node}`);
  console.log(`${count} samples`.padEnd(25), 'accuracy  same class  largest difference');
  const figures = {};
  for (const [folder, model] of Object.entries(models)) {
    const figure = await compare(tf, model, samples, count).catch((error) => {
      const advice = backend === 'cpu' ? 'a loop: build recurrent layers with unroll=True and a fixed length' : 'try --backend cpu';
      throw new ProgramError(`backend ${backend} cannot run ${folder}: ${error.message} (${advice})`);
    });
    figures[folder] = figure;
    const percent = (value) => (value === null ? '-' : `${(100 * value).toFixed(2)}%`);
    console.log(folder.padEnd(25), percent(figure.accuracy).padStart(8), percent(figure.same_class).padStart(11),
      figure.largest_difference.toExponential(0).padStart(19));
  }
  await time(tf, models, samples, figures);
  for (const [folder, { median_ms: median }] of Object.entries(figures)) {
    console.log(`${folder.padEnd(25)} one sample: ${median.toFixed(1)} ms`);
  }
  await writeWhole(file.replace(/(\.json)?$/, `_${backend}.json`), JSON.stringify(figures));
}

const options = {
  samples: { type: 'string', default: 'mnist_cnn_js.json' },
  backend: { type: 'string', default: 'wasm' },
  count: { type: 'string' },
};
await run(USAGE, { options, allowPositionals: true }, main);
