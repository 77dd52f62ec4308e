/** Make mistakes that are often made with TensorFlow.js, and then put them right.
 *
 * node mistakes.mjs NAME makes one of them, node mistakes.mjs --all every one.
 */
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import * as tf from '@tensorflow/tfjs';

// A graph model that multiplies `image`, of 4 numbers, by a matrix of 4 × 2.
const TOPOLOGY = {
  versions: { producer: 1 },
  node: [
    placeholder('image', 'DT_FLOAT', [-1, 4]),
    { name: 'weights', op: 'Const', attr: { dtype: { type: 'DT_FLOAT' } } },
    { name: 'scores', op: 'MatMul', input: ['image', 'weights'] },
  ],
};
const WEIGHTS = [{ name: 'weights', shape: [4, 2], dtype: 'float32' }];
// One that finds which of its inputs are true: nobody knows before how many.
const DYNAMIC = {
  versions: { producer: 1 },
  node: [placeholder('flags', 'DT_BOOL', [-1]), { name: 'found', op: 'Where', input: ['flags'] }],
};

function placeholder(name, type, shape) {
  const dim = shape.map((size) => ({ size }));
  return { name, op: 'Placeholder', attr: { dtype: { type }, shape: { shape: { dim } } } };
}

/** Load a graph model whose weights have a number of bytes. */
async function load({ topology = TOPOLOGY, specs = WEIGHTS, bytes = 32 } = {}) {
  return tf.loadGraphModel({
    load: async () => ({
      modelTopology: topology, weightSpecs: specs, weightData: new ArrayBuffer(bytes), format: 'graph-model',
    }),
  });
}

/** Call `use` with the address of a server that gives every path the same answer. */
async function serving(status, body, use) {
  const server = createServer((request, response) => response.writeHead(status).end(body));
  await new Promise((ready) => { server.listen(0, '127.0.0.1', ready); });
  try {
    return await use(`http://127.0.0.1:${server.address().port}`);
  } finally {
    server.close();
  }
}

const JSON_OF_MODEL = JSON.stringify({ modelTopology: TOPOLOGY, format: 'graph-model', weightsManifest: [] });

const MISTAKES = {
  /** Name an address at which there is no model. */
  request_failed_with_status_code_404: (cured) => serving(
    cured ? 200 : 404, JSON_OF_MODEL,
    async (address) => (await tf.loadGraphModel(`${address}/model.json`)).inputs[0].shape,
  ),

  /** Ask a server that answers each address with its start page, as those of web frameworks do. */
  failed_to_parse_model_json: (cured) => serving(
    200, cured ? JSON_OF_MODEL : '<!doctype html><title>App</title>',
    async (address) => (await tf.loadGraphModel(`${address}/model.json`)).inputs[0].shape,
  ),

  /** Load from the disk as if it were an address. */
  fetch_failed: async (cured) => {
    const read = async () => (cured ? JSON_OF_MODEL : readFile('my_tfjs/model.json'));
    const fetchFunc = async () => new Response(await read());
    const options = cured ? { fetchFunc } : {};
    return (await tf.loadGraphModel('file:///my_tfjs/model.json', options)).inputs[0].shape;
  },

  /** Read a model that is not in the current folder. */
  enoent_model_json: async (cured) => {
    const read = async () => (cured ? JSON_OF_MODEL : readFile('nowhere/model.json'));
    const fetchFunc = async () => new Response(await read());
    return (await tf.loadGraphModel('model.json', { fetchFunc })).inputs[0].shape;
  },

  /** Load weights of which the end is missing. */
  based_on_the_provided_shape: async (cured) => (
    (await load({ bytes: cured ? 32 : 28 })).inputs[0].shape),

  /** Load weights that were cut in the middle of a number. */
  byte_length_of_float32array: async (cured) => (
    (await load({ bytes: cured ? 32 : 30 })).inputs[0].shape),

  /** Leave out the batch dimension. */
  the_shape_of_dict_image: async (cured) => {
    const image = tf.zeros(cured ? [1, 4] : [4]);
    return (await load()).execute({ image }).shape;
  },

  /** Give whole numbers where floats belong. */
  the_dtype_of_dict_image: async (cured) => {
    const image = tf.zeros([1, 4], 'int32');
    return (await load()).execute({ image: cured ? image.toFloat() : image }).shape;
  },

  /** Give the input by another name. */
  the_dict_provided_has_keys: async (cured) => {
    const name = cured ? 'image' : 'picture';
    return (await load()).execute({ [name]: tf.zeros([1, 4]) }).shape;
  },

  /** Run an operator whose output has no size that is known before. */
  dynamic_op_where: async (cured) => {
    const model = await load({ topology: DYNAMIC, specs: [], bytes: 0 });
    const flags = tf.tensor1d([true, false], 'bool');
    return (cured ? await model.executeAsync({ flags }) : model.execute({ flags })).shape;
  },

  /** Load a graph model as a layers model. */
  graph_model_as_layers_model: (cured) => serving(200, JSON_OF_MODEL, async (address) => {
    const loads = cured ? tf.loadGraphModel : tf.loadLayersModel;
    return (await loads(`${address}/model.json`)).inputs[0].shape;
  }),

  /** Use a tensor whose memory was given back. */
  tensor_is_disposed: async (cured) => {
    const scores = tf.zeros([2]);
    if (!cured) scores.dispose();
    return scores.dataSync().length;
  },
};

/** Make a mistake, or do it right; return what came of it. */
async function attempt(name, cured) {
  try {
    return `cured: ${JSON.stringify(await MISTAKES[name](cured))}`;
  } catch (error) {
    return `${error.name}: ${error.message}`;
  }
}

/** Make a mistake, put it right, print both. */
async function make(name) {
  const [message, cure] = [await attempt(name, false), await attempt(name, true)];
  console.log(`${message}\n${cure}`);
  if (message.startsWith('cured: ') || !cure.startsWith('cured: ')) {
    console.error(`mistakes.mjs: error: ${name} is not the mistake that it was`);
    process.exitCode = 1;
  }
}

const [wanted] = process.argv.slice(2);
if (wanted !== '--all' && !(wanted in MISTAKES)) {
  console.error(`usage: node mistakes.mjs --all | ${Object.keys(MISTAKES).join(' | ')}`);
  process.exit(2);
}
await tf.setBackend('cpu');
tf.zeros([1]).dispose(); // now, and not later, TensorFlow.js says that it is slow here
for (const name of Object.keys(MISTAKES)) {
  if (wanted === '--all') console.log(`== ${name}`);
  if (wanted === '--all' || wanted === name) await make(name);
}
