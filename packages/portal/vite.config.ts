import { defineConfig } from 'vite';

// Everything goes into files of its own (no inline script, style or data: URL), so that the page needs no exception
// from `default-src 'self'`; relative URLs let it be served under any path.
export default defineConfig({
  base: './',
  build: { target: 'es2022', assetsInlineLimit: 0, modulePreload: false, sourcemap: false },
});
