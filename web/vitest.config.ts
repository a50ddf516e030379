import { defineConfig } from 'vitest/config';

/** Runs the tests in Node, one worker: the engine uses no DOM. */
export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    environment: 'node',
    maxWorkers: 1,
  },
});
