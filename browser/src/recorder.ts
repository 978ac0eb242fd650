/** Films what a canvas shows. */

const KINDS = ["video/mp4", "video/webm"];
const RATE = 30; // frames per second at most

export class Recorder {
  private recorder: MediaRecorder | null = null;

  constructor(private readonly canvas: HTMLCanvasElement) {}

  get isPossible(): boolean {
    return this.kind !== undefined && "captureStream" in this.canvas;
  }

  private get kind(): string | undefined {
    if (typeof MediaRecorder === "undefined") return undefined;
    return KINDS.find((kind) => MediaRecorder.isTypeSupported(kind));
  }

  /** Begins; when it is stopped the film is handed over, with what its name ends in. */
  start(done: (film: Blob, suffix: string) => void): void {
    const kind = this.kind!;
    const parts: Blob[] = [];
    this.recorder = new MediaRecorder(this.canvas.captureStream(RATE), { mimeType: kind });
    this.recorder.ondataavailable = ({ data }) => parts.push(data);
    this.recorder.onstop = () => done(new Blob(parts, { type: kind }), kind.split("/")[1]!);
    this.recorder.start();
  }

  stop(): void {
    if (this.recorder?.state === "recording") this.recorder.stop();
    this.recorder = null;
  }
}
