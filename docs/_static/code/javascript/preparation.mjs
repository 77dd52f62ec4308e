/**
 * Bring a drawing to what the model was trained on: light on dark, 0 to 1, the digit scaled into the
 * middle (20×20 of 28×28) and placed by its center of mass, as MNIST was made.
 */

export const PAPER = 280; // pixels of the square to draw on, whatever its size on the screen
const MIDDLE = 20 / 28; // of the picture's shorter side

/**
 * Prepare the pixels of a canvas.
 *
 * @param {Uint8ClampedArray} rgba 4·width·height bytes, a dark digit on light paper
 * @param {number} width in pixels
 * @param {number} height in pixels
 * @param {number[]} shape of the picture that the model takes: rows, columns
 * @param {{invert?: boolean, scale?: boolean, center?: boolean}} steps leave one out to see why it
 *   is there: invert (light on dark), scale (0..255 to 0..1), center (scale and place the digit)
 * @returns {Float32Array|null} the values row by row; null if nothing was drawn
 */
export function prepare(rgba, width, height, shape, { invert = true, scale = true, center = true } = {}) {
  const ink = inkOf(rgba);
  const box = boundingBox(ink, width, height);
  if (!box) return null;
  const [rows, columns] = shape;
  const picture = center
    ? placed(ink, width, box, rows, columns)
    : resampled(ink, width, { x: 0, y: 0, width, height }, columns, rows);
  return picture.map((value) => (invert ? value : 255 - value) / (scale ? 255 : 1));
}

/** Return the darkness of each pixel, 0 (paper) to 255, over white where it is transparent. */
function inkOf(rgba) {
  return Float32Array.from({ length: rgba.length / 4 }, (_, i) => {
    const [red, green, blue, alpha] = rgba.subarray(4 * i, 4 * i + 4);
    return (255 - (0.299 * red + 0.587 * green + 0.114 * blue)) * (alpha / 255);
  });
}

/** Return the smallest box that holds all ink, or null. */
function boundingBox(ink, width, height) {
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      if (ink[y * width + x] >= 1) {
        left = Math.min(left, x);
        right = Math.max(right, x);
        top = Math.min(top, y);
        bottom = y;
      }
    }
  }
  return right < 0 ? null : { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
}

/** Scale the ink in `box` into the middle and place it by its center of mass. */
function placed(ink, stride, box, rows, columns) {
  const middle = Math.round(MIDDLE * Math.min(rows, columns));
  const factor = middle / Math.max(box.width, box.height);
  const width = Math.max(1, Math.round(box.width * factor));
  const height = Math.max(1, Math.round(box.height * factor));
  const digit = resampled(ink, stride, box, width, height);
  const center = centerOfMass(digit, width);
  const left = offset(center.x, width, columns);
  const top = offset(center.y, height, rows);
  const picture = new Float32Array(rows * columns);
  for (let y = 0; y < height; y += 1) {
    picture.set(digit.subarray(y * width, (y + 1) * width), (top + y) * columns + left);
  }
  return picture;
}

/** Return where to begin, so that `center` comes to the middle of `side`, and `size` stays inside. */
function offset(center, size, side) {
  return Math.min(Math.max(Math.round(side / 2 - center), 0), side - size);
}

function centerOfMass(values, width) {
  let [sum, x, y] = [0, 0, 0];
  values.forEach((value, i) => {
    sum += value;
    x += value * (i % width);
    y += value * Math.floor(i / width);
  });
  return { x: x / sum, y: y / sum };
}

/** Resample `box` of an image to width × height; each value is the mean of the area it covers. */
function resampled(image, stride, box, width, height) {
  const columns = shares(box.x, box.width, width);
  const rows = shares(box.y, box.height, height);
  return Float32Array.from({ length: width * height }, (_, i) => {
    let sum = 0;
    for (const [y, rowShare] of rows[Math.floor(i / width)]) {
      for (const [x, share] of columns[i % width]) sum += image[y * stride + x] * share * rowShare;
    }
    return sum;
  });
}

/** For each of `count` equal parts of start..start+length: the pixels it covers and their shares. */
function shares(start, length, count) {
  const step = length / count;
  return Array.from({ length: count }, (_, i) => {
    const [from, to] = [start + i * step, start + (i + 1) * step];
    const covered = [];
    for (let x = Math.floor(from); x < to; x += 1) {
      const share = Math.min(to, x + 1) - Math.max(from, x);
      if (share > 0) covered.push([Math.min(x, start + length - 1), share / step]);
    }
    return covered;
  });
}
