/** The page's side of the worker. */

import type { Look } from "./gallery";
import type { Reply, Request } from "./worker";

export interface Painting {
  pixels: ImageData;
  seconds: number;
}

interface Waiting {
  resolve(painting: Painting): void;
  reject(error: Error): void;
}

export class Painter {
  private readonly worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  private readonly waiting = new Map<number, Waiting>();
  private count = 0;
  private broken: Error | null = null;

  /** Tells what paints once it is known, and again if it changes; or that nothing does. */
  constructor(onBackend: (name: string) => void, onBroken: (reason: string) => void) {
    const broken = (reason: string) => {
      this.broken = new Error(reason);
      for (const { reject } of this.waiting.values()) reject(this.broken);
      this.waiting.clear();
      onBroken(reason);
    };
    this.worker.onerror = (event) => broken(event.message || "the worker did not start");
    this.worker.onmessage = ({ data }: MessageEvent<Reply>) => {
      if (data.kind === "backend") onBackend(data.name);
      else if (data.kind === "broken") broken(data.reason);
      else this.settle(data);
    };
  }

  paint(pixels: ImageData, look: Look): Promise<Painting> {
    if (this.broken) return Promise.reject(this.broken);
    const id = this.count++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      const request: Request = { id, pixels, look };
      this.worker.postMessage(request);
    });
  }

  private settle(reply: Extract<Reply, { id: number }>): void {
    const waiting = this.waiting.get(reply.id);
    this.waiting.delete(reply.id);
    if (reply.kind === "painted") waiting?.resolve(reply);
    else waiting?.reject(new Error(reply.reason));
  }
}
