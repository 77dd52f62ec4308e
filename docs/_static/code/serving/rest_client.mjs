// Ask the model server over REST from JavaScript (Node 18 or newer; the same in a browser).
//
//   node rest_client.mjs digits.json [http://localhost:8501] [mnist]
//
// digits.json is {"instances": ...}, as digits_json.py writes it.
import { readFile } from 'node:fs/promises';

const [file, url = process.env.TF_SERVING_REST_URL ?? 'http://localhost:8501', model = 'mnist'] =
  process.argv.slice(2);

async function ask(path, body) {
  const options = body === undefined ? {} : { method: 'POST', body };
  const response = await fetch(new URL(path, url), { ...options, signal: AbortSignal.timeout(30_000) });
  const text = await response.text();
  if (!response.ok) {
    let reason = response.statusText;
    try {
      reason = JSON.parse(text).error;
    } catch {
      // Not from the model server: a proxy, another program.
    }
    throw new Error(`${response.status} ${reason}`);
  }
  return JSON.parse(text);
}

async function main() {
  if (file === undefined || file === '--help') {
    console.log('usage: node rest_client.mjs digits.json [URL] [MODEL]');
    return file === undefined ? 2 : 0;
  }
  const { model_version_status: versions } = await ask(`/v1/models/${model}`);
  console.log(versions.map(({ version, state }) => `version ${version}: ${state}`).join('\n'));
  const { predictions } = await ask(`/v1/models/${model}:predict`, await readFile(file));
  predictions.forEach((row, number) => {
    const probability = Math.max(...row);
    console.log(`digit ${number}: found ${row.indexOf(probability)} with probability ${probability.toFixed(4)}`);
  });
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  // fetch() hides the reason of a failed connection in `cause`.
  const reason = error.cause ? `no answer from ${url} (${error.cause.code ?? error.cause.message}); is it up?` : error.message;
  console.error(`rest_client.mjs: error: ${reason}`);
  process.exitCode = 1;
}
