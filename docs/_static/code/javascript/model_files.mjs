/**
 * Read a graph model that tensorflowjs_converter wrote, and check it before TensorFlow.js sees it:
 * a weight file that was cut short would otherwise fail late, or give wrong answers.
 */

/** What is wrong with a model or a runtime: `code` names the case, `detail` fills in the text. */
export class ModelError extends Error {
  /**
   * @param {'missing'|'network'|'unreadable'|'cut'|'shape'|'unsupported'|'nowasm'|'nowebgl'
   *   |'nobackend'|'lost'|'failed'} code
   * @param {Object<string, string|number>} detail
   */
  constructor(code, detail = {}) {
    super(`${code}: ${Object.values(detail).join(', ')}`);
    this.code = code;
    this.detail = detail;
  }
}

const BYTES = { float32: 4, int32: 4, uint16: 2, float16: 2, uint8: 1, bool: 1 };

/** Return how many values a shape holds. */
export const product = (shape) => shape.reduce((result, size) => result * size, 1);

/** Return the bytes that one entry of the weights manifest takes in the weight files. */
function bytesOf({ shape, dtype, quantization }) {
  const stored = quantization?.dtype ?? dtype;
  if (!(stored in BYTES)) throw new ModelError('unreadable', { file: 'model.json' });
  return product(shape) * BYTES[stored];
}

/** Return the shapes of a graph model's inputs or outputs by their names; -1 where any size will do. */
export function shapesOf(side) {
  const sizes = ({ tensorShape }) => (tensorShape?.dim ?? []).map(({ size }) => Number(size));
  return Object.fromEntries(Object.entries(side).map(([name, tensor]) => [name, sizes(tensor)]));
}

/** Check that a model turns one picture of `shape` into `classes` numbers; the batch may be open. */
export function checkShapes(inputs, outputs, { shape, classes }) {
  const rest = (shapes) => JSON.stringify(shapes.map((sizes) => sizes.slice(1)));
  if (rest(inputs) !== JSON.stringify([shape]) || rest(outputs) !== JSON.stringify([[classes]])) {
    const found = `${JSON.stringify(inputs)} → ${JSON.stringify(outputs)}`;
    throw new ModelError('shape', { found, wanted: `${shape.join('×')} → ${classes}` });
  }
}

/**
 * Read a model.json and its weights.
 *
 * @param {string} file the path or address of model.json
 * @param {(file: string) => Promise<ArrayBuffer>} read reads one file
 * @returns {Promise<object>} an IOHandler for tf.loadGraphModel
 * @throws {ModelError}
 */
export async function readGraphModel(file, read) {
  const text = new TextDecoder().decode(await read(file));
  let json;
  try {
    json = JSON.parse(text);
  } catch {
    throw new ModelError('unreadable', { file });
  }
  if (json?.format !== 'graph-model' || !json.modelTopology || !json.weightsManifest) {
    throw new ModelError('unreadable', { file });
  }
  const folder = file.slice(0, file.lastIndexOf('/') + 1);
  const paths = json.weightsManifest.flatMap((group) => group.paths);
  const weightSpecs = json.weightsManifest.flatMap((group) => group.weights);
  const weightData = join(await Promise.all(paths.map((path) => read(folder + path))));
  const expected = weightSpecs.reduce((sum, entry) => sum + bytesOf(entry), 0);
  if (weightData.byteLength !== expected) {
    const weights = paths.map((path) => folder + path).join(', ');
    throw new ModelError('cut', { file: weights, found: weightData.byteLength, expected });
  }
  const { modelTopology, format, generatedBy, convertedBy, signature } = json;
  const artifacts = { modelTopology, format, generatedBy, convertedBy, signature };
  return { load: async () => ({ ...artifacts, weightSpecs, weightData }) };
}

function join(buffers) {
  const whole = new Uint8Array(buffers.reduce((sum, buffer) => sum + buffer.byteLength, 0));
  let position = 0;
  for (const buffer of buffers) {
    whole.set(new Uint8Array(buffer), position);
    position += buffer.byteLength;
  }
  return whole.buffer;
}

/** Fetch one file as an ArrayBuffer. */
export async function fetchFile(file) {
  let answer;
  try {
    answer = await fetch(file);
    if (answer.ok) return await answer.arrayBuffer();
  } catch {
    throw new ModelError('network', { file });
  }
  throw new ModelError('missing', { file, status: answer.status });
}
