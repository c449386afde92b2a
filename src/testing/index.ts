/**
 * For authors of key providers: the promises of the port `KeyProvider`, as tests for any test runner.
 *
 * @packageDocumentation
 */
import { refuseUnknownOptions } from '../errors/index.ts';
import type { KeyProvider } from '../keys/provider.ts';
import { canOpen, type Check, type ConformanceCase, type ConformanceOptions, type ConformanceSetup } from './case.ts';
import { declarationChecks } from './declarations.ts';
import { optionalCallChecks } from './optional-calls.ts';
import { publicKeyChecks } from './public-keys.ts';
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
  ...publicKeyChecks,
];

/**
 * The conformance suite of key providers. Every case sets up anew, throws when the provider breaks a promise of the port,
 * and tells when it tested nothing because the provider does not declare the capability.
 *
 * @param setup gives a fresh key (or one that may be rotated and disabled) for each case; for a public key also the
 * private half, as `opener`: without it only the wrapping half of the suite is run
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
  return CHECKS.map(({ name, unwraps, run }) => ({
    name,
    async run() {
      const made = await setup();
      try {
        if (unwraps && !canOpen(made)) return { skipped: 'canUnwrap is false, and no opener was given' };
        const skipped = await run(unwraps ? wholeKey(made) : made, options);
        return skipped === undefined ? {} : { skipped };
      } finally {
        await made.close?.();
      }
    },
  }));
}

/** A public key and its private half as one key: what the one wraps, the other opens. */
function wholeKey(setup: ConformanceSetup): ConformanceSetup {
  const { provider, opener } = setup;
  if (provider.canUnwrap !== false || opener === undefined) return setup;
  const { uri, algorithms, bindsContext, symmetric } = provider;
  const whole: KeyProvider = {
    uri,
    algorithms,
    bindsContext,
    symmetric,
    wrap: (...args) => provider.wrap(...args),
    unwrap: (...args) => opener.unwrap(...args),
    ...(provider.describe === undefined ? {} : { describe: provider.describe.bind(provider) }),
  };
  return { ...setup, provider: whole };
}
