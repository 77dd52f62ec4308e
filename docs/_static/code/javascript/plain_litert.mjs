/** Predict one sample on a page with LiteRT.js, in the fewest lines. */
import { Tensor, loadAndCompile, loadLiteRt } from '@litertjs/core';

await loadLiteRt('node_modules/@litertjs/core/wasm/');
const model = await loadAndCompile('my_web.tflite', { accelerator: 'wasm' });
const sample = await (await fetch('sample.json')).json();
const [{ shape }] = model.getInputDetails();
const [output] = await model.run(new Tensor(Float32Array.from(sample.flat(Infinity)), [...shape]));
const values = output.toTypedArray();
document.querySelector('#answer').textContent = `class ${values.indexOf(Math.max(...values))}`;
