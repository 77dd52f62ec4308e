/**
 * Read a graph model that tensorflowjs_converter wrote, and check it before TensorFlow.js sees it:
 * a weight file that was cut short would otherwise fail late, or give wrong answers.
 */

/** What is wrong with a model or a runtime: `code` names the case, `detail` fills in the text. */
export class ModelError extends Error {
  /**
   * @param {'missing'|'network'|'unreadable'|'cut'|'shape'|'unsupported'|'nowasm'|'nowebgl'|'nobackend'
   *   |'lost'|'failed'} code
   * @param {Object<string, string|number>} detail
   */
  constructor(code, detail = {}) {
    super(`${code}: ${Object.values(detail).join(', ')}`);
    this.code = code;
    this.detail = detail;
  }
}

export const PIXELS = 28 * 28;
export const CLASSES = 10;
const BYTES = { float32: 4, int32: 4, uint16: 2, float16: 2, uint8: 1, bool: 1 };

/** Return the bytes that one entry of the weights manifest takes in the weight files. */
function bytesOf({ shape, dtype, quantization }) {
  const stored = quantization?.dtype ?? dtype;
  if (!(stored in BYTES)) throw new ModelError('unreadable', { file: 'model.json' });
  return shape.reduce((product, size) => product * size, 1) * BYTES[stored];
}

/** Check that the signature takes pictures (batch, 28, 28, 1) and gives (batch, 10). */
function checkSignature({ inputs = {}, outputs = {} } = {}) {
  const [input, output] = [inputs, outputs].map((side) =>
    Object.values(side).map(({ tensorShape }) => (tensorShape?.dim ?? []).map(({ size }) => +size)));
  checkShapes(input, output);
}

/** Check the shapes of all inputs and of all outputs of a model; the batch may be open. */
export function checkShapes(inputs, outputs) {
  const found = `${JSON.stringify(inputs)} → ${JSON.stringify(outputs)}`;
  const rest = (shapes) => shapes.map((shape) => shape.slice(1).join());
  if (rest(inputs).join(';') !== '28,28,1' || rest(outputs).join(';') !== `${CLASSES}`) {
    throw new ModelError('shape', { found });
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
  checkSignature(json.signature);
  const folder = file.slice(0, file.lastIndexOf('/') + 1);
  const paths = json.weightsManifest.flatMap((group) => group.paths);
  const weightSpecs = json.weightsManifest.flatMap((group) => group.weights);
  const weightData = join(await Promise.all(paths.map((path) => read(folder + path))));
  const expected = weightSpecs.reduce((sum, entry) => sum + bytesOf(entry), 0);
  if (weightData.byteLength !== expected) {
    throw new ModelError('cut', { file: paths.join(', '), found: weightData.byteLength, expected });
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
