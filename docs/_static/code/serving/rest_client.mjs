// Send the request in a file to the model server over REST and print what it predicts.
//
//   node rest_client.mjs [request.json] [http://localhost:8501] [mnist]
//
// request_json.py writes such a file. Node 18 or newer; the same `fetch` is in a browser.
import { readFile } from 'node:fs/promises';

const [file = 'request.json', url = process.env.TF_SERVING_REST_URL ?? 'http://localhost:8501', model = 'mnist'] =
  process.argv.slice(2);

async function predict(body) {
  const response = await fetch(`${url}/v1/models/${model}:predict`, {
    method: 'POST',
    body,
    signal: AbortSignal.timeout(30_000),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status} ${text.replace(/\s+/g, ' ')}`);
  return JSON.parse(text);
}

function describe(prediction) {
  if (!Array.isArray(prediction) || !prediction.every(Number.isFinite)) return JSON.stringify(prediction);
  const probability = Math.max(...prediction);
  return `class ${prediction.indexOf(probability)} (${probability.toFixed(4)})`;
}

function reason(error) {
  if (error.code === 'ENOENT') return `${file} is not here; run \`python request_json.py\` first, in this folder`;
  // fetch() hides the reason of a failed connection in `cause`.
  const cause = error.cause?.code ?? error.cause?.message;
  return cause ? `no answer from ${url} (${cause}); is the server up, and is this its REST port?` : error.message;
}

try {
  const { predictions } = await predict(await readFile(file));
  if (predictions === undefined) throw new Error(`${file} is not in the row format {"instances": [...]}`);
  predictions.forEach((prediction, number) => console.log(`sample ${number}: ${describe(prediction)}`));
} catch (error) {
  console.error(`rest_client.mjs: error: ${reason(error)}`);
  process.exitCode = 1;
}
