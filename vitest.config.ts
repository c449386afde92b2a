import { defineConfig } from 'vitest/config';

const long = process.env['WAXSEAL_TEST_TIER'] === 'long';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: long ? 6 * 3_600_000 : 300_000,
    hookTimeout: 300_000,
    slowTestThreshold: 2000,
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      reporter: ['text-summary', 'json-summary'],
      // `npm run coverage` runs the tests of these folders alone.
      thresholds: {
        'src/crypto/**': { lines: 95, branches: 95 },
        'src/envelope/format/**': { lines: 95, branches: 95 },
      },
    },
  },
});
