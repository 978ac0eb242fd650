/** Between what a canvas has and what a network takes. */

import type { Picture } from "./backends";

/** A part of a picture, in pixels. */
export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** The colors of a picture, or of a part that lies in it. */
export function withoutAlpha(pixels: ImageData, box: Box = whole(pixels)): Picture {
  const { left, top, width, height } = box;
  const rgb = new Uint8Array(3 * width * height);
  let to = 0;
  for (let y = top; y < top + height; y++) {
    const row = 4 * (y * pixels.width + left);
    for (let from = row; from < row + 4 * width; from += 4) {
      rgb[to++] = pixels.data[from]!;
      rgb[to++] = pixels.data[from + 1]!;
      rgb[to++] = pixels.data[from + 2]!;
    }
  }
  return { data: rgb, width, height };
}

export function withAlpha(rgb: Uint8Array, { width, height }: ImageData): ImageData {
  const image = new ImageData(width, height);
  put(image, { data: rgb, width, height }, whole(image), 0, 0);
  return image;
}

/** Fills a part of an image by what a picture has from a position on. */
export function put(image: ImageData, picture: Picture, box: Box, left: number, top: number): void {
  for (let y = 0; y < box.height; y++) {
    let from = 3 * ((top + y) * picture.width + left);
    let to = 4 * ((box.top + y) * image.width + box.left);
    for (const end = to + 4 * box.width; to < end; to += 4) {
      image.data[to] = picture.data[from++]!;
      image.data[to + 1] = picture.data[from++]!;
      image.data[to + 2] = picture.data[from++]!;
      image.data[to + 3] = 255;
    }
  }
}

function whole({ width, height }: ImageData): Box {
  return { left: 0, top: 0, width, height };
}
