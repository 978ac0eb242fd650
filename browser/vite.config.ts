import { defaultClientConditions, defineConfig } from "vite";

// With these a page may use threads.
const headers = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

export default defineConfig({
  base: "./", // any folder of any host
  // ONNX Runtime's own files stay files, which its threads load again.
  resolve: { conditions: ["onnxruntime-web-use-extern-wasm", ...defaultClientConditions] },
  worker: { format: "es" },
  build: { target: "es2022", assetsInlineLimit: 0 },
  server: { headers },
  preview: { headers },
});
