/** The page's side of the worker. */

import type { Look } from "./gallery";
import type { Reply, Request } from "./worker";

export interface Painting {
  pixels: ImageData;
  seconds: number;
}

interface Waiting {
  resolve(painting: Painting | null): void;
  reject(error: Error): void;
  onProgress(part: number): void;
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
      else if (data.kind === "progress") this.waiting.get(data.id)?.onProgress(data.part);
      else this.settle(data);
    };
  }

  async paint(pixels: ImageData, look: Look): Promise<Painting> {
    return (await this.ask({ pixels, look }))!;
  }

  /** Null if something else was asked for meanwhile. */
  enlarge(
    pixels: ImageData,
    scale: number,
    onProgress: (part: number) => void,
  ): Promise<Painting | null> {
    return this.ask({ pixels, scale }, onProgress);
  }

  private ask(
    what: { pixels: ImageData } & ({ look: Look } | { scale: number }),
    onProgress: (part: number) => void = () => undefined,
  ): Promise<Painting | null> {
    if (this.broken) return Promise.reject(this.broken);
    const id = this.count++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject, onProgress });
      const request: Request = { id, ...what };
      this.worker.postMessage(request);
    });
  }

  private settle(reply: Extract<Reply, { kind: "done" | "left" | "failed" }>): void {
    const waiting = this.waiting.get(reply.id);
    this.waiting.delete(reply.id);
    if (reply.kind === "failed") waiting?.reject(new Error(reply.reason));
    else waiting?.resolve(reply.kind === "done" ? reply : null);
  }
}
