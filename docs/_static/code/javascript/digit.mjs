/** The demo: draw or pick a digit, see what the model sees and what it says. */
import { textsFor } from './digit_texts.mjs';
import { ModelError, fetchFile } from './model_files.mjs';
import { PAPER, prepare } from './preparation.mjs';
import { RUNTIMES, lacks, openRuntime } from './runtimes.mjs';

const PEN = 22; // width of a line
const STEP = 10; // of an arrow key
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const MISTAKES = ['invert', 'scale', 'center'];
const TIMED = 20; // predictions

const besideThisFile = (file) => new URL(file, import.meta.url).href;

/**
 * Build the demo in `place` and open the first runtime that works.
 *
 * Sizes and labels are in demo.json, pixels of samples in samples.bin: bundle.mjs writes both. Each
 * prediction is announced by an event `digit-prediction` whose detail holds the pixels, the
 * probabilities, the runtime and the milliseconds.
 *
 * @param {HTMLElement} place may name other models: data-graph-model, data-tflite
 */
export async function mount(place) {
  const [json, pixels] = await Promise.all(
    ['demo.json', 'samples.bin'].map((file) => fetchFile(besideThisFile(file))));
  await addStyle();
  new Demo(place, JSON.parse(new TextDecoder().decode(json)), new Uint8Array(pixels));
}

function addStyle() {
  const href = besideThisFile('digit.css');
  if ([...document.styleSheets].some((sheet) => sheet.href === href)) return undefined;
  const link = element('link', { rel: 'stylesheet', href });
  return new Promise((resolve) => {
    link.onload = resolve;
    link.onerror = resolve; // it works without
    document.head.append(link);
  });
}

class Demo {
  #place;
  #text;
  #parts;
  #files;
  #about; // demo.json: the model, and samples for it
  #sizes;
  #truth; // the label of the sample on the paper
  #runtime; // the open one; undefined while none is
  #turn = Promise.resolve(); // runs one task after another, so that no two share a backend
  #latest = 0;

