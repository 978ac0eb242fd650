/** Paints beside the page, which stays responsive. */

import { type Backend, gpuBackend, type Picture, wasmBackend } from "./backends";
import { fetched, loadManifest, type Look, type Manifest } from "./gallery";
import { Weights } from "./weights";

export type Request = { id: number; pixels: ImageData; look: Look };

export type Reply =
  | { kind: "backend"; name: string }
  | { kind: "broken"; reason: string }
  | { kind: "painted"; id: number; pixels: ImageData; seconds: number }
  | { kind: "failed"; id: number; reason: string };

const ROUNDS = 3; // of which the fastest counts
const MEASURED = { width: 320, height: 240 };
const ALLOWED = 2; // of 255, between a painting here and by jaxnst

const ready = start();
ready.catch((error) => send({ kind: "broken", reason: String(error) }));

self.onmessage = async ({ data: { id, pixels, look } }: MessageEvent<Request>) => {
  try {
    const painter = await ready;
    const begin = performance.now();
    const weights = await painter.weights.of(look);
    const painted = await painter.backend.paint(withoutAlpha(pixels), weights);
    const result = withAlpha(painted, pixels);
    send({ kind: "painted", id, pixels: result, seconds: (performance.now() - begin) / 1000 });
  } catch (error) {
    send({ kind: "failed", id, reason: String(error) });
  }
};

function send(reply: Reply): void {
  const moved = reply.kind === "painted" ? [reply.pixels.data.buffer] : [];
  self.postMessage(reply, { transfer: moved });
}

interface Painter {
  backend: Backend;
  weights: Weights;
}

async function start(): Promise<Painter> {
  const manifest = await loadManifest();
  const graph = await (await fetched(manifest.graph)).arrayBuffer();
  const weights = new Weights(manifest);
  const painter = { backend: await wasmBackend(graph, manifest), weights };
  send({ kind: "backend", name: painter.backend.name });
  // The first paintings do not wait for it.
  setTimeout(() => tryGpu(painter, graph, manifest), 1500);
  return painter;
}

/** Changes to the GPU where it paints right and faster. */
async function tryGpu(painter: Painter, graph: ArrayBuffer, manifest: Manifest): Promise<void> {
  try {
    const gpu = await gpuBackend(graph, manifest);
    if (!gpu) return;
    const { style } = manifest.check;
    const weights = await painter.weights.of({ shares: { [style]: 1 }, strength: 1 });
    if ((await largestError(gpu, weights, manifest)) > ALLOWED) return;
    if ((await measured(gpu, weights)) > (await measured(painter.backend, weights))) return;
    painter.backend = gpu;
    send({ kind: "backend", name: gpu.name });
  } catch (error) {
    console.info("WebGPU is not used:", error);
  }
}

async function largestError(
  backend: Backend,
  weights: Float32Array,
  { check }: Manifest,
): Promise<number> {
  const bytes = new Uint8Array(await (await fetched(check.file)).arrayBuffer());
  const middle = bytes.length / 2;
  const photo = { data: bytes.slice(0, middle), width: check.width, height: check.height };
  const painting = await backend.paint(photo, weights);
  return painting.reduce((most, x, i) => Math.max(most, Math.abs(x - bytes[middle + i]!)), 0);
}

async function measured(backend: Backend, weights: Float32Array): Promise<number> {
  const size = 3 * MEASURED.width * MEASURED.height;
  const picture = { ...MEASURED, data: Uint8Array.from({ length: size }, (_, i) => (i * 31) % 251) };
  await backend.paint(picture, weights);
  let fastest = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const begin = performance.now();
    await backend.paint(picture, weights);
    fastest = Math.min(fastest, performance.now() - begin);
  }
  return fastest;
}

function withoutAlpha({ data, width, height }: ImageData): Picture {
  const rgb = new Uint8Array(3 * width * height);
  for (let from = 0, to = 0; from < data.length; from += 4) {
    rgb[to++] = data[from]!;
    rgb[to++] = data[from + 1]!;
    rgb[to++] = data[from + 2]!;
  }
  return { data: rgb, width, height };
}

function withAlpha(rgb: Uint8Array, { width, height }: ImageData): ImageData {
  const image = new ImageData(width, height);
  for (let from = 0, to = 0; from < rgb.length; to += 4) {
    image.data[to] = rgb[from++]!;
    image.data[to + 1] = rgb[from++]!;
    image.data[to + 2] = rgb[from++]!;
    image.data[to + 3] = 255;
  }
  return image;
}
