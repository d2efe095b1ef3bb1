import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// The console is served by the api itself; in development (`npm run dev`) calls go to the api of this machine's site.
const api = "http://127.0.0.1:18800";

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: "dist", emptyOutDir: true, target: "es2022", sourcemap: false, chunkSizeWarningLimit: 1500,
    // Two pages: the desks' console, and the telephone's, which shares no framework with it.
    rollupOptions: { input: { console: "index.html", phone: "phone.html" } },
  },
  server: { proxy: { "/api": { target: api, changeOrigin: true } } },
});
