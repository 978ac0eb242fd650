import { defaultClientConditions, defineConfig, type Plugin } from "vite";

// With these a page may use threads.
const headers = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

/** Lists in files.json what the page keeps for when there is no network. */
function listFiles(): Plugin {
  return {
    name: "list-files",
    generateBundle(_, bundle) {
      // The GPU's is large, and without it the page paints, too.
      const files = Object.keys(bundle).filter((name) => !/asyncify|sw\.js/.test(name));
      this.emitFile({ type: "asset", fileName: "files.json", source: JSON.stringify(files) });
    },
  };
}

export default defineConfig({
  base: "./", // any folder of any host
  // ONNX Runtime's own files stay files, which its threads load again.
  resolve: { conditions: ["onnxruntime-web-use-extern-wasm", ...defaultClientConditions] },
  worker: { format: "es" },
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    rollupOptions: {
      input: { index: "index.html", sw: "src/sw.ts" },
      output: {
        entryFileNames: ({ name }) => (name === "sw" ? "sw.js" : "assets/[name]-[hash].js"),
      },
    },
  },
  plugins: [listFiles()],
  server: { headers },
  preview: { headers },
});
