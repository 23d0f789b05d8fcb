import pixelmatch from "pixelmatch";
import { PNG } from "pngjs";

/** How far apart two colours may be and yet count as one, from 0 to 1: what antialiasing moves is less. */
const THRESHOLD = 0.01;

/**
 * A picture at a part of its size: each pixel is the mean of `by` × `by` of them.
 *
 * @param {Buffer} png
 * @param {number} by
 * @returns {Buffer}
 */
export function shrunk(png, by) {
  const from = PNG.sync.read(png);
  const to = new PNG({ width: Math.floor(from.width / by), height: Math.floor(from.height / by) });
  for (let y = 0; y < to.height; y++)
    for (let x = 0; x < to.width; x++)
      for (let channel = 0; channel < 4; channel++) {
        let sum = 0;
        for (let i = 0; i < by * by; i++) {
          const [row, column] = [y * by + Math.floor(i / by), x * by + (i % by)];
          sum += from.data[(row * from.width + column) * 4 + channel];
        }
        to.data[(y * to.width + x) * 4 + channel] = Math.round(sum / (by * by));
      }
  return PNG.sync.write(to, { colorType: 2, deflateLevel: 9 });
}

/**
 * How many pixels of two pictures differ, and a picture of where. Those that one of them alone has differ, too.
 *
 * @param {Buffer} one
 * @param {Buffer} other
 * @returns {{ pixels: number, picture: Buffer }}
 */
export function compare(one, other) {
  const pictures = [one, other].map((png) => PNG.sync.read(png));
  const [width, height] = ["width", "height"].map((side) => Math.max(...pictures.map((png) => png[side])));
  const [before, after] = pictures.map((png) => {
    const whole = new PNG({ width, height });
    PNG.bitblt(png, whole, 0, 0, png.width, png.height, 0, 0);
    return whole.data;
  });
  const where = new PNG({ width, height });
  const pixels = pixelmatch(before, after, where.data, width, height, { threshold: THRESHOLD });
  const [area, otherArea] = pictures.map((png) => png.width * png.height);
  return { pixels: pixels + Math.abs(area - otherArea), picture: PNG.sync.write(where) };
}
