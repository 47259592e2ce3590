import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['packages/*/test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // The machines this runs on have two cores; each server under test brings two worker threads of its own.
    maxWorkers: 2,
    pool: 'forks',
  },
});
