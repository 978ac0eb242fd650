/** The camera: frames painted one after the other, until it is stopped. */

import { shrunk, Told } from "./photo";

const SMOOTHING = 0.9;

export class Camera {
  /** Pixels that a painted frame is wide or high. */
  longest = 320;
  private readonly video = document.createElement("video");
  private readonly canvas = document.createElement("canvas");
  private stream: MediaStream | null = null;
  private taken = 0; // seconds of the camera's time

  constructor() {
    this.video.muted = true;
    this.video.playsInline = true;
  }

  get isOn(): boolean {
    return this.stream !== null;
  }

  /** Asks for the camera, and hands frame after frame to `paint`.
   *
   * @param paint shows a painted frame, and is awaited before the next.
   * @param onRate is told frames per second.
   */
  async run(
    paint: (frame: ImageData) => Promise<void>,
    onRate: (fps: number) => void,
  ): Promise<void> {
    await this.open();
    let seconds = 0;
    let last = performance.now();
    try {
      while (this.isOn) {
        await paint(this.frame());
        const now = performance.now();
        const took = (now - last) / 1000;
        seconds = seconds ? SMOOTHING * seconds + (1 - SMOOTHING) * took : took;
        last = now;
        if (this.isOn) onRate(1 / seconds);
        await this.next();
      }
    } finally {
      this.stop();
    }
  }

  private frame(): ImageData {
    const { videoWidth, videoHeight } = this.video;
    this.taken = this.video.currentTime;
    return shrunk(this.video, videoWidth, videoHeight, this.longest, this.canvas);
  }

  /** Waits until there is a frame that was not taken yet, and someone to see it. */
  private async next(): Promise<void> {
    while (this.isOn && (document.hidden || this.video.currentTime === this.taken)) {
      await new Promise(requestAnimationFrame);
    }
  }

  stop(): void {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
    this.video.srcObject = null;
  }

  private async open(): Promise<void> {
    if (!navigator.mediaDevices?.getUserMedia) {
      throw new Told("Browsers lend the camera only to pages that come over https.");
    }
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({
        video: { facingMode: "user", width: { ideal: 640 }, height: { ideal: 480 } },
      });
      this.stream.getVideoTracks()[0]!.onended = () => this.stop();
      this.video.srcObject = this.stream;
      await this.video.play();
    } catch (error) {
      this.stop();
      throw new Told(cause(error));
    }
  }
}

function cause(error: unknown): string {
  const name = error instanceof Error ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") {
    return "The camera was not allowed. Allow it in the settings of this page, and try again.";
  }
  if (name === "NotFoundError" || name === "OverconstrainedError") {
    return "There is no camera on this device.";
  }
  return "The camera cannot be used; another program may be using it.";
}