  constructor(place, about, pixels) {
    this.#place = place;
    this.#about = about;
    this.#sizes = { shape: about.shape, classes: about.labels.length };
    this.#text = textsFor(place);
    this.#files = {
      graphModel: besideThisFile(place.dataset.graphModel ?? about.graphModel),
      tflite: besideThisFile(place.dataset.tflite ?? about.tflite),
      wasmFolder: besideThisFile('./'),
    };
    this.#parts = build(this.#text, about);
    place.replaceChildren(...this.#parts.top);
    const { paper, clear, runtime, mistakes } = this.#parts;
    makeDrawable(paper, this.#parts.cursor, {
      drawn: () => {
        this.#truth = undefined;
        this.#predict();
      },
      clear: () => this.#clear(),
      say: (key) => this.#say(this.#text(key)),
    });
    clear.addEventListener('click', () => this.#clear());
    runtime.addEventListener('change', () => this.#open(runtime.value));
    this.#parts.measure.addEventListener('click', () => this.#measure());
    for (const name of MISTAKES) mistakes[name].addEventListener('change', () => this.#predict());
    this.#addSamples(pixels);
    this.#open(Object.keys(RUNTIMES).find((name) => !lacks(name)));
    paper.focus({ preventScroll: true });
  }

  /** Close the runtime that is open and open another one. */
  #open(name) {
    this.#parts.runtime.value = name;
    this.#say(this.#text('opening', { name: this.#text(name) }));
    this.#parts.error.replaceChildren();
    this.#queue(async () => {
      this.#close();
      const opened = await openRuntime(name, this.#files, this.#sizes);
      // The first run compiles; do it now and not under the reader's pen.
      await opened.predict(emptyPicture(this.#sizes));
      this.#runtime = { name, ...opened };
      this.#say(this.#text('ready', { name: this.#text(name) }));
      if (!isEmpty(this.#parts.paper)) this.#predict();
    });
  }

  #close() {
    this.#runtime?.close();
    this.#runtime = undefined;
  }

  /** Time every runtime on this machine, then open the chosen one again. */
  #measure() {
    const { measure, measured, runtime } = this.#parts;
    const chosen = runtime.value;
    const works = [...runtime.options].filter(({ disabled }) => !disabled);
    measure.disabled = true;
    measured.replaceChildren();
    for (const { value: name } of works) {
      this.#queue(async () => {
        this.#close();
        this.#say(this.#text('measuring', { name: this.#text(name) }));
        const times = await timed(name, this.#files, this.#sizes).catch(() => null);
        const text = times
          ? this.#text('measured', { name: this.#text(name), ...times })
          : this.#text('failed', { runtime: this.#text(name), reason: '–' });
        measured.append(element('li', {}, text));
      });
    }
    this.#queue(async () => {
      measure.disabled = false;
    });
    this.#open(chosen);
  }

  #queue(task) {
    this.#turn = this.#turn.then(task).catch((error) => this.#fail(error));
  }

  /** Prepare what is drawn, show it, and predict; only the latest drawing counts. */
  #predict() {
    const { paper, preview, mistakes } = this.#parts;
    const rgba = paper.getContext('2d').getImageData(0, 0, PAPER, PAPER).data;
    const steps = Object.fromEntries(MISTAKES.map((name) => [name, !mistakes[name].checked]));
    const pixels = prepare(rgba, PAPER, PAPER, this.#about.shape, steps);
    if (!pixels) {
      this.#say(this.#text('empty'));
      return;
    }
    showPixels(preview, pixels, steps.scale ? 255 : 1);
    this.#latest += 1;
    const mine = this.#latest;
    this.#queue(async () => {
      if (mine !== this.#latest || !this.#runtime) return;
      const start = performance.now();
      const probabilities = await this.#runtime.predict(pixels);
      this.#show(pixels, probabilities, performance.now() - start);
    });
  }

  #show(pixels, probabilities, milliseconds) {
    const { name } = this.#runtime;
    probabilities.forEach((value, i) => {
      const { bar, number, row } = this.#parts.rows[i];
      bar.style.setProperty('width', `${100 * value}%`);
      number.textContent = percent(value);
      row.classList.toggle('digit-top', value === Math.max(...probabilities));
    });
    const best = probabilities.indexOf(Math.max(...probabilities));
    const label = this.#about.labels[best];
    const known = label === this.#truth ? 'right' : 'wrong';
    const verdict = this.#truth === undefined ? 'result' : known;
    const values = { label, truth: this.#truth, percent: percent(probabilities[best]) };
    this.#say(this.#text(verdict, values));
    this.#parts.time.textContent = this.#text('time', {
      name: this.#text(name),
      time: milliseconds.toFixed(1),
    });
    const detail = { pixels, probabilities, runtime: name, milliseconds };
    this.#place.dispatchEvent(new CustomEvent('digit-prediction', { detail, bubbles: true }));
  }

  /** Say what is wrong, and offer a runtime that may still work. */
  #fail(error) {
    if (!(error instanceof ModelError)) console.warn(error);
    const name = this.#parts.runtime.value;
    const code = error instanceof ModelError ? error.code : 'failed';
    const detail = { reason: error.message, ...error.detail, runtime: this.#text(name) };
    if (detail.file) detail.file = detail.file.replaceAll(besideThisFile('./'), '');
    this.#close();
    const option = [...this.#parts.runtime.options].find(({ value }) => value === name);
    if (code === 'lost') option.disabled = true; // until the page is loaded again
    this.#say('');
    this.#parts.error.replaceChildren(this.#text(code, detail), ...this.#offers(name));
  }

  #offers(failed) {
    const works = [...this.#parts.runtime.options].filter(
      ({ value, disabled }) => !disabled && value !== failed);
    return works.map(({ value }) => {
      const button = element('button', { type: 'button' }, this.#text('instead', { name: this.#text(value) }));
      button.addEventListener('click', () => this.#open(value));
      return button;
    });
  }

  #say(text) {
    this.#parts.status.textContent = text;
  }

  #clear() {
    const { paper, preview, rows, time } = this.#parts;
    this.#latest += 1; // a prediction under way no longer counts
    this.#truth = undefined;
    wipe(paper);
    preview.getContext('2d').clearRect(0, 0, preview.width, preview.height);
    for (const { bar, number, row } of rows) {
      bar.style.setProperty('width', '0');
      number.textContent = '';
      row.classList.remove('digit-top');
    }
    time.textContent = '';
    this.#say(this.#text('empty'));
  }

  /** Offer the samples, and one of them in a corner, which is misread if it is not centered. */
  #addSamples(pixels) {
    const { shape: [rows, columns], samples, corner } = this.#about;
    const size = rows * columns;
    const canvases = samples.map((_, i) => {
      const canvas = element('canvas', { width: columns, height: rows });
      showPixels(canvas, pixels.subarray(i * size, (i + 1) * size).map((value) => 255 - value), 1);
      return canvas;
    });
    const button = (i, side, ...content) => {
      const made = element('button', { type: 'button' }, ...content);
      made.addEventListener('click', () => this.#pick(canvases[i], samples[i], side));
      return made;
    };
    samples.forEach((label, i) => {
      const picked = button(i, [PAPER, PAPER], canvases[i], ` ${label}`);
      picked.setAttribute('aria-label', this.#text('picked', { label }));
      this.#parts.digits.append(picked);
    });
    oneTabStop(this.#parts.digits);
    if (!corner) return;
    const text = this.#text('corner', { label: samples[corner.sample] });
    this.#parts.corner.append(button(corner.sample, corner.size, text));
  }

  #pick(canvas, label, [width, height]) {
    const { paper } = this.#parts;
    wipe(paper);
    const context = paper.getContext('2d');
    context.imageSmoothingEnabled = false;
    context.drawImage(canvas, 0, 0, width, height);
    this.#truth = label;
    this.#predict();
  }
}

