/** Run a graph model with TensorFlow.js in Node, for check_targets.py. */
import { readFile, writeFile } from 'node:fs/promises';
import { packages, run } from './node_model.mjs';

const USAGE = `usage: node check_node.mjs FOLDER CALLS ANSWERS

Runs the graph model in FOLDER with the inputs of CALLS, a JSON file that check_targets.py writes,
and writes what it computes to ANSWERS.`;
const TIMED = 20; // calls with the first sample

/** Run the model for all outputs, by name. */
async function execute(tf, model, inputs) {
  const fed = Object.fromEntries(Object.entries(inputs)
    .map(([name, { shape, dtype, values }]) => [name, tf.tensor(values, shape, dtype)]));
  const names = Object.keys(model.modelSignature.outputs);
  let outputs;
  try {
    outputs = [model.execute(fed, names)].flat();
  } catch (error) {
    if (!error.message.includes('executeAsync')) throw error;
    outputs = [await model.executeAsync(fed, names)].flat(); // a loop in the model, or a table
  }
  const answers = await Promise.all(outputs.map(async (output) => (
    { shape: output.shape, values: Array.from(await output.data()) })));
  tf.dispose([fed, outputs]); // no garbage collector frees tensors
  return Object.fromEntries(names.map((name, i) => [name, answers[i]]));
}

/** Run all calls on a backend; the first of them again, to see how long it takes. */
async function attempt(tf, backend, folder, { calls, one }) {
  await tf.setBackend(backend);
  const fetchFunc = async (path) => new Response(await readFile(path));
  const model = await tf.loadGraphModel(`${folder}/model.json`, { fetchFunc });
  const answers = [];
  for (const inputs of calls) answers.push(await execute(tf, model, inputs));
  const times = [];
  for (let i = 0; i < TIMED; i += 1) {
    const start = performance.now();
    await execute(tf, model, one);
    times.push(performance.now() - start);
  }
  return { backend, answers, milliseconds: times.sort((a, b) => a - b)[TIMED >> 1] };
}

async function main(_, [folder, calls, target]) {
  const [tf] = await packages('@tensorflow/tfjs', '@tensorflow/tfjs-backend-wasm');
  const inputs = JSON.parse(await readFile(calls, 'utf8'));
  const reasons = [];
  for (const backend of ['wasm', 'cpu']) {
    try {
      const answers = await attempt(tf, backend, folder, inputs);
      await writeFile(target, JSON.stringify({ ...answers, reasons }));
      return;
    } catch (error) {
      reasons.push(`${backend}: ${error.message}`);
    }
  }
  await writeFile(target, JSON.stringify({ reasons }));
}

await run(USAGE, { allowPositionals: true }, main);
