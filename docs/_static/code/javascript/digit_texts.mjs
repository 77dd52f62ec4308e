/** What the demo says, in the two languages of the site. */
export const TEXTS = {
  zh: {
    draw: '在这里写一个数字',
    keys: '用鼠标、笔或手指写。键盘：方向键移动，空格键落笔和提笔，Delete 键清除。',
    clear: '清除',
    pick: '或者选一个测试数字',
    picked: '测试数字 {label}',
    sees: '模型看到的 28×28 图像',
    probabilities: '十个数字的概率',
    runtime: '运行方式',
    'tfjs-wasm': 'TensorFlow.js · wasm',
    'tfjs-webgl': 'TensorFlow.js · webgl',
    'tfjs-cpu': 'TensorFlow.js · cpu',
    litert: 'LiteRT.js · wasm（int8）',
    absent: '{name}（此浏览器不支持）',
    mistakes: '故意犯错',
    invert: '不反色',
    scale: '不除以 255',
    centre: '不居中',
    opening: '正在载入 {name} …',
    ready: '{name} 已就绪，请写一个数字。',
    result: '看起来是 {label}，概率 {percent}。',
    time: '{name}：{time} ms',
    empty: '还没有写数字：请先写一个，或选一个测试数字。',
    penDown: '落笔',
    penUp: '提笔',
    instead: '改用 {name}',
    missing: '找不到模型文件 {file}（HTTP {status}）。',
    network: '无法下载 {file}：请检查网络。',
    unreadable: '{file} 不是可用的模型，文件可能不完整。',
    cut: '模型文件 {file} 不完整：应为 {expected} 字节，实际 {found} 字节。',
    shape: '模型的形状不对（{found}）：需要 28×28×1 的输入和 10 个输出。',
    nowasm: '此浏览器没有 WebAssembly，不能用 {runtime}。',
    nowebgl: '此浏览器没有 WebGL，不能用 {runtime}。',
    lost: '浏览器收回了显卡（WebGL 上下文丢失），结果不可用。',
    failed: '{runtime} 无法启动：{reason}',
  },
  en: {
    draw: 'Draw a digit here',
    keys: 'Use mouse, pen or finger. Keyboard: arrows move, Space lowers and lifts the pen, Delete clears.',
    clear: 'Clear',
    pick: 'Or pick a test digit',
    picked: 'Test digit {label}',
    sees: 'The 28×28 picture that the model sees',
    probabilities: 'Probabilities of the ten digits',
    runtime: 'Runtime',
    'tfjs-wasm': 'TensorFlow.js · wasm',
    'tfjs-webgl': 'TensorFlow.js · webgl',
    'tfjs-cpu': 'TensorFlow.js · cpu',
    litert: 'LiteRT.js · wasm (int8)',
    absent: '{name} (not in this browser)',
    mistakes: 'Make a mistake',
    invert: 'No inversion',
    scale: 'No division by 255',
    centre: 'No centring',
    opening: 'Loading {name} …',
    ready: '{name} is ready; draw a digit.',
    result: 'This looks like {label}, probability {percent}.',
    time: '{name}: {time} ms',
    empty: 'Nothing is drawn yet: draw a digit or pick a test digit.',
    penDown: 'Pen down',
    penUp: 'Pen up',
    instead: 'Use {name} instead',
    missing: 'The model file {file} is not there (HTTP {status}).',
    network: '{file} cannot be downloaded: check the network.',
    unreadable: '{file} is not a usable model; it may be incomplete.',
    cut: 'The model file {file} is incomplete: {found} of {expected} bytes.',
    shape: 'The model has another shape ({found}): it must take 28×28×1 and give 10.',
    nowasm: 'This browser has no WebAssembly, which {runtime} needs.',
    nowebgl: 'This browser has no WebGL, which {runtime} needs.',
    lost: 'The browser took the graphics card away (WebGL context lost); there is no result.',
    failed: '{runtime} cannot start: {reason}',
  },
};

/**
 * Return a function that gives a text in the language of an element.
 *
 * @param {Element} element its own or inherited lang attribute decides
 * @returns {(key: string, values?: object) => string}
 */
export function textsFor(element) {
  const language = element.closest('[lang]')?.lang ?? '';
  const texts = language.startsWith('zh') ? TEXTS.zh : TEXTS.en;
  return (key, values = {}) => texts[key].replace(/{(\w+)}/g, (_, name) => values[name] ?? '?');
}
