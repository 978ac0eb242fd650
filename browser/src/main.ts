/** The page: what is clicked, and what is shown. */

import "./style.css";
import sample from "../../jaxnst/assets/photos/rocket.jpg?url";
import { Camera } from "./camera";
import { loadManifest, MODELS, type Look, type Manifest, type Style } from "./gallery";
import { Painter } from "./painter";
import { Recorder } from "./recorder";
import { download, readPhoto, resize, Told } from "./photo";

function element<T extends HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

const canvas = element<HTMLCanvasElement>("canvas");
const status = element<HTMLOutputElement>("status");
const message = element("message");
const file = element<HTMLInputElement>("file");
const buttons = {
  choose: element<HTMLButtonElement>("choose"),
  camera: element<HTMLButtonElement>("camera"),
  record: element<HTMLButtonElement>("record"),
  compare: element<HTMLButtonElement>("compare"),
  save: element<HTMLButtonElement>("save"),
};
const strength = element<HTMLInputElement>("strength");
const second = element<HTMLSelectElement>("second");
const share = element<HTMLInputElement>("share");
const size = element<HTMLSelectElement>("size");

const camera = new Camera();
const recorder = new Recorder(canvas);
const painter = new Painter(
  (name) => {
    element("backend").textContent = name;
    camera.longest = name === "WebGPU" ? 640 : 320;
  },
  tell,
);
let photo: ImageData | null = null;
let painting: ImageData | null = null;
let enlarged: ImageData | null = null;
const styles = new Map<string, Style>();
let name = "photo";

/** Shows an error as a sentence. */
function tell(error: unknown): void {
  console.info(error);
  message.textContent = error instanceof Told ? error.message : sentence(String(error));
  message.hidden = false;
  status.textContent = "";
}

function sentence(reason: string): string {
  if (/fetch|load|\b[45]\d\d\b/i.test(reason)) {
    return "A part of this page could not be loaded. Check the network, and reload the page.";
  }
  if (/wasm|WebAssembly/i.test(reason)) {
    return (
      "This browser does not let the page run WebAssembly, which it paints with. " +
      "Allow it, or take another browser."
    );
  }
  return `This did not work (${reason}).`;
}

/* What to paint */

function chosen(): string {
  return document.querySelector<HTMLInputElement>("input[name=style]:checked")!.value;
}

function look(): Look {
  const of2 = second.value && second.value !== chosen() ? Number(share.value) / 100 : 0;
  const shares = { [chosen()]: 1 - of2, ...(of2 ? { [second.value]: of2 } : {}) };
  return { shares, strength: Number(strength.value) / 100 };
}

function show(pixels: ImageData): void {
  const { width, height } = pixels;
  if (resize(canvas, width, height)) canvas.style.setProperty("--ratio", String(width / height));
  canvas.getContext("2d")!.putImageData(pixels, 0, 0);
}

async function paint(pixels: ImageData): Promise<number> {
  size.value = "1"; // what is new is not enlarged yet
  enlarged = null;
  const painted = await painter.paint(pixels, look());
  painting = painted.pixels;
  if (buttons.compare.ariaPressed !== "true") show(painting);
  buttons.save.disabled = false;
  size.disabled = camera.isOn;
  if (size.value !== "1") void enlarge(); // chosen meanwhile
  return painted.seconds;
}

let wanted = false;
let isPainting = false;

/** Paints the photo as the controls are when the turn comes: of many changes the last counts. */
async function repaint(): Promise<void> {
  wanted = true;
  if (isPainting || camera.isOn) return;
  isPainting = true;
  try {
    while (wanted && photo && !camera.isOn) {
      wanted = false;
      canvas.classList.toggle("waits", painting === null);
      if (painting === null) show(photo);
      const seconds = await paint(photo);
      message.hidden = true;
      status.textContent = `Painted in ${seconds.toFixed(2)} s, ${photo.width} × ${photo.height}`;
    }
  } catch (error) {
    if (message.hidden) tell(error);
  } finally {
    canvas.classList.remove("waits");
    isPainting = false;
  }
}

/** Enlarges the painting as often as is chosen, unless something else is chosen meanwhile. */
async function enlarge(): Promise<void> {
  const [from, scale] = [painting, Number(size.value)];
  enlarged = null;
  compare(false);
  message.hidden = true;
  status.textContent = "";
  if (!from || scale === 1) return;
  const isWanted = () => painting === from && Number(size.value) === scale;
  const tellPart = (part: number) => {
    if (isWanted()) status.textContent = `Enlarging … ${Math.round(100 * part)} %`;
  };
  tellPart(0);
  try {
    const result = await painter.enlarge(from, scale, tellPart);
    if (!result || !isWanted()) return;
    const { pixels, seconds } = result;
    enlarged = pixels;
    compare(false);
    checkShown();
    status.textContent = `Enlarged in ${seconds.toFixed(2)} s, ${pixels.width} × ${pixels.height}`;
  } catch (error) {
    if (!isWanted()) return;
    enlarged = null;
    size.value = "1";
    compare(false);
    tell(error);
  }
}

/** Throws if the canvas has stayed empty, as those of phones do beyond 16 megapixels. */
function checkShown(): void {
  const [, , , alpha] = canvas.getContext("2d")!.getImageData(0, 0, 1, 1).data;
  if (!alpha) throw new Told("This device cannot show so large a picture. Choose a smaller size.");
}

