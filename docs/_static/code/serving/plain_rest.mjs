// Ask the model server for predictions over REST, in the fewest lines (Node; the same in a browser).
import { readFile } from 'node:fs/promises';

const body = await readFile('request.json');
const response = await fetch(process.argv[2], { method: 'POST', body });
const { predictions } = await response.json();
console.log(predictions.map((row) => row.indexOf(Math.max(...row))).join(' '));
