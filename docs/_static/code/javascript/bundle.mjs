/**
 * Put the page of the demo together: its modules bundled and tree-shaken, the runtimes and the models.
 *
 * It is for models that read what is drawn by hand: one input of gray pictures (batch, rows, columns,
 * 1), 0 for the paper and 1 for the ink, and one output of probabilities (batch, classes). For other
 * models see plain_page.mjs, which takes any.
 */
import { spawnSync } from 'node:child_process';
import { cp, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants } from 'node:zlib';
import { product, shapesOf } from './model_files.mjs';
import {
  ProgramError, checkWritable, existing, graphModel, packages, readSamples, run, writeWhole,
} from './node_model.mjs';
import { PAPER, prepare } from './preparation.mjs';

const USAGE = `usage: node bundle.mjs [--graph-model FOLDER] [--tflite FILE] [--samples FILE] [--labels FILE]
                       [--compress]

Reads the page's modules beside this program, a model that classifies drawn gray pictures, samples
(python samples_for_js.py) and the names of its classes, one per line; writes page/, ready for any web
server, and its bytes to bundle.json: of each file, and of what a browser fetches for each runtime.
  --graph-model FOLDER  default: saved_model_tfjs_uint8
  --tflite FILE         the same model for LiteRT.js; default: mnist_cnn_web_int8.tflite
  --samples FILE        default: mnist_cnn_js.json
  --labels FILE         default: mnist_cnn_labels.txt
  --compress            write a .br beside each file, and count its bytes too`;

const HERE = dirname(process.argv[1]);
const SOURCES = ['digit_loader.mjs', 'runtimes.mjs']; // what a page imports
const STATIC = ['index.html', 'digit.css'];
const PER_CLASS = 2; // samples to pick on the page
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
  page: { modules: ['digit_loader.mjs', 'digit.mjs'], files: ['digit.css', 'demo.json', 'samples.bin'] },
  'tfjs-cpu': { modules: ['tfjs_runtime.mjs', 'backend:cpu'], files: [] },
  'tfjs-wasm': { modules: ['tfjs_runtime.mjs', 'backend:wasm'], files: ['tfjs-backend-wasm-simd.wasm'] },
  'tfjs-webgl': { modules: ['tfjs_runtime.mjs', 'backend:webgl'], files: [] },
  litert: {
    modules: ['litert_runtime.mjs'],
    files: ['litert_wasm_internal.js', 'litert_wasm_internal.wasm'],
  },
};
const LARGE = 4e6; // bytes: beyond them, brotli's highest quality takes half a minute
const require = createRequire(import.meta.url);

/** Return the folder of an npm package: beside this program or above the current folder. */
function packageFolder(name) {
  return dirname(require.resolve(`${name}/package.json`, { paths: [process.cwd(), HERE] }));
}

/** Return the probabilities that the model gives one picture. */
const predict = (tf, model, pixels, shape) => (
  tf.tidy(() => model.predict(tf.tensor(pixels, [1, ...shape])).dataSync()));

/**
 * Return what the page has to know of the model, for demo.json, and the pixels of samples.
 *
 * @throws {ProgramError} if the demo cannot show this model
 */
async function describe(tf, model, options) {
  const { samples: file, labels: names, graphModel: folder, tflite } = options;
  const { inputs, outputs } = model.modelSignature;
  const [shapes, answers] = [inputs, outputs].map((side) => Object.values(shapesOf(side)));
  const shape = shapes[0].slice(1);
  const labels = (await existing(names, 'python mnist_cnn.py')).toString().trim().split(/\r?\n/);
  if (shapes.length !== 1 || shape.length !== 3 || shape[2] !== 1 || shape.includes(-1)
    || answers.length !== 1 || answers[0].length !== 2) {
    throw new ProgramError(`${folder} maps ${JSON.stringify(shapes)} to ${JSON.stringify(answers)}, the demo `
      + 'needs [[-1,rows,columns,1]] and [[-1,classes]]; for other models see plain_page.mjs');
  }
  if (labels.length !== answers[0][1]) {
    throw new ProgramError(`${names} has ${labels.length} lines, ${folder} has ${answers[0][1]} classes; `
      + 'write a line for each class and name the file with --labels');
  }
  const samples = await chosenSamples(file, shape, labels);
  const misread = (sample) => isMisreadInCorner(tf, model, sample, shape, labels);
  const corner = samples.findIndex(misread);
  const about = {
    graphModel: `${basename(folder)}/model.json`,
    tflite: basename(tflite),
    shape,
    labels,
    samples: samples.map(({ label }) => label),
    corner: corner < 0 ? null : { sample: corner, size: cornerSize(shape) },
  };
  return { about, pixels: Buffer.concat(samples.map(({ pixels }) => pixels)) };
}

/** Return some samples of each class: the label, and the pixels, a byte each. */
async function chosenSamples(file, shape, labels) {
  const { inputs, labels: numbers, count } = await readSamples(file);
  const [input] = Object.values(inputs);
  if (JSON.stringify(input.shape) !== JSON.stringify(shape)) {
    throw new ProgramError(`${file} has pictures of ${input.shape}, the model takes ${shape}; `
      + 'name samples of this model with --samples');
  }
  if (!numbers || input.values.some((value) => !(value >= 0 && value <= 1))) {
    throw new ProgramError(`the demo needs samples with labels and values from 0 to 1, ${file} has others; `
      + 'for other models see plain_page.mjs');
  }
  const size = product(shape);
  const all = Array.from({ length: count }, (_, i) => i);
  return labels.flatMap((label, number) => (
    all.filter((i) => numbers[i] === number).slice(0, PER_CLASS).map((i) => {
      const pixels = input.values.subarray(i * size, (i + 1) * size).map((value) => Math.round(255 * value));
      return { label, pixels: Uint8Array.from(pixels) };
    })));
}

