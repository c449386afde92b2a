import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

/** The tests beside what is mutated (run.ts says which): every mutant runs those of them that reach it. */
export default defineConfig({
  test: {
    include: [process.env['WAXSEAL_MUTATION_TESTS'] ?? 'test/{crypto,envelope/format}/**/*.test.ts'],
    // The first takes long, and a child process does not know which mutant is meant.
    exclude: ['test/envelope/format/bit-flips*', '**/process-memory.test.ts'],
    setupFiles: [join(import.meta.dirname, 'setup.ts')],
    testTimeout: 60_000,
  },
});
