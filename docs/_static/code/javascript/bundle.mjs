/** Put the page together: its modules bundled and tree-shaken, the runtimes and the models. */
import { spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress } from 'node:zlib';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { build } from 'esbuild';
import { ProgramError, existing, graphModel, run } from './node_model.mjs';

const USAGE = `usage: node bundle.mjs [--sources FOLDER] [--compress] [--extra FILE ...]

Reads the page's modules in FOLDER (default: the current one), tfjs_uint8/,
mnist_cnn_web_int8.tflite and pick_digits.json; writes page/, ready for any web server, and the
bytes of each of its files to bundle.json.
  --sources FOLDER  where digit.mjs and the modules beside it are
  --extra FILE      a further file or folder for page/, for instance tfjs_float32
  --compress        write a .br beside each file, and its bytes to bundle.json`;

const SOURCES = ['digit_loader.mjs', 'runtimes.mjs']; // what a page imports
const STATIC = ['index.html', 'digit.css'];
const MODELS = [
  ['tfjs_uint8', 'python tfjs_convert.py'],
  ['mnist_cnn_web_int8.tflite', 'python tflite_web.py'],
  ['pick_digits.json', 'python digits_for_js.py'],
];
// A browser fetches one of each pair: the second is for those without (relaxed) SIMD.
const WASM = {
  '@tensorflow/tfjs-backend-wasm/dist': ['tfjs-backend-wasm-simd.wasm', 'tfjs-backend-wasm.wasm'],
  '@litertjs/core/wasm': [
    'litert_wasm_internal.js',
    'litert_wasm_internal.wasm',
    'litert_wasm_compat_internal.js',
    'litert_wasm_compat_internal.wasm',
  ],
};
const require = createRequire(import.meta.url);

/** Return the folder of an npm package: beside this program or above the current folder. */
function packageFolder(name) {
  const paths = [process.cwd(), dirname(process.argv[1])];
  const folders = paths.flatMap((path) => createRequire(`${path}/x.js`).resolve.paths(name));
  try {
    return dirname(require.resolve(`${name}/package.json`, { paths }));
  } catch {
    throw new ProgramError(`${name} is not in ${folders[0]}; run \`npm ci\` first`);
  }
}

/** Return the names of the kernels that one prediction of the model calls. */
async function kernelsOf(folder) {
  await tf.setBackend('wasm');
  const model = await tf.loadGraphModel(await graphModel(folder));
  const { kernelNames } = await tf.profile(() => model.predict(tf.zeros([1, 28, 28, 1])));
  return kernelNames;
}

/** Have tfjs-custom-module write, for each backend, a TensorFlow.js with just those kernels. */
async function customModules(folder, kernels) {
  const cli = join(packageFolder('@tensorflow/tfjs'), 'dist/tools/custom_module/cli.js');
  for (const backend of ['cpu', 'wasm', 'webgl']) {
    const config = {
      kernels,
      backends: [backend],
      models: [resolve('tfjs_uint8/model.json')],
      outputPath: join(folder, backend),
      forwardModeOnly: true,
    };
    await writeFile(join(folder, `${backend}.json`), JSON.stringify(config));
    const done = spawnSync(process.execPath, [cli, '--config', join(folder, `${backend}.json`)]);
    if (done.status) throw new ProgramError(`tfjs-custom-module: ${done.stdout}${done.stderr}`);
  }
}

