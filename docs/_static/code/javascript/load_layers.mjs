/** Try to load, as a layers model, what the converter made of a Keras 3 file. */
import { readFile } from 'node:fs/promises';
import * as tf from '@tensorflow/tfjs';
import { ProgramError, existing, run } from './node_model.mjs';

const USAGE = `usage: node load_layers.mjs [FOLDER]

Reads the layers model in FOLDER (default: tfjs_layers, made by python tfjs_convert.py --layers) and
prints what TensorFlow.js says of it.`;

async function main(_, [folder = 'tfjs_layers']) {
  const again = 'python tfjs_convert.py --layers';
  const { modelTopology, weightsManifest } = JSON.parse(await existing(`${folder}/model.json`, again));
  if (!weightsManifest) throw new ProgramError(`${folder} holds no model; run \`${again}\` again`);
  const files = weightsManifest.flatMap(({ paths }) => paths);
  const weights = await Promise.all(files.map((file) => readFile(`${folder}/${file}`)));
  const weightData = new Uint8Array(Buffer.concat(weights)).buffer;
  const weightSpecs = weightsManifest.flatMap((group) => group.weights);
  try {
    await tf.loadLayersModel(tf.io.fromMemory({ modelTopology, weightSpecs, weightData }));
    console.log('loaded');
  } catch (error) {
    console.log(`${error.name}: ${error.message}`);
  }
}

await run(USAGE, { allowPositionals: true }, main);