/** Return width and height of a sample in a corner of the paper: whole multiples of its own. */
function cornerSize([rows, columns]) {
  const factor = Math.max(1, Math.floor((0.4 * PAPER) / Math.max(rows, columns)));
  return [columns * factor, rows * factor];
}

/** Say whether a sample in the corner is read right if it is centered, and wrong if it is not. */
function isMisreadInCorner(tf, model, { label, pixels }, shape, labels) {
  const [width, height] = cornerSize(shape);
  const rgba = new Uint8ClampedArray(4 * PAPER * PAPER).fill(255);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const [row, column] = [Math.floor((y * shape[0]) / height), Math.floor((x * shape[1]) / width)];
      rgba.fill(255 - pixels[row * shape[1] + column], 4 * (y * PAPER + x), 4 * (y * PAPER + x) + 3);
    }
  }
  const [right, wrong] = [true, false].map((center) => {
    const picture = prepare(rgba, PAPER, PAPER, shape, { center });
    const probabilities = picture && predict(tf, model, picture, shape);
    return picture && labels[probabilities.indexOf(Math.max(...probabilities))] === label;
  });
  return right && !wrong;
}

/** Have tfjs-custom-module write, for each backend, a TensorFlow.js with the kernels of the model. */
async function customModules(tf, model, { shape }, modelFile, folder) {
  const { kernelNames: kernels } = await tf.profile(() => model.predict(tf.zeros([1, ...shape])));
  const cli = join(packageFolder('@tensorflow/tfjs'), 'dist/tools/custom_module/cli.js');
  for (const backend of ['cpu', 'wasm', 'webgl']) {
    const config = {
      kernels,
      backends: [backend],
      models: [resolve(modelFile)],
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

async function bundle(tf, esbuild, model, about, modelFile, target) {
  const folder = resolve('.partial-tfjs'); // a fixed name: the hashes in the file names depend on it
  try {
    await mkdir(folder, { recursive: true });
    await customModules(tf, model, about, modelFile, folder);
    return await esbuild.build({
      entryPoints: SOURCES.map((file) => join(HERE, file)),
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

async function copyFiles(about, pixels, { graphModel: folder, tflite }, target) {
  await writeFile(join(target, 'demo.json'), JSON.stringify(about));
  await writeFile(join(target, 'samples.bin'), pixels);
  for (const file of STATIC) await cp(join(HERE, file), join(target, file));
  for (const [folder, files] of Object.entries(WASM)) {
    const [, name, inside] = folder.match(/^(@[^/]+\/[^/]+)\/(.*)$/);
    for (const file of files) await cp(join(packageFolder(name), inside, file), join(target, file));
  }
  await cp(folder, join(target, basename(folder)), { recursive: true });
  await cp(tflite, join(target, basename(tflite)));
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
function parts(files, outputs, { graphModel: file, tflite }) {
  const graphModelFiles = Object.keys(files).filter((name) => name.startsWith(`${dirname(file)}/`));
  const all = {
    ...PARTS,
    'graph model': { modules: [], files: graphModelFiles },
    '.tflite': { modules: [], files: [tflite] },
  };
  const filesOf = ({ modules, files: others }) => (
    new Set([...modules.flatMap((name) => [...withImports(outputs, name)]), ...others]));
  const page = filesOf(PARTS.page);
  return Object.fromEntries(Object.entries(all).map(([name, part]) => {
    const own = [...filesOf(part)].filter((file) => name === 'page' || !page.has(file));
    const total = (key) => own.reduce((sum, file) => sum + files[file][key], 0);
    return [name, { raw: total('raw'), brotli: total('brotli'), files: own }];
  }));
}

async function main({ compress, 'graph-model': folder, ...files }) {
  const options = { ...files, graphModel: folder };
  await checkWritable();
  const [tf, esbuild] = await packages('@tensorflow/tfjs', 'esbuild', '@tensorflow/tfjs-backend-wasm');
  const handler = await graphModel(folder);
  await existing(options.tflite, 'python tflite_web.py');
  await tf.setBackend('wasm');
  const model = await tf.loadGraphModel(handler);
  const { about, pixels } = await describe(tf, model, options);
  const partial = '.partial-page';
  await rm(partial, { recursive: true, force: true });
  try {
    await mkdir(partial);
    await copyFiles(about, pixels, options, partial);
    const { metafile } = await bundle(tf, esbuild, model, about, `${folder}/model.json`, resolve(partial));
    const bytes = await sizes(partial, compress);
    const figures = { files: bytes, parts: parts(bytes, metafile.outputs, about) };
    await rm('page', { recursive: true, force: true });
    await rename(partial, 'page');
    await writeWhole('bundle.json', JSON.stringify(figures, null, 1));
    report(figures.parts, compress);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

function report(rows, compress) {
  const row = (name, ...cells) => console.log(name.padEnd(15), ...cells.map((cell) => cell.padStart(9)));
  const bytes = (number) => (number ? number.toLocaleString('en') : '');
  row('what is fetched', 'bytes', compress ? 'brotli' : '');
  for (const [name, { raw, brotli }] of Object.entries(rows)) row(name, bytes(raw), bytes(brotli));
}

const options = {
  'graph-model': { type: 'string', default: 'saved_model_tfjs_uint8' },
  tflite: { type: 'string', default: 'mnist_cnn_web_int8.tflite' },
  samples: { type: 'string', default: 'mnist_cnn_js.json' },
  labels: { type: 'string', default: 'mnist_cnn_labels.txt' },
  compress: { type: 'boolean', default: false },
};
await run(USAGE, { options }, main);