/** An esbuild plugin that puts the custom modules in the place of the whole packages. */
function slim(folder) {
  const files = {
    '@tensorflow/tfjs-core': join(folder, 'cpu/custom_tfjs_core.js'),
    '@tensorflow/tfjs-core/dist/ops/ops_for_converter': join(folder, 'cpu/custom_ops_for_converter.js'),
  };
  return {
    name: 'slim-tfjs',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^@tensorflow\/tfjs-core/ }, ({ path }) => files[path] && { path: files[path] });
      onResolve({ filter: /^@tensorflow\/tfjs-backend-(cpu|wasm|webgl)$/ }, ({ path }) => (
        { path: path.split('-').at(-1), namespace: 'backend' }));
      onLoad({ filter: /.*/, namespace: 'backend' }, ({ path }) => ({
        contents: `import '${folder}/${path}/custom_tfjs.js';
          ${path === 'wasm' ? "export { setWasmPaths } from '@tensorflow/tfjs-backend-wasm/dist/base';" : ''}`,
        resolveDir: folder,
      }));
      // The threaded WebAssembly is not shipped, so its JavaScript need not be either.
      onLoad({ filter: /wasm-threaded-simd(\.worker)?\.js$/ }, () => (
        { contents: 'export default undefined; export const wasmWorkerContents = "";' }));
    },
  };
}

async function bundle(sources, target) {
  const folder = await mkdtemp(join(tmpdir(), 'custom-tfjs-'));
  try {
    await customModules(folder, await kernelsOf('tfjs_uint8'));
    return await build({
      entryPoints: SOURCES.map((file) => join(sources, file)),
      outdir: target,
      bundle: true,
      splitting: true, // what is imported when needed becomes a file of its own
      format: 'esm',
      target: 'es2022',
      minify: true,
      legalComments: 'none',
      metafile: true,
      chunkNames: '[name]-[hash]',
      nodePaths: [dirname(dirname(packageFolder('@tensorflow/tfjs')))],
      plugins: [slim(folder)],
      define: { 'process.env.NODE_ENV': '"production"' },
      logLevel: 'silent',
    });
  } catch (error) {
    if (!error.errors) throw error;
    throw new ProgramError(`esbuild: ${error.errors[0].text}`);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function copyFiles(sources, extra, target) {
  for (const file of STATIC) await cp(join(sources, file), join(target, file));
  for (const [folder, files] of Object.entries(WASM)) {
    const [, name, inside] = folder.match(/^(@[^/]+\/[^/]+)\/(.*)$/);
    for (const file of files) await cp(join(packageFolder(name), inside, file), join(target, file));
  }
  for (const [file, madeBy] of [...MODELS, ...extra.map((file) => [file, 'the program that makes it'])]) {
    await cp(await present(file, madeBy), join(target, file), { recursive: true });
  }
}

async function present(file, madeBy) {
  const isFolder = (await stat(file).catch(() => null))?.isDirectory();
  await existing(isFolder ? join(file, 'model.json') : file, madeBy);
  return file;
}

/** Return the bytes of each file in `folder`; with `compress`, of its .br too, which is written. */
async function sizes(folder, compress) {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const rows = await Promise.all(files.sort().map(async (file) => {
    const content = await readFile(file);
    const row = { raw: content.length };
    if (compress) {
      const packed = await promisify(brotliCompress)(content);
      await writeFile(`${file}.br`, packed);
      row.brotli = packed.length;
    }
    return [file.slice(folder.length + 1), row];
  }));
  return Object.fromEntries(rows);
}

async function main({ sources, compress, extra }) {
  const partial = '.partial-page';
  await rm(partial, { recursive: true, force: true });
  try {
    await mkdir(partial);
    await copyFiles(sources, extra, partial);
    await bundle(resolve(sources), resolve(partial));
    const figures = await sizes(partial, compress);
    await rm('page', { recursive: true, force: true });
    await rename(partial, 'page');
    await writeFile('bundle.json', JSON.stringify(figures, null, 1));
    for (const [file, { raw, brotli }] of Object.entries(figures)) {
      console.log(file.padEnd(40), String(raw).padStart(9), String(brotli ?? '').padStart(9));
    }
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

const options = {
  sources: { type: 'string', default: '.' },
  compress: { type: 'boolean', default: false },
  extra: { type: 'string', multiple: true, default: [] },
};
await run(USAGE, { options }, main);
