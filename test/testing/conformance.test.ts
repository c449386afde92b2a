import { describe, expect, it } from 'vitest';
import type { KeyProvider } from '../../src/keys/provider.ts';
import { providerConformance } from '../../src/testing/index.ts';
import { MUTANTS } from './mutants.ts';
import { ReferenceKey } from './reference-key.ts';

interface Outcome {
  readonly failures: string[];
  readonly skipped: string[];
}

async function outcome(make: () => KeyProvider): Promise<Outcome> {
  const out: Outcome = { failures: [], skipped: [] };
  for (const { name, run } of providerConformance(() => Promise.resolve({ provider: make() }))) {
    try {
      const { skipped } = await run();
      if (skipped !== undefined) out.skipped.push(`${name}: ${skipped}`);
    } catch (error) {
      out.failures.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return out;
}

describe('the conformance suite of key providers', () => {
  it('passes a provider that keeps every promise, and skips nothing', async () => {
    expect(await outcome(() => new ReferenceKey())).toEqual({ failures: [], skipped: [] });
  });

  for (const { what, make, caught } of MUTANTS) {
    it(`catches a provider that ${what}`, async () => {
      const { failures } = await outcome(make);
      expect(failures.length).toBeGreaterThan(0);
      expect(failures.join('\n')).toMatch(caught);
    });
  }

  it('says what it could not test', async () => {
    const bare = (): KeyProvider => {
      const key = new ReferenceKey();
      return {
        uri: key.uri,
        algorithms: key.algorithms,
        bindsContext: false,
        symmetric: true,
        wrap: (...args) => key.wrap(...args),
        unwrap: (...args) => key.unwrap(...args),
      };
    };
    const { failures, skipped } = await outcome(bare);
    expect(failures).toEqual([]);
    const reasons = skipped.map((line) => line.replace(/.*?: /, ''));
    for (const reason of ['describe', 'rotate', 'disableVersion', 'generateDataKey', 'rewrap']) {
      expect(reasons).toContain(`${reason} is not declared`);
    }
    expect(reasons).toContain('bindsContext is false: the header tag of the object refuses a swapped wrap');
  });

  it('closes every setup, also after a failure, and can spare the calls of a provider', async () => {
    let [open, unwraps] = [0, 0];
    class Counting extends ReferenceKey {
      override unwrap(...args: Parameters<ReferenceKey['unwrap']>): ReturnType<ReferenceKey['unwrap']> {
        unwraps += 1;
        return super.unwrap(...args);
      }
      override disableVersion(): Promise<void> {
        return Promise.reject(new Error('denied'));
      }
    }
    const setup = (): Promise<{ provider: KeyProvider; close: () => void }> => {
      open += 1;
      return Promise.resolve({ provider: new Counting(), close: () => void (open -= 1) });
    };
    const calls = async (options?: { maxFlips: number }): Promise<number> => {
      unwraps = 0;
      await Promise.allSettled(providerConformance(setup, options).map(({ run }) => run()));
      return unwraps;
    };
    expect((await calls()) - (await calls({ maxFlips: 8 }))).toBeGreaterThan(40);
    expect(open).toBe(0);
    expect(() => providerConformance(setup, { flips: 1 } as object)).toThrow(/unknown option "flips"/);
  });
});
