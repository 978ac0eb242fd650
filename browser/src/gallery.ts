/** What `jaxnst export --for-browser` wrote: the files of models/, by its manifest. */

export interface Style {
  name: string;
  title: string;
  artist?: string;
  year?: string;
  weights: string;
  thumbnail: string;
}

export interface Manifest {
  graph: string;
  /** The same for WebAssembly, which has no fast convolutions; missing in earlier exports. */
  cpu_graph?: string;
  inputs: { name: string; shape: number[] }[];
  /** The weights of strength 0; null if there is no strength but 1. */
  photo: string | null;
  styles: Style[];
  /** Networks that enlarge; a result depends on `reach` pixels around it. */
  upscalers?: { scale: number; reach: number; graph: string }[];
  /** A photo and its painting by jaxnst itself, RGB, one after the other. */
  check: { file: string; style: string; height: number; width: number };
}

/** How to paint: shares of styles, which add up to 1, and their strength. */
export interface Look {
  shares: Record<string, number>;
  strength: number;
}

export const MODELS = new URL("models/", document_base());

/** The page's address, in its worker, too, whose own is that of a script in assets/. */
function document_base(): string {
  return typeof document === "undefined" ? new URL("../", self.location.href).href : document.baseURI;
}

export async function fetched(name: string): Promise<Response> {
  const response = await fetch(new URL(name, MODELS));
  if (!response.ok) throw new Error(`${name}: ${response.status} ${response.statusText}`);
  return response;
}

export async function contents(name: string): Promise<ArrayBuffer> {
  return (await fetched(name)).arrayBuffer();
}

export async function loadManifest(): Promise<Manifest> {
  return (await fetched("manifest.json")).json();
}
