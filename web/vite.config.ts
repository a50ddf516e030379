import { defineConfig } from 'vite';

/** Builds the page into the Python package, with addresses that hold below any path of the server. */
export default defineConfig({
  base: './',
  build: {
    outDir: '../src/omentum/app/page',
    emptyOutDir: true,
    target: 'es2023',
    license: { fileName: 'third-party-notices.md' },
    rolldownOptions: {
      input: ['index.html', 'dashboard.html', 'people.html', 'account.html', 'adjudications.html'],
    },
  },
});
