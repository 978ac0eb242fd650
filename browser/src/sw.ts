/** Keeps the page's files, so that it opens without a network. */

export {}; // a module

const worker = self as unknown as ServiceWorkerGlobalScope;
const CACHE = "jaxnst";

/** Their names tell one version from the next: the others are asked for anew while there is a network. */
const HASHED = /\/assets\/|\/models\/.*\.[0-9a-f]{12}\./;

const CHANGING = ["./", "icon.svg", "app.webmanifest", "models/manifest.json"];

/** With these a page may use threads, even if the server does not send them. */
const ISOLATION = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

worker.addEventListener("install", (event) => {
  event.waitUntil(keepFiles().then(() => worker.skipWaiting()));
});

worker.addEventListener("activate", (event) => event.waitUntil(worker.clients.claim()));

worker.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || !request.url.startsWith(worker.registration.scope)) return;
  event.respondWith(answer(request).then(isolated));
  if (request.mode === "navigate") event.waitUntil(keepFiles().catch(() => undefined));
});

/** Caches what is new, and only then the pages that name it; and forgets what has gone. */
async function keepFiles(): Promise<void> {
  const cache = await caches.open(CACHE);
  const built: string[] = await listed("files.json");
  const { files } = await listed("models/manifest.json");
  const wanted = [...built, ...files.map((name: string) => `models/${name}`)].map(absolute);
  const kept = (await cache.keys()).map(({ url }) => url);
  await cache.addAll(wanted.filter((url) => !kept.includes(url)));
  await cache.addAll(CHANGING.map(absolute));
  const gone = kept.filter((url) => HASHED.test(url) && !wanted.includes(url));
  await Promise.all(gone.map((url) => cache.delete(url)));
}

async function listed(name: string) {
  return (await fetch(absolute(name))).json();
}

async function answer(request: Request): Promise<Response> {
  const kept = () => caches.match(request, { ignoreSearch: true });
  if (HASHED.test(request.url)) return (await kept()) ?? fetch(request);
  try {
    return await fetch(request);
  } catch (error) {
    const response = await kept();
    if (!response) throw error;
    return response;
  }
}

function isolated(response: Response): Response {
  if (response.type === "opaque" || !response.body) return response;
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(ISOLATION)) headers.set(name, value);
  return new Response(response.body, { status: response.status, headers });
}

function absolute(name: string): string {
  return new URL(name, worker.registration.scope).href;
}
