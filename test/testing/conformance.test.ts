import { describe, expect, it } from 'vitest';
import { WaxsealError } from '../../src/errors/index.ts';
import type { KeyProvider } from '../../src/keys/provider.ts';
import { providerConformance } from '../../src/testing/index.ts';
import { MUTANTS } from './mutants.ts';
import { ReferenceKey } from './reference-key.ts';

interface Outcome {
  readonly failures: string[];
  readonly skipped: string[];
}

/** What a sender has who knows only the public half of a key. */
function publicHalf(key: ReferenceKey): KeyProvider {
  return {
    uri: key.uri,
    algorithms: key.algorithms,
    bindsContext: true,
    symmetric: false,
    canUnwrap: false,
    wrap: (...args) => key.wrap(...args),
    wrapRecomputed: (...args) => key.wrapRecomputed(...args),
    unwrap: () => Promise.reject(new WaxsealError('ERR_KEY_DENIED', 'only the public half is at hand')),
  };
}

async function outcome(make: () => KeyProvider, opener?: KeyProvider): Promise<Outcome> {
  const out: Outcome = { failures: [], skipped: [] };
  for (const { name, run } of providerConformance(() => Promise.resolve({ provider: make(), opener }))) {
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
  it('passes a provider that keeps every promise, and skips only what is for keys that cannot unwrap', async () => {
    const skipped = ['a key that cannot unwrap says so, whatever it is given: canUnwrap is not false'];
    expect(await outcome(() => new ReferenceKey())).toEqual({ failures: [], skipped });
  });

  for (const { what, make, caught } of MUTANTS) {
    it(`catches a provider that ${what}`, async () => {
      const { failures } = await outcome(make);
      expect(failures.length).toBeGreaterThan(0);
      expect(failures.join('\n')).toMatch(caught);
    });
  }

  it('runs the wrapping half for a public key alone, and all of it with its private half', async () => {
    const key = new ReferenceKey();
    const half = publicHalf(key);
    const alone = await outcome(() => half);
    expect(alone.failures).toEqual([]);
    expect(alone.skipped.filter((line) => line.endsWith('no opener was given')).length).toBeGreaterThan(10);
    const whole = await outcome(() => half, key);
    expect(whole.failures).toEqual([]);
    expect(whole.skipped.filter((line) => !line.endsWith('is not declared'))).toEqual([]);
  });

  it('catches a public key that unwraps after all, claims to be symmetric, or proves nothing', async () => {
    const key = new ReferenceKey();
    const half = publicHalf(key);
    const opening: KeyProvider = { ...half, unwrap: (...args) => key.unwrap(...args) };
    expect((await outcome(() => opening)).failures.join()).toMatch(/unwrapping a good wrap must be refused/);
    const symmetric = await outcome(() => ({ ...half, symmetric: true }));
    expect(symmetric.failures.join()).toMatch(/symmetric must be false/);
    const { wrapRecomputed: _, ...unproven } = half;
    expect((await outcome(() => unproven)).failures.join()).toMatch(/needs wrapRecomputed/);
    const lying: KeyProvider = {
      ...half,
      wrapRecomputed: async (secret, binding) => {
        const made = await key.wrapRecomputed(secret, binding);
        return { ...made, recomputed: { ...made.recomputed, secret: new Uint8Array(32) } };
      },
    };
    expect((await outcome(() => lying)).failures.join()).toMatch(/another one than was wrapped/);
  });

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
