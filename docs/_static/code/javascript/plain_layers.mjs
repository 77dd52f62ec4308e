/** Try to load what the converter made of a Keras 3 file. */
import { readFile } from 'node:fs/promises';
import * as tf from '@tensorflow/tfjs';

const fetchFunc = async (path) => new Response(await readFile(path));
await tf.loadLayersModel('my_layers/model.json', { fetchFunc }).catch(({ message }) => console.log(message));
