import { expect, test } from 'vitest';
import { type ConformanceOptions, type ConformanceSetup, providerConformance } from '../../../src/testing/index.ts';

/**
 * The conformance suite as tests. What a provider does not declare is not tested, and said to be so; `absent` must name
 * exactly that: everything that is declared is exercised.
 */
export function testConformance(
  setup: () => Promise<ConformanceSetup>,
  absent: readonly string[],
  options: ConformanceOptions = {},
): void {
  const skipped = new Set<string>();
  for (const { name, run } of providerConformance(setup, options)) {
    test(name, async () => {
      const { skipped: why } = await run();
      if (why !== undefined) skipped.add(why);
    });
  }
  test('every capability that is declared was exercised, and none is declared that is not there', () => {
    expect([...skipped].sort()).toEqual([...absent].sort());
  });
}
