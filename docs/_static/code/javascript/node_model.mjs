/** For programs in Node: read files of the current folder, report errors in one line. */
import { access, constants, readFile, rename, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { ModelError, product, readGraphModel } from './model_files.mjs';

/** Something the user can put right; the text says what is wrong and what to do. */
export class ProgramError extends Error {}

/** Import npm packages, or say how to install them. */
export async function packages(...names) {
  return Promise.all(names.map((name) => import(name).catch((error) => {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new ProgramError(
      `${name} is not installed; run \`npm ci --omit=dev\` in the folder of this program and package-lock.json`);
  })));
}

// How the names of the tutorial's own files begin; its programs make these, and no others.
const TUTORIAL = /(^|[/\\])(mnist_|saved_model)/;

/** Read a file, or say which program makes it. */
export async function existing(file, madeBy) {
  try {
    return await readFile(file);
  } catch (error) {
    if (error.code !== 'ENOENT') throw new ProgramError(`${file}: ${error.message}`);
    const advice = TUTORIAL.test(file) ? `run \`${madeBy}\` first, in this folder` : 'check its name and folder';
    throw new ProgramError(`${file} is not here; ${advice}`);
  }
}

/** Return what is in a JSON file, or say which program makes it. */
export async function existingJson(file, madeBy) {
  try {
    return JSON.parse(await existing(file, madeBy));
  } catch (error) {
    if (error instanceof ProgramError) throw error;
    throw new ProgramError(`${file} is not whole; run \`${madeBy}\` again`);
  }
}

/** Raise a ProgramError if the current folder cannot be written: before the work, not after it. */
export async function checkWritable() {
  await access('.', constants.W_OK).catch(() => {
    throw new ProgramError('cannot write here; change the permissions of the folder or work in another one');
  });
}

/** Write a file whole or not at all. */
export async function writeWhole(file, text) {
  await writeFile(`.partial-${file}`, text);
  await rename(`.partial-${file}`, file);
}

const TEXTS = {
  unreadable: ({ file }) => `${file} is not a graph model of tensorflowjs_converter`,
  cut: ({ file, found, expected }) => `${file}: ${found} bytes where ${expected} belong`,
};

/** Return an IOHandler for the graph model in `folder`. */
export async function graphModel(folder) {
  const again = 'python tfjs_convert.py';
  const read = async (file) => new Uint8Array(await existing(file, again)).buffer;
  try {
    return await readGraphModel(`${folder}/model.json`, read);
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    throw new ProgramError(`${TEXTS[error.code](error.detail)}; convert the model again`);
  }
}

/**
 * Return samples and what Keras says of them, as samples_for_js.py writes them.
 *
 * @param {string} file the .json; the .bin stands beside it
 * @returns {Promise<{count: number, labels: number[]|null, inputs: object, outputs: object}>} inputs and
 *   outputs by name: shape of one sample, dtype, and the values of all samples
 */
export async function readSamples(file) {
  const madeBy = 'python samples_for_js.py';
  const { count, labels, inputs, outputs } = await existingJson(file, madeBy);
  const numbers = file.replace(/\.json$/, '.bin');
  const { buffer } = new Uint8Array(await existing(numbers, madeBy));
  const tensors = [...Object.values(inputs ?? {}), ...Object.values(outputs ?? {})];
  const size = ({ shape }) => count * product(shape);
  if (4 * tensors.reduce((sum, tensor) => sum + size(tensor), 0) !== buffer.byteLength) {
    throw new ProgramError(`${file} and ${numbers} do not fit; run \`${madeBy}\` again`);
  }
  let start = 0;
  for (const tensor of tensors) {
    const Values = tensor.dtype === 'float32' ? Float32Array : Int32Array;
    tensor.values = new Values(buffer, start, size(tensor));
    start += tensor.values.byteLength;
  }
  return { count, labels, inputs, outputs };
}

/**
 * Parse the command line and call `main`; an error that the user can put right ends the program
 * with one line and exit code 1.
 *
 * @param {string} usage what --help prints
 * @param {object} config for util.parseArgs, without --help
 * @param {(values: object, positionals: string[]) => Promise<void>} main
 */
export async function run(usage, config, main) {
  try {
    const options = { ...config.options, help: { type: 'boolean', short: 'h' } };
    const { values, positionals } = parsed({ ...config, options });
    if (values.help) console.log(usage);
    else await main(values, positionals);
  } catch (error) {
    if (!(error instanceof ProgramError || error.syscall)) throw error; // the system's: EACCES, ENOSPC
    console.error(`${basename(process.argv[1])}: error: ${error.message}`);
    process.exitCode = 1;
  }
}

function parsed(config) {
  try {
    return parseArgs(config);
  } catch (error) {
    throw new ProgramError(`${error.message.split('. ')[0]}; see --help`);
  }
}
