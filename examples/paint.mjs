// Paints a photo, or enlarges it, by a file of `jaxnst export`: node paint.mjs FILE.onnx IN.ppm OUT.ppm
// Pictures are binary PPM, which needs no package: `magick photo.jpg -depth 8 photo.ppm` makes one.

import { readFile, writeFile } from "node:fs/promises";
import * as ort from "onnxruntime-web";

const [network, photo, result] = process.argv.slice(2);
if (!result) {
  console.error("usage: node paint.mjs FILE.onnx IN.ppm OUT.ppm");
  process.exit(2);
}

ort.env.wasm.numThreads = 1;
const session = await ort.InferenceSession.create(await readFile(network));
const { pixels, width, height } = fromPpm(await readFile(photo));
const image = new ort.Tensor("uint8", pixels, [1, height, width, 3]);
const { result: picture } = await session.run({ image });
await writeFile(result, toPpm(picture));

/** A file "P6 WIDTH HEIGHT 255" and then RGB, a byte each. */
function fromPpm(file) {
  const header = /^P6\s+(?:#.*\n)*(\d+)\s+(\d+)\s+255\s/.exec(file.toString("latin1", 0, 512));
  if (!header) throw new Error(`${photo}: is no binary PPM file of 8 bits`);
  const [width, height] = header.slice(1).map(Number);
  const start = header[0].length;
  const pixels = new Uint8Array(file.subarray(start, start + 3 * width * height));
  return { pixels, width, height };
}

function toPpm({ data, dims: [, height, width] }) {
  return Buffer.concat([Buffer.from(`P6\n${width} ${height}\n255\n`), data]);
}
