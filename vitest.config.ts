import { defineConfig } from 'vitest/config';

const long = process.env['WAXSEAL_TEST_TIER'] === 'long';

const TIMED = [
  ...['one-thread', 'random-ranges', 'small-objects', 'large-file'].map((name) => `test/performance/${name}.test.ts`),
  'test/providers/load.test.ts',
];

export default defineConfig({
  test: {
    pool: 'forks',
    projects: [
      {
        extends: true,
        test: {
          name: 'tests',
          include: ['test/**/*.test.ts'],
          exclude: ['**/node_modules/**', ...TIMED],
          maxWorkers: 2,
        },
      },
      {
        extends: true,
        // What compares times runs after everything else, and alone.
        test: { name: 'timed', include: TIMED, maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
    ],
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
