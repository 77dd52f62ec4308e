/** The ways to run the model on a page, and which of them this browser has. */
import { ModelError } from './model_files.mjs';

/** The runtimes, the one to begin with first. Each is fetched when it is opened. */
export const RUNTIMES = {
  'tfjs-wasm': {
    needs: 'wasm',
    open: async (...all) => (await import('./tfjs_runtime.mjs')).openTfjs('wasm', ...all),
  },
  'tfjs-webgl': {
    needs: 'webgl',
    open: async (...all) => (await import('./tfjs_runtime.mjs')).openTfjs('webgl', ...all),
  },
  'tfjs-cpu': {
    open: async (...all) => (await import('./tfjs_runtime.mjs')).openTfjs('cpu', ...all),
  },
  litert: {
    needs: 'wasm',
    open: async (...all) => (await import('./litert_runtime.mjs')).openLiteRt(...all),
  },
};

/** Return the code of what this browser lacks for runtime `name`, or undefined. */
export function lacks(name) {
  const { needs } = RUNTIMES[name];
  if (needs === 'wasm' && typeof WebAssembly !== 'object') return 'nowasm';
  if (needs === 'webgl' && !hasWebgl()) return 'nowebgl';
  return undefined;
}

function hasWebgl() {
  const context = document.createElement('canvas').getContext('webgl2');
  context?.getExtension('WEBGL_lose_context')?.loseContext(); // browsers allow only a few of them
  return Boolean(context);
}

/**
 * Open a runtime.
 *
 * @param {string} name a key of RUNTIMES
 * @param {{graphModel: string, tflite: string, wasmFolder: string}} files addresses
 * @param {{shape: number[], classes: number}} sizes of one picture and of the answer
 * @returns {Promise<{predict: function, close: function}>}
 * @throws {ModelError}
 */
export async function openRuntime(name, files, sizes) {
  const lack = lacks(name);
  if (lack) throw new ModelError(lack, { runtime: name });
  try {
    return await RUNTIMES[name].open(files, sizes);
  } catch (error) {
    if (error instanceof ModelError) throw error;
    throw new ModelError('failed', { runtime: name, reason: error.message });
  }
}
