/** From files to pixels. */

export const LONGEST = 1280; // pixels; more takes phones long, and more memory than they have
const SHORTEST = 8;
const MOST_BYTES = 200e6;

/** An error whose message is a sentence for the visitor. */
export class Told extends Error {}

/** The pixels of a picture file, upright, at most LONGEST on the long side. */
export async function readPhoto(file: Blob): Promise<ImageData> {
  if (file.size > MOST_BYTES) throw new Told("This file is too large. Choose a smaller picture.");
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    throw new Told(
      "This is not a picture that this browser can read, or it is too large. " +
        "Choose a JPEG, PNG or WebP file.",
    );
  }
  try {
    return shrunk(bitmap, bitmap.width, bitmap.height, LONGEST);
  } finally {
    bitmap.close();
  }
}

/** The pixels of something drawable, with its long side at most `longest`.
 *
 * @param canvas is drawn on; a film has one for all of its frames.
 */
export function shrunk(
  source: CanvasImageSource,
  width: number,
  height: number,
  longest: number,
  canvas = document.createElement("canvas"),
): ImageData {
  const scale = Math.min(1, longest / Math.max(width, height));
  const side = (length: number) => Math.max(1, Math.round(scale * length));
  if (Math.min(side(width), side(height)) < SHORTEST) {
    throw new Told("This picture is too narrow to be painted. Choose another.");
  }
  resize(canvas, side(width), side(height));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Told("There is not enough memory for this picture.");
  context.fillStyle = "white"; // what is transparent is seen on white
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

/** Gives a canvas a size; true if that was another. To give it the same would be as slow. */
export function resize(canvas: HTMLCanvasElement, width: number, height: number): boolean {
  if (canvas.width === width && canvas.height === height) return false;
  canvas.width = width;
  canvas.height = height;
  return true;
}

/** Offers a canvas or a recording as a file. */
export function download(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
