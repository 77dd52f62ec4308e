/** Run the graph model with TensorFlow.js, on one of its backends. */
import { backend, env, memory, ready, setBackend, tensor4d, tidy } from '@tensorflow/tfjs-core';
import { loadGraphModel } from '@tensorflow/tfjs-converter';
import { ModelError, checkShapes, fetchFile, product, readGraphModel, shapesOf } from './model_files.mjs';

// Each backend is a file of its own, fetched when it is chosen.
const BACKENDS = {
  cpu: () => import('@tensorflow/tfjs-backend-cpu'),
  webgl: () => import('@tensorflow/tfjs-backend-webgl'),
  async wasm({ wasmFolder }) {
    const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
    setWasmPaths(wasmFolder);
    // One thread: two are no faster on this model, and they ask for COOP and COEP headers.
    env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  },
};

/**
 * Load the model and make `name` the backend.
 *
 * @param {'cpu'|'wasm'|'webgl'} name
 * @param {{graphModel: string, wasmFolder: string}} files addresses
 * @param {{shape: number[], classes: number}} sizes of one picture and of the answer
 * @throws {ModelError}
 */
export async function openTfjs(name, files, sizes) {
  const handler = await readGraphModel(files.graphModel, fetchFile);
  await BACKENDS[name](files);
  const started = await setBackend(name).catch(() => false);
  if (!started) throw new ModelError(name === 'webgl' ? 'nowebgl' : 'nobackend', { runtime: name });
  await ready();
  const lost = contextLost();
  const model = await loadGraphModel(handler);
  const { inputs, outputs } = model.modelSignature;
  checkShapes(Object.values(shapesOf(inputs)), Object.values(shapesOf(outputs)), sizes);
  return {
    /** Turn the floats of n pictures into the probabilities of n times all classes. */
    async predict(pixels) {
      checkContext();
      // tidy frees every tensor made inside it but the one that is returned.
      const output = tidy(() =>
        model.predict(tensor4d(pixels, [pixels.length / product(sizes.shape), ...sizes.shape])));
      try {
        const probabilities = await Promise.race([output.data(), lost]);
        checkContext();
        return probabilities;
      } finally {
        output.dispose();
      }
    },
    /** Count the tensors that live, the weights among them. */
    tensors: () => memory().numTensors,
    /** Free the weights. */
    close: () => model.dispose(),
  };
}

/** Return a promise that fails when the context is lost: reading a result would then never end. */
function contextLost() {
  const canvas = backend().getGPGPUContext?.().gl.canvas;
  const lost = new Promise((_, fail) => {
    canvas?.addEventListener('webglcontextlost', () => fail(new ModelError('lost')));
  });
  lost.catch(() => {}); // it may happen while nothing is being predicted
  return lost;
}

/** Raise an error if the browser took the GPU away: the answer is then rubbish, not an error. */
function checkContext() {
  if (backend().getGPGPUContext?.().gl.isContextLost()) throw new ModelError('lost');
}