async function take(blob: Blob, called: string): Promise<void> {
  camera.stop();
  try {
    photo = await readPhoto(blob);
  } catch (error) {
    tell(error);
    return;
  }
  message.hidden = true;
  name = called.replace(/\.[^.]*$/, "") || "photo";
  painting = null;
  size.disabled = true;
  await repaint();
}

/* The controls */

function addStyles(manifest: Manifest): void {
  for (const style of manifest.styles) styles.set(style.name, style);
  const options = manifest.styles.map((style) => new Option(style.title, style.name));
  second.append(...options);
  element("styles").append(...manifest.styles.map(thumbnail));
  document.querySelector<HTMLInputElement>("input[name=style]")!.checked = true;
  element("strength-row").hidden = !manifest.photo;
  const scales = manifest.upscalers?.map(({ scale }) => scale) ?? [];
  size.append(...scales.map((scale) => new Option(`Size ×${scale}`, String(scale))));
  size.hidden = !scales.length;
  showValues();
}

function thumbnail(style: Style): HTMLLabelElement {
  const label = document.createElement("label");
  label.className = "style";
  const radio = Object.assign(document.createElement("input"), {
    type: "radio",
    name: "style",
    value: style.name,
  });
  const image = Object.assign(new Image(256, 256), {
    src: new URL(style.thumbnail, MODELS).href,
    alt: "",
  });
  label.append(radio, image, text("span", style.title));
  return label;
}

function text(tag: string, content: string): HTMLElement {
  return Object.assign(document.createElement(tag), { textContent: content });
}

/** What stands on the label: a style, its artist and year; or two styles. */
function caption(style: Style, other?: Style): (HTMLElement | string)[] {
  if (other) return [text("b", style.title), " with ", text("b", other.title)];
  const made = [style.artist, style.year].filter(Boolean).join(", ");
  return [text("b", style.title), made && ` ${made}`];
}

/** Says which style it is, and what the controls are at. */
function showValues(): void {
  const [style, other] = Object.keys(look().shares).map((name) => styles.get(name)!);
  element("caption").replaceChildren(...caption(style!, other));
  element("strength-value").textContent = `${strength.value} %`;
  element("share-value").textContent = `${share.value} %`;
  element("share-row").hidden = !second.value;
}

element("panel").addEventListener("input", () => {
  showValues();
  compare(false);
  void repaint();
});

function compare(on: boolean): void {
  buttons.compare.ariaPressed = String(on);
  const shown = on ? photo : (enlarged ?? painting);
  if (shown && !camera.isOn) show(shown);
}

buttons.compare.onclick = () => compare(buttons.compare.ariaPressed !== "true");
buttons.choose.onclick = () => file.click();
file.onchange = () => {
  const [chosenFile] = file.files ?? [];
  if (chosenFile) void take(chosenFile, chosenFile.name);
  file.value = "";
};
size.onchange = () => void enlarge();
buttons.save.onclick = () => {
  compare(false);
  const scale = enlarged ? `_x${size.value}` : "";
  const called = `${name}_${chosen()}${scale}.png`;
  canvas.toBlob((blob) => {
    if (blob) download(blob, called);
    else tell(new Told("There is not enough memory to save this. Choose a smaller size."));
  });
};
buttons.camera.onclick = async () => {
  if (camera.isOn) return camera.stop();
  message.hidden = true;
  compare(false);
  buttons.camera.disabled = true;
  try {
    await camera.run(
      async (frame) => {
        photo = frame;
        name = "camera";
        showCamera(true);
        await paint(frame);
      },
      (fps) => (status.textContent = `${fps.toFixed(1)} frames per second`),
    );
  } catch (error) {
    tell(error);
  } finally {
    record(false);
    showCamera(false);
  }
};

function showCamera(on: boolean): void {
  buttons.camera.disabled = false;
  buttons.camera.ariaPressed = String(on);
  buttons.camera.textContent = on ? "Stop" : "Camera";
  buttons.compare.disabled = on;
  size.disabled = on || !painting;
  buttons.record.hidden = !on || !recorder.isPossible;
}

function record(on: boolean): void {
  if (on) recorder.start((film, suffix) => download(film, `${chosen()}.${suffix}`));
  else recorder.stop();
  buttons.record.ariaPressed = String(on);
  buttons.record.textContent = on ? "Stop recording" : "Record";
}

buttons.record.onclick = () => record(buttons.record.ariaPressed !== "true");

addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dragging");
});
addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.body.classList.remove("dragging");
});
addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dragging");
  const [dropped] = event.dataTransfer?.files ?? [];
  if (dropped) void take(dropped, dropped.name);
});
addEventListener("paste", (event) => {
  const [pasted] = event.clipboardData?.files ?? [];
  if (pasted) void take(pasted, pasted.name);
});

/* The beginning */

/** Keeps the page for when there is no network, unless the visitor counts bytes. */
function keepPage(): void {
  const connection = (navigator as { connection?: { saveData?: boolean } }).connection;
  if (!import.meta.env.PROD || !navigator.serviceWorker || connection?.saveData) return;
  navigator.serviceWorker
    .register("./sw.js")
    .catch((error) => console.info("The page is not kept:", error));
}

async function start(): Promise<void> {
  try {
    addStyles(await loadManifest());
    await take(await (await fetch(sample)).blob(), "rocket.jpg");
    keepPage(); // not before: it loads all styles
  } catch (error) {
    tell(error);
  }
}

void start();
