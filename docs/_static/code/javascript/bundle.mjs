/** Put the page together: its modules bundled and tree-shaken, the runtimes and the models. */
import { spawnSync } from 'node:child_process';
import { cp, mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants } from 'node:zlib';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { build } from 'esbuild';
import { ProgramError, existing, graphModel, run } from './node_model.mjs';

const USAGE = `usage: node bundle.mjs [--sources FOLDER] [--compress] [--extra FILE ...]

Reads the page's modules in FOLDER (default: the current one), tfjs_uint8/,
mnist_cnn_web_int8.tflite and pick_digits.json; writes page/, ready for any web server, and its
bytes to bundle.json: of each file, and of what a browser fetches for each runtime.
  --sources FOLDER  where digit.mjs and the modules beside it are
  --extra FILE      a further file or folder for page/, for instance tfjs_float32
  --compress        write a .br beside each file, and count its bytes too`;

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
// What is fetched: modules with all that they import, and files.
const PARTS = {
  page: { modules: ['digit_loader.mjs', 'digit.mjs'], files: ['digit.css', 'pick_digits.json'] },
  'tfjs-cpu': { modules: ['tfjs_runtime.mjs', 'backend:cpu'], files: [] },
  'tfjs-wasm': { modules: ['tfjs_runtime.mjs', 'backend:wasm'], files: ['tfjs-backend-wasm-simd.wasm'] },
  'tfjs-webgl': { modules: ['tfjs_runtime.mjs', 'backend:webgl'], files: [] },
  litert: {
    modules: ['litert_runtime.mjs'],
    files: ['litert_wasm_internal.js', 'litert_wasm_internal.wasm'],
  },
  tfjs_uint8: { modules: [], files: ['tfjs_uint8/model.json', 'tfjs_uint8/group1-shard1of1.bin'] },
  tflite_int8: { modules: [], files: ['mnist_cnn_web_int8.tflite'] },
};
const LARGE = 4e6; // bytes: beyond them, brotli's highest quality takes half a minute
const require = createRequire(import.meta.url);

/** Return the folder of an npm package: beside this program or above the current folder. */
function packageFolder(name) {
  const paths = [process.cwd(), dirname(process.argv[1])];
  const folders = paths.flatMap((path) => createRequire(`${path}/x.js`).resolve.paths(name));
  try {
    return dirname(require.resolve(`${name}/package.json`, { paths }));
  } catch {
    throw new ProgramError(`${name} is not in ${folders[0]}; run \`npm ci\` first, beside package-lock.json`);
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
  const folder = resolve('.partial-tfjs'); // a fixed name: the hashes in the file names depend on it
  try {
    await mkdir(folder, { recursive: true });
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
    await rm(folder, { recursive: true, force: true });
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
      const quality = content.length > LARGE ? 9 : constants.BROTLI_MAX_QUALITY;
      const packed = await promisify(brotliCompress)(content, {
        params: {
          [constants.BROTLI_PARAM_QUALITY]: quality,
          [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
          [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
        },
      });
      await writeFile(`${file}.br`, packed);
      row.brotli = packed.length;
    }
    return [file.slice(folder.length + 1), row];
  }));
  return Object.fromEntries(rows);
}

/** Return the files of a module and of all that it imports at once, by esbuild's own account. */
function withImports(outputs, entry) {
  const ends = (name) => name === entry || name.endsWith(`/${entry}`);
  const queue = Object.keys(outputs).filter((file) => ends(outputs[file].entryPoint ?? ''));
  const found = new Set();
  while (queue.length) {
    const file = queue.pop();
    found.add(basename(file));
    const { imports } = outputs[file];
    queue.push(...imports.filter(({ kind }) => kind === 'import-statement').map(({ path }) => path));
  }
  return found;
}

/** Add up the bytes of each part; what the page has already is not counted again. */
function parts(files, outputs) {
  const filesOf = ({ modules, files: others }) => (
    new Set([...modules.flatMap((name) => [...withImports(outputs, name)]), ...others]));
  const page = filesOf(PARTS.page);
  return Object.fromEntries(Object.entries(PARTS).map(([name, part]) => {
    const own = [...filesOf(part)].filter((file) => name === 'page' || !page.has(file));
    const total = (key) => own.reduce((sum, file) => sum + files[file][key], 0);
    return [name, { raw: total('raw'), brotli: total('brotli'), files: own }];
  }));
}

async function main({ sources, compress, extra }) {
  const partial = '.partial-page';
  await rm(partial, { recursive: true, force: true });
  try {
    await mkdir(partial);
    await copyFiles(sources, extra, partial);
    const { metafile } = await bundle(resolve(sources), resolve(partial));
    const files = await sizes(partial, compress);
    const figures = { files, parts: parts(files, metafile.outputs) };
    await rm('page', { recursive: true, force: true });
    await rename(partial, 'page');
    await writeFile('bundle.json', JSON.stringify(figures, null, 1));
    const row = (name, ...cells) => console.log(name.padEnd(15), ...cells.map((cell) => cell.padStart(9)));
    const bytes = (number) => (number ? number.toLocaleString('en') : '');
    row('what is fetched', 'bytes', compress ? 'brotli' : '');
    for (const [name, { raw, brotli }] of Object.entries(figures.parts)) {
      row(name, bytes(raw), bytes(brotli));
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
