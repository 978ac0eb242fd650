/** Enlarges paintings tile by tile, so that memory does not grow with them. */

import { type Enlarge, wasmEnlarge } from "./backends";
import { contents, type Manifest } from "./gallery";
import { type Box, put, withoutAlpha } from "./pixels";

const TILE = 160; // pixels a side, before

type Upscaler = NonNullable<Manifest["upscalers"]>[number];

export class Enlarger {
  private readonly loaded = new Map<number, Promise<Enlarge>>();

  constructor(private readonly manifest: Manifest) {}

  /** A picture `scale` times as wide and high, or null if `goesOn` says no after a tile.
   *
   * @param goesOn is told the part that is done.
   */
  async enlarge(
    pixels: ImageData,
    scale: number,
    goesOn: (part: number) => Promise<boolean>,
  ): Promise<ImageData | null> {
    const upscaler = this.manifest.upscalers!.find((one) => one.scale === scale)!;
    const run = await this.load(upscaler);
    const result = new ImageData(scale * pixels.width, scale * pixels.height);
    const all = tiles(pixels);
    for (const [done, tile] of all.entries()) {
      const window = around(tile, upscaler.reach, pixels);
      const enlarged = await run(withoutAlpha(pixels, window));
      const [left, top] = [tile.left - window.left, tile.top - window.top];
      put(result, enlarged, times(scale, tile), scale * left, scale * top);
      if (!(await goesOn((done + 1) / all.length))) return null;
    }
    return result;
  }

  private load({ scale, graph }: Upscaler): Promise<Enlarge> {
    let enlarge = this.loaded.get(scale);
    if (!enlarge) {
      enlarge = contents(graph).then(wasmEnlarge);
      enlarge.catch(() => this.loaded.delete(scale)); // the next attempt asks again
      this.loaded.set(scale, enlarge);
    }
    return enlarge;
  }
}

function tiles({ width, height }: ImageData): Box[] {
  const found: Box[] = [];
  for (let top = 0; top < height; top += TILE) {
    for (let left = 0; left < width; left += TILE) {
      const [right, bottom] = [Math.min(width, left + TILE), Math.min(height, top + TILE)];
      found.push({ left, top, width: right - left, height: bottom - top });
    }
  }
  return found;
}

/** A tile with what is around it, as far as the picture goes: the network continues its edge. */
function around(tile: Box, reach: number, { width, height }: ImageData): Box {
  const [left, top] = [Math.max(0, tile.left - reach), Math.max(0, tile.top - reach)];
  const right = Math.min(width, tile.left + tile.width + reach);
  const bottom = Math.min(height, tile.top + tile.height + reach);
  return { left, top, width: right - left, height: bottom - top };
}

function times(scale: number, { left, top, width, height }: Box): Box {
  return { left: scale * left, top: scale * top, width: scale * width, height: scale * height };
}
