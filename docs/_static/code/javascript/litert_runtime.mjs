/** Run the .tflite with LiteRT.js on WebAssembly. */
import { Tensor, loadAndCompile, loadLiteRt } from '@litertjs/core';
import { ModelError, checkShapes, fetchFile, product } from './model_files.mjs';

let runtime; // one for the page: LiteRT.js refuses to be loaded twice

/** Fetch and start the WebAssembly runtime, once. */
function start(wasmFolder) {
  if (!runtime) {
    // LiteRT.js writes its log of every run to the console as errors; pass on real errors only.
    const printErr = (line) => /^(ERROR|F|E)\b/.test(line) && console.error(line);
    self.Module = { printErr };
    runtime = loadLiteRt(wasmFolder).catch((error) => {
      runtime = undefined;
      throw new ModelError('failed', { runtime: 'LiteRT.js', reason: error.message ?? 'no file' });
    });
  }
  return runtime;
}

/**
 * Load the model, which must have a fixed batch of one.
 *
 * @param {{tflite: string, wasmFolder: string}} files addresses
 * @param {{shape: number[], classes: number}} sizes of one picture and of the answer
 * @throws {ModelError}
 */
export async function openLiteRt({ tflite, wasmFolder }, sizes) {
  const bytes = new Uint8Array(await fetchFile(tflite));
  await start(wasmFolder);
  let model;
  try {
    model = await loadAndCompile(bytes, { accelerator: 'wasm' });
  } catch ({ message }) {
    const code = /not supported/.test(message) ? 'unsupported' : 'unreadable';
    throw new ModelError(code, { file: tflite, reason: message });
  }
  const shapes = (details) => details.map(({ shape }) => [...shape]);
  try {
    checkShapes(shapes(model.getInputDetails()), shapes(model.getOutputDetails()), sizes);
  } catch (error) {
    model.delete();
    throw error;
  }
  return {
    /** Turn the floats of n pictures into the probabilities of n times all classes. */
    async predict(pixels) {
      const { shape, classes } = sizes;
      const size = product(shape);
      const probabilities = new Float32Array((pixels.length / size) * classes);
      for (let i = 0; i * size < pixels.length; i += 1) {
        // Nothing here is freed by itself: every tensor has to be deleted.
        const input = new Tensor(pixels.slice(i * size, (i + 1) * size), [1, ...shape]);
        const outputs = await model.run(input);
        probabilities.set(outputs[0].toTypedArray(), i * classes);
        for (const tensor of [input, ...outputs]) tensor.delete();
      }
      return probabilities;
    },
    /** Free the model. */
    close: () => model.delete(),
  };
}
