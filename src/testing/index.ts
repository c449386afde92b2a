/**
 * For authors of key providers: the promises of the port `KeyProvider`, as tests for any test runner.
 *
 * @packageDocumentation
 */
import { refuseUnknownOptions } from '../errors/index.ts';
import type { Check, ConformanceCase, ConformanceOptions, ConformanceSetup } from './case.ts';
import { declarationChecks } from './declarations.ts';
import { optionalCallChecks } from './optional-calls.ts';
import { refusalChecks } from './refusals.ts';
import { secretChecks } from './secrets.ts';
import { versionChecks } from './versions.ts';

export type { ConformanceCase, ConformanceOptions, ConformanceResult, ConformanceSetup } from './case.ts';
export { ConformanceError } from './expect.ts';

const CHECKS: readonly Check[] = [
  ...declarationChecks,
  ...secretChecks,
  ...refusalChecks,
  ...versionChecks,
  ...optionalCallChecks,
];

/**
 * The conformance suite of key providers. Every case sets up anew, throws when the provider breaks a promise of the port,
 * and tells when it tested nothing because the provider does not declare the capability.
 *
 * @param setup gives a fresh key (or one that may be rotated and disabled) for each case
 *
 * @example
 * ```ts
 * for (const { name, run } of providerConformance(async () => ({ provider: await myKey() }))) {
 *   test(name, async (context) => {
 *     const { skipped } = await run();
 *     if (skipped !== undefined) context.skip(skipped);
 *   });
 * }
 * ```
 */
export function providerConformance(
  setup: () => Promise<ConformanceSetup>,
  options: ConformanceOptions = {},
): ConformanceCase[] {
  refuseUnknownOptions('providerConformance', options, ['maxFlips']);
  return CHECKS.map(({ name, run }) => ({
    name,
    async run() {
      const made = await setup();
      try {
        const skipped = await run(made, options);
        return skipped === undefined ? {} : { skipped };
      } finally {
        await made.close?.();
      }
    },
  }));
}
