/** ONNX Runtime, by WebAssembly or WebGPU. */

import type { InferenceSession, Tensor } from "onnxruntime-web/wasm";
import wasmScript from "onnxruntime-web/ort-wasm-simd-threaded.mjs?url";
import wasmBinary from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";
import gpuScript from "onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url";
import gpuBinary from "onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url";
import type { Manifest } from "./gallery";

type Runtime = typeof import("onnxruntime-web/wasm");

/** RGB, a byte each. */
export interface Picture {
  data: Uint8Array;
  width: number;
  height: number;
}

/** Something that paints a picture with weights. */
export interface Backend {
  name: string;
  paint(picture: Picture, weights: Float32Array): Promise<Uint8Array>;
}

/** Enlarges a picture. */
export type Enlarge = (picture: Picture) => Promise<Picture>;

export async function wasmBackend(graph: ArrayBuffer, manifest: Manifest): Promise<Backend> {
  const { ort, session } = await wasmSession(graph);
  const threads = ort.env.wasm.numThreads!;
  const name = threads > 1 ? `WebAssembly, ${threads} threads` : "WebAssembly, one thread";
  return backend(name, ort, session, manifest);
}

/** A network that enlarges. */
export async function wasmEnlarge(graph: ArrayBuffer): Promise<Enlarge> {
  const { ort, session } = await wasmSession(graph);
  return async (picture) => {
    const { result } = await session.run({ image: imageTensor(ort, picture) });
    const [, height, width] = result!.dims as number[];
    return { data: result!.data as Uint8Array, width: width!, height: height! };
  };
}

async function wasmSession(
  graph: ArrayBuffer,
): Promise<{ ort: Runtime; session: InferenceSession }> {
  const ort = await import("onnxruntime-web/wasm");
  ort.env.wasm.numThreads = threadCount();
  ort.env.wasm.wasmPaths = { mjs: absolute(wasmScript), wasm: absolute(wasmBinary) };
  const session = await ort.InferenceSession.create(graph, { executionProviders: ["wasm"] });
  return { ort, session };
}

/** Threads share memory, which only an isolated page may. A core is left to the camera, the page and
 * other programs: the threads wait for each other after each operator. */
function threadCount(): number {
  if (!self.crossOriginIsolated) return 1;
  return Math.max(1, Math.min(4, (navigator.hardwareConcurrency || 1) - 1));
}

/** Null where there is no GPU that a page may use. */
export async function gpuBackend(
  graph: () => Promise<ArrayBuffer>,
  manifest: Manifest,
): Promise<Backend | null> {
  if (!(await hasGpu())) return null;
  const ort = (await import("onnxruntime-web/webgpu")) as unknown as Runtime;
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = { mjs: absolute(gpuScript), wasm: absolute(gpuBinary) };
  const options = { executionProviders: ["webgpu"] };
  const session = await ort.InferenceSession.create(await graph(), options);
  return backend("WebGPU", ort, session, manifest);
}

interface Gpu {
  requestAdapter(): Promise<{ info?: { isFallbackAdapter?: boolean } } | null>;
}

async function hasGpu(): Promise<boolean> {
  const gpu = (navigator as { gpu?: Gpu }).gpu;
  const adapter = await gpu?.requestAdapter().catch(() => null);
  return !!adapter && !adapter.info?.isFallbackAdapter;
}

function absolute(url: string): string {
  return new URL(url, self.location.href).href;
}

function backend(
  name: string,
  ort: Runtime,
  session: InferenceSession,
  manifest: Manifest,
): Backend {
  let latest: Float32Array | undefined;
  let feeds: Record<string, Tensor> = {};
  const paint = async (picture: Picture, weights: Float32Array) => {
    if (weights !== latest) feeds = tensors(ort, weights, manifest);
    latest = weights;
    const { result } = await session.run({ ...feeds, image: imageTensor(ort, picture) });
    return result!.data as Uint8Array;
  };
  let before: Promise<unknown> = Promise.resolve();
  return {
    name,
    // One after the other: two at once never end on a GPU.
    paint(picture, weights) {
      const painting = before.then(() => paint(picture, weights));
      before = painting.catch(() => undefined);
      return painting;
    },
  };
}

function imageTensor(ort: Runtime, { data, width, height }: Picture): Tensor {
  return new ort.Tensor("uint8", data, [1, height, width, 3]);
}

/** The weights as the graph takes them, one tensor for each array of the network. */
function tensors(
  ort: Runtime,
  weights: Float32Array,
  manifest: Manifest,
): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {};
  let start = 0;
  for (const { name, shape } of manifest.inputs) {
    const end = start + shape.reduce((product, side) => product * side, 1);
    feeds[name] = new ort.Tensor("float32", weights.subarray(start, end), shape);
    start = end;
  }
  return feeds;
}