const emptyPicture = ({ shape }) => new Float32Array(shape.reduce((a, b) => a * b));

/** Return the milliseconds until a runtime's first answer, and the median of the later ones. */
async function timed(name, files, sizes) {
  const start = performance.now();
  const opened = await openRuntime(name, files, sizes);
  const pixels = emptyPicture(sizes);
  await opened.predict(pixels);
  const first = performance.now() - start;
  const times = [];
  for (let i = 0; i < TIMED; i += 1) {
    const before = performance.now();
    await opened.predict(pixels);
    times.push(performance.now() - before);
  }
  opened.close();
  const median = times.sort((a, b) => a - b)[TIMED / 2];
  return { first: first.toFixed(0), median: median.toFixed(1) };
}

/** Make the elements; the texts that never change are in them. */
function build(text, { shape, labels }) {
  const paper = element('canvas', {
    width: PAPER, height: PAPER, tabindex: 0, role: 'application', class: 'digit-paper',
    'aria-label': text('draw'), 'aria-describedby': 'digit-keys',
  });
  wipe(paper);
  const cursor = element('span', { class: 'digit-cursor', 'aria-hidden': 'true', hidden: '' });
  const clear = element('button', { type: 'button' }, text('clear'));
  const preview = element('canvas', {
    width: shape[1], height: shape[0], class: 'digit-preview', role: 'img', 'aria-label': text('sees'),
  });
  const runtime = element('select', {}, ...Object.keys(RUNTIMES).map((name) => {
    const option = element('option', { value: name }, text(name));
    option.disabled = Boolean(lacks(name));
    if (option.disabled) option.textContent = text('absent', { name: text(name) });
    return option;
  }));
  const mistakes = Object.fromEntries(
    MISTAKES.map((name) => [name, element('input', { type: 'checkbox', name })]));
  const rows = labels.map((label) => {
    const bar = element('span', { class: 'digit-bar' });
    const number = element('span', { class: 'digit-number' });
    const track = element('span', { class: 'digit-track', 'aria-hidden': 'true' }, bar);
    return { bar, number, row: element('li', {}, element('b', {}, label), track, number) };
  });
  const status = element('p', { role: 'status', class: 'digit-status' });
  const error = element('p', { role: 'alert', class: 'digit-error' });
  const time = element('p', { class: 'digit-time' });
  const measure = element('button', { type: 'button' }, text('measure'));
  const measured = element('ul', { class: 'digit-measured' });
  const digits = element('div', { class: 'digit-digits', role: 'toolbar', 'aria-label': text('pick') });
  const corner = element('div');
  const top = [
    element('label', { class: 'digit-runtime' }, `${text('runtime')} `, runtime),
    error,
    element('div', { class: 'digit-columns' },
      element('div', {}, element('p', { 'aria-hidden': 'true' }, text('draw')),
        element('div', { class: 'digit-sheet' }, paper, cursor), clear, status,
        element('p', { 'aria-hidden': 'true' }, text('pick')), digits),
      element('div', { class: 'digit-seen' },
        element('p', { 'aria-hidden': 'true' }, text('sees')), preview, time),
      element('div', { class: 'digit-answer' }, element('p', {}, text('probabilities')),
        element('ol', { class: 'digit-rows', role: 'list' }, ...rows.map(({ row }) => row)))),
    element('p', { id: 'digit-keys', class: 'digit-keys' }, text('keys')),
    element('fieldset', {}, element('legend', {}, text('mistakes')),
      ...MISTAKES.map((name) => element('label', {}, mistakes[name], ` ${text(name)}`)),
      corner),
    measure,
    measured,
  ];
  return {
    top, paper, cursor, clear, preview, runtime, mistakes, rows, status, error, time, digits, corner,
    measure, measured,
  };
}

