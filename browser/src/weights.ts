/** Weights of styles, and their averages, which paint blends and strengths. */

import { contents, type Look, type Manifest } from "./gallery";

const PHOTO = ""; // no style has this name

export class Weights {
  private readonly files: Record<string, string> = {};
  private readonly loaded = new Map<string, Promise<Float32Array>>();

  constructor(manifest: Manifest) {
    for (const style of manifest.styles) this.files[style.name] = style.weights;
    if (manifest.photo) this.files[PHOTO] = manifest.photo;
  }

  /** The weights that paint a look, one after the other. */
  async of(look: Look): Promise<Float32Array> {
    const parts = Object.entries(look.shares).map(([name, share]): [string, number] => [
      name,
      share * look.strength,
    ]);
    if (look.strength !== 1) parts.push([PHOTO, 1 - look.strength]);
    const used = parts.filter(([, factor]) => factor !== 0);
    const arrays = await Promise.all(used.map(([name]) => this.load(name)));
    return weightedSum(arrays, used.map(([, factor]) => factor));
  }

  private load(name: string): Promise<Float32Array> {
    let weights = this.loaded.get(name);
    if (!weights) {
      weights = contents(this.files[name]!).then(floats);
      weights.catch(() => this.loaded.delete(name)); // the next attempt asks again
      this.loaded.set(name, weights);
    }
    return weights;
  }
}

export function weightedSum(arrays: Float32Array[], factors: number[]): Float32Array {
  if (arrays.length === 1 && factors[0] === 1) return arrays[0]!;
  const sum = new Float32Array(arrays[0]!.length);
  arrays.forEach((array, k) => {
    const factor = factors[k]!;
    for (let i = 0; i < sum.length; i++) sum[i]! += factor * array[i]!;
  });
  return sum;
}

/** Little-endian float16 as float32. */
export function floats(buffer: ArrayBuffer): Float32Array {
  const halves = new Uint16Array(buffer);
  const table = (halfTable ??= Float32Array.from({ length: 65536 }, (_, bits) => fromHalf(bits)));
  return Float32Array.from(halves, (bits) => table[bits]!);
}

let halfTable: Float32Array | undefined;

function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
