/** Paints beside the page, which stays responsive. */

import { type Backend, gpuBackend, wasmBackend } from "./backends";
import { Enlarger } from "./enlarger";
import { contents, loadManifest, type Look, type Manifest } from "./gallery";
import { withAlpha, withoutAlpha } from "./pixels";
import { Weights } from "./weights";

/** To paint, or to enlarge so many times. */
export type Request = { id: number; pixels: ImageData } & ({ look: Look } | { scale: number });

export type Reply =
  | { kind: "backend"; name: string }
  | { kind: "broken"; reason: string }
  | { kind: "progress"; id: number; part: number }
  | { kind: "done"; id: number; pixels: ImageData; seconds: number }
  | { kind: "left"; id: number }
  | { kind: "failed"; id: number; reason: string };

const ROUNDS = 3; // of which the fastest counts
const MEASURED = { width: 320, height: 240 };
const ALLOWED = 2; // of 255, between a painting here and by jaxnst

const ready = start();
ready.catch((error) => send({ kind: "broken", reason: String(error) }));

let latest = -1;

self.onmessage = async ({ data }: MessageEvent<Request>) => {
  const { id } = data;
  latest = id;
  try {
    const painter = await ready;
    const begin = performance.now();
    const pixels = await ("look" in data ? paint(painter, data) : enlarge(painter, data));
    const seconds = (performance.now() - begin) / 1000;
    send(pixels ? { kind: "done", id, pixels, seconds } : { kind: "left", id });
  } catch (error) {
    send({ kind: "failed", id, reason: String(error) });
  }
};

async function paint(
  { weights, backend }: Painter,
  { pixels, look }: { pixels: ImageData; look: Look },
): Promise<ImageData> {
  const painting = await backend.paint(withoutAlpha(pixels), await weights.of(look));
  return withAlpha(painting, pixels);
}

/** Null if something else is asked for meanwhile: it takes long. */
function enlarge(
  { enlarger }: Painter,
  { id, pixels, scale }: { id: number; pixels: ImageData; scale: number },
): Promise<ImageData | null> {
  return enlarger.enlarge(pixels, scale, async (part) => {
    send({ kind: "progress", id, part });
    await new Promise((resolve) => setTimeout(resolve)); // requests come in here
    return latest === id;
  });
}

function send(reply: Reply): void {
  const moved = reply.kind === "done" ? [reply.pixels.data.buffer] : [];
  self.postMessage(reply, { transfer: moved });
}

interface Painter {
  backend: Backend;
  weights: Weights;
  enlarger: Enlarger;
}

async function start(): Promise<Painter> {
  const manifest = await loadManifest();
  const graph = await contents(manifest.cpu_graph ?? manifest.graph);
  const painter = {
    backend: await wasmBackend(graph, manifest),
    weights: new Weights(manifest),
    enlarger: new Enlarger(manifest),
  };
  send({ kind: "backend", name: painter.backend.name });
  // The first paintings do not wait for it.
  setTimeout(() => tryGpu(painter, manifest), 1500);
  return painter;
}

/** Changes to the GPU where it paints right and faster. */
async function tryGpu(painter: Painter, manifest: Manifest): Promise<void> {
  try {
    const gpu = await gpuBackend(() => contents(manifest.graph), manifest);
    if (!gpu) return;
    const { style } = manifest.check;
    const weights = await painter.weights.of({ shares: { [style]: 1 }, strength: 1 });
    const error = await largestError(gpu, weights, manifest);
    if (error > ALLOWED) throw new Error(`its painting is ${error} of 255 from the right one`);
    const limit = await measured(painter.backend, weights);
    const took = await measured(gpu, weights, limit);
    if (took > limit) throw new Error(`it takes ${took} ms, WebAssembly ${limit} ms`);
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
  const bytes = new Uint8Array(await contents(check.file));
  const middle = bytes.length / 2;
  const photo = { data: bytes.slice(0, middle), width: check.width, height: check.height };
  const painting = await backend.paint(photo, weights);
  return painting.reduce((most, x, i) => Math.max(most, Math.abs(x - bytes[middle + i]!)), 0);
}

/** Milliseconds of the fastest of a few paintings; not all are made if one takes far too long. */
async function measured(
  backend: Backend,
  weights: Float32Array,
  limit = Infinity,
): Promise<number> {
  const size = 3 * MEASURED.width * MEASURED.height;
  const picture = { ...MEASURED, data: Uint8Array.from({ length: size }, (_, i) => (i * 31) % 251) };
  await backend.paint(picture, weights);
  let fastest = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const begin = performance.now();
    await backend.paint(picture, weights);
    fastest = Math.min(fastest, performance.now() - begin);
    if (fastest > 2 * limit) break;
  }
  return fastest;
}