/** Make the buttons of a toolbar one stop for Tab; arrow keys lead from one to the next. */
function oneTabStop(toolbar) {
  const buttons = [...toolbar.children];
  const stop = (chosen) => buttons.forEach((button) => {
    button.tabIndex = button === chosen ? 0 : -1;
  });
  stop(buttons[0]);
  toolbar.addEventListener('keydown', (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    const next = buttons.at((buttons.indexOf(document.activeElement) + step) % buttons.length);
    stop(next);
    next.focus();
    event.preventDefault();
  });
}

/** Let mouse, pen, finger and keyboard draw on `paper`. */
function makeDrawable(paper, cursor, { drawn, clear, say }) {
  const context = paper.getContext('2d');
  let last = null; // where the pointer's line has come to
  const key = { x: PAPER / 2, y: PAPER / 2, down: false };

  const line = (from, to) => {
    Object.assign(context, { lineWidth: PEN, lineCap: 'round', strokeStyle: '#000' });
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(to.x, to.y);
    context.stroke();
  };
  const at = (event) => {
    const { left, top, width, height } = paper.getBoundingClientRect();
    return { x: (event.clientX - left) * (PAPER / width), y: (event.clientY - top) * (PAPER / height) };
  };

  paper.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    paper.setPointerCapture(event.pointerId);
    last = at(event);
    line(last, last); // a dot
  });
  paper.addEventListener('pointermove', (event) => {
    if (!last) return;
    for (const step of event.getCoalescedEvents?.() ?? [event]) {
      const next = at(step);
      line(last, next);
      last = next;
    }
  });
  for (const name of ['pointerup', 'pointercancel']) {
    paper.addEventListener(name, () => {
      if (last) drawn();
      last = null;
    });
  }

  paper.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key in ARROWS) {
      const [x, y] = ARROWS[event.key];
      const limit = (value) => Math.min(Math.max(value, 0), PAPER);
      const next = { x: limit(key.x + x * STEP), y: limit(key.y + y * STEP) };
      if (key.down) line(key, next);
      Object.assign(key, next);
    } else if (event.key === ' ') {
      key.down = !key.down;
      say(key.down ? 'penDown' : 'penUp');
      if (key.down) line(key, key);
      else drawn();
    } else if (event.key === 'Delete' || event.key === 'Backspace') {
      key.down = false;
      clear();
    } else return;
    event.preventDefault();
    cursor.hidden = false;
    cursor.classList.toggle('digit-down', key.down);
    cursor.style.setProperty('left', `${(100 * key.x) / PAPER}%`);
    cursor.style.setProperty('top', `${(100 * key.y) / PAPER}%`);
  });
  paper.addEventListener('blur', () => {
    cursor.hidden = true;
    if (key.down) drawn();
    key.down = false;
  });
}

function wipe(paper) {
  const context = paper.getContext('2d', { willReadFrequently: true });
  context.fillStyle = '#fff';
  context.fillRect(0, 0, PAPER, PAPER);
}

function isEmpty(paper) {
  const rgba = paper.getContext('2d').getImageData(0, 0, PAPER, PAPER).data;
  return rgba.every((value) => value === 255);
}

/** Draw values as gray; value · factor is 0 (black) to 255 (white). */
function showPixels(canvas, values, factor) {
  const image = new ImageData(canvas.width, canvas.height);
  values.forEach((value, i) => {
    image.data.fill(value * factor, 4 * i, 4 * i + 3);
    image.data[4 * i + 3] = 255;
  });
  canvas.getContext('2d').putImageData(image, 0, 0);
}

const percent = (value) => `${(100 * value).toFixed(1)}%`;

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}
