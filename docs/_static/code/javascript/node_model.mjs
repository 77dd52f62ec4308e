/** For programs in Node: read files of the current folder, report errors in one line. */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { ModelError, readGraphModel } from './model_files.mjs';

/** Something the user can put right; the text says what is wrong and what to do. */
export class ProgramError extends Error {}

/** Read a file, or say which program makes it. */
export async function existing(file, madeBy) {
  try {
    return await readFile(file);
  } catch (error) {
    if (error.code !== 'ENOENT') throw new ProgramError(`${file}: ${error.message}`);
    throw new ProgramError(`${file} is not here; run \`${madeBy}\` first, in this folder`);
  }
}

const TEXTS = {
  unreadable: ({ file }) => `${file} is not a graph model of tensorflowjs_converter`,
  cut: ({ file, found, expected }) => `${file}: ${found} bytes where ${expected} belong`,
  shape: ({ found }) => `the model maps ${found}, not pictures of 28×28×1 to 10 classes`,
};

/** Return an IOHandler for the graph model in `folder`. */
export async function graphModel(folder) {
  const again = 'python tfjs_convert.py';
  const read = async (file) => new Uint8Array(await existing(file, again)).buffer;
  try {
    return await readGraphModel(`${folder}/model.json`, read);
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    throw new ProgramError(`${TEXTS[error.code](error.detail)}; run \`${again}\` again`);
  }
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
    if (!(error instanceof ProgramError)) throw error;
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
