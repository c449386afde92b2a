/** Failover: which key is tried first, what is bounded, what is remembered and what is told. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { open, openObject, seal } from '../../../src/envelope/index.ts';
import { type ErrorCode, WaxsealError } from '../../../src/errors/index.ts';
import { failover } from '../../../src/keys/failover/index.ts';
import { placeOf } from '../../../src/keys/failover/preference.ts';
import type { WaxsealEvent } from '../../../src/keys/observer.ts';
import type { CallOptions, KeyProvider, UnwrappedSecret, WrappedSecret } from '../../../src/keys/provider.ts';
import { pattern } from '../../support/bytes.ts';
import { containing } from '../../support/matching.ts';
import { memoryKey } from '../../support/memory-key.ts';

const plaintext = pattern(1_000);

type Mood = 'well' | ErrorCode | { readonly delay: number };

/** A key whose mood the test changes; it counts the calls that reached it, and listens to its signal. */
function moody(uri: string) {
  const key = memoryKey(uri);
  const state = { mood: 'well' as Mood, calls: 0, running: 0, most: 0 };
  const provider: KeyProvider = {
    ...key,
    async unwrap(wrapped: WrappedSecret, binding: Uint8Array, options: CallOptions = {}): Promise<UnwrappedSecret> {
      state.calls += 1;
      state.running += 1;
      state.most = Math.max(state.most, state.running);
      try {
        const { mood } = state;
        if (typeof mood === 'object') await sleep(mood.delay, undefined, { signal: options.signal });
        else if (mood !== 'well') throw new WaxsealError(mood, `${uri}: ${mood}`, { object: uri, next: `mend ${uri}` });
        return await key.unwrap(wrapped, binding, options);
      } finally {
        state.running -= 1;
      }
    },
  };
  return Object.assign(state, { provider });
}

async function world(options: Parameters<typeof failover>[1] = {}) {
  const [primary, second] = [moody('local:primary'), moody('local:second')];
  const sealed = await seal(plaintext, [primary.provider, second.provider]);
  primary.calls = second.calls = 0;
  const keys = failover([primary.provider, second.provider], { slowMs: 150, recoverMs: 400, ...options });
  const opens = async () => {
    const object = await openObject(sealed, keys);
    const { openedBy } = object.info;
    expect(await object.read(0)).toEqual(plaintext);
    await object.close();
    return openedBy;
  };
  return { primary, second, sealed, keys, opens };
}

describe('failover', () => {
  it.each<ErrorCode>([
    'ERR_PROVIDER_UNAVAILABLE',
    'ERR_KEY_DENIED',
    'ERR_PROVIDER_CREDENTIALS',
    'ERR_PROVIDER_THROTTLED',
    'ERR_KEY_DISABLED',
  ])('primary fails with %s: the second opens, the primary is told each time and asked once', async (code) => {
    const { primary, second, keys, opens } = await world();
    primary.mood = code;
    for (let round = 0; round < 5; round++) {
      expect(await opens()).toMatchObject({
        uri: 'local:second',
        failed: [{ object: 'local:primary', code, next: 'mend local:primary' }],
      });
    }
    expect([primary.calls, second.calls]).toEqual([1, 5]);
    expect(keys.troubles()).toMatchObject([{ uri: 'local:primary', code }]);
  });

  it('a primary that is slow: time bounded, the call ended, not asked again for a while', async () => {
    const { primary, opens } = await world();
    primary.mood = { delay: 60_000 };
    const started = performance.now();
    expect(await opens()).toMatchObject({ uri: 'local:second', failed: [{ code: 'ERR_PROVIDER_UNAVAILABLE' }] });
    expect(performance.now() - started).toBeLessThan(1_000);
    expect(primary.running).toBe(0);
    const again = performance.now();
    expect((await opens()).uri).toBe('local:second');
    expect(performance.now() - again).toBeLessThan(140);
    expect(primary.calls).toBe(1);
  });

  it('recovery is noticed: one caller tries the primary first, then all do', async () => {
    const { primary, second, keys, opens } = await world();
    primary.mood = 'ERR_PROVIDER_UNAVAILABLE';
    await opens();
    await sleep(450);
    // Still down: one trial for many callers.
    await Promise.all(Array.from({ length: 20 }, opens));
    expect(primary.calls).toBe(2);
    primary.mood = 'well';
    expect((await opens()).uri).toBe('local:second');
    await sleep(450);
    expect(await opens()).toMatchObject({ uri: 'local:primary', failed: [] });
    expect(keys.troubles()).toEqual([]);
    const before = second.calls;
    expect(await opens()).toMatchObject({ uri: 'local:primary', failed: [] });
    expect(second.calls).toBe(before);
  });

  it('single flight: callers of one object share a call, each with a secret of its own; no stampede on the second', async () => {
    const { primary, second, opens } = await world({ slowMs: 5_000 });
    primary.mood = { delay: 50 };
    await Promise.all(Array.from({ length: 50 }, opens));
    expect(primary.calls).toBe(1);
    primary.mood = 'ERR_PROVIDER_UNAVAILABLE';
    second.mood = { delay: 50 };
    await Promise.all(Array.from({ length: 50 }, opens));
    expect(primary.calls).toBe(2);
    expect(second.calls).toBe(1);
  });

  it('one caller who gives up does not end the call of the others; the last one does', async () => {
    const { primary, sealed, keys } = await world({ slowMs: 5_000 });
    primary.mood = { delay: 100 };
    const stop = new AbortController();
    const reason = new Error('enough');
    const [gone, stayed] = [open(sealed, keys, { signal: stop.signal }), open(sealed, keys)];
    setTimeout(() => {
      stop.abort(reason);
    }, 20);
    await expect(gone).rejects.toBe(reason);
    expect(await stayed).toEqual(plaintext);
    expect(primary.calls).toBe(1);
    primary.mood = { delay: 60_000 };
    const all = new AbortController();
    const alone = open(sealed, keys, { signal: all.signal });
    setTimeout(() => {
      all.abort(reason);
    }, 20);
    await expect(alone).rejects.toBe(reason);
    await sleep(10);
    expect(primary.running).toBe(0);
  });

  it('no key is left out: what only a failed or a slow key can open is opened by it', async () => {
    const { primary, keys } = await world();
    const only = await seal(plaintext, primary.provider);
    primary.mood = { delay: 300 };
    expect(await open(only, keys)).toEqual(plaintext);
    primary.mood = 'ERR_KEY_DENIED';
    await expect(open(only, keys)).rejects.toMatchObject({ code: 'ERR_KEY_DENIED', next: 'mend local:primary' });
    primary.mood = 'well';
    expect(await open(only, keys)).toEqual(plaintext);
  });

  it('a wrap that does not authenticate says nothing about the key', async () => {
    const { primary, keys, opens } = await world();
    const foreign = await seal(plaintext, memoryKey('local:primary'));
    await expect(open(foreign, keys)).rejects.toMatchObject({ code: 'ERR_AUTHENTICATION' });
    expect(primary.calls).toBe(1);
    expect(await opens()).toMatchObject({ uri: 'local:primary', failed: [] });
  });

  it('without failover, too, a denied primary is reported when the fallback opened the object', async () => {
    const { primary, second, sealed } = await world();
    primary.mood = 'ERR_KEY_DENIED';
    const events: WaxsealEvent[] = [];
    const object = await openObject(sealed, [primary.provider, second.provider], {
      observe: (event) => void events.push(event),
    });
    expect(object.info.openedBy).toMatchObject({ uri: 'local:second', failed: [{ code: 'ERR_KEY_DENIED' }] });
    await object.close();
    const [warning] = events.filter(({ type }) => type === 'warning');
    expect(warning).toMatchObject({
      code: 'ERR_KEY_DENIED',
      warning: containing('was opened through local:second, because'),
    });
  });

  it('is for opening: sealing names its recipients', async () => {
    const { keys } = await world();
    await expect(seal(plaintext, keys)).rejects.toBeInstanceOf(TypeError);
  });

  it.each([
    ['no keys', [], {}],
    ['an unknown option', [memoryKey()], { slow: 1 }],
    ['a wrong time', [memoryKey()], { slowMs: 0 }],
    ['an unknown place', [memoryKey()], { order: ['here'] }],
    ['a place twice', [memoryKey()], { order: ['near', 'near'] }],
  ])('refuses %s', (_name, keys, options) => {
    expect(() => failover(keys, options as never)).toThrow();
  });
});

describe('preference', () => {
  const aws = (region: string) => `awskms:///arn:aws:kms:${region}:111122223333:key/mrk-${'0'.repeat(32)}`;
  const gcp = (location: string) => `gcpkms://projects/p/locations/${location}/keyRings/r/cryptoKeys/k`;
  const inOrder = (uris: string[], options: Parameters<typeof failover>[1]) =>
    failover(uris.map(memoryKey), options)
      .inOrder()
      .slice(0, uris.length)
      .map(({ uri }) => uri);

  it('the near region comes first, then other clouds, then what is offline; the order within stays', () => {
    const uris = ['local:escrow', aws('us-east-1'), gcp('europe-west3'), 'hashivault://transit/k', aws('eu-central-1')];
    expect(inOrder(uris, { region: 'eu-central-1' })).toEqual([
      aws('eu-central-1'),
      aws('us-east-1'),
      gcp('europe-west3'),
      'hashivault://transit/k',
      'local:escrow',
    ]);
    expect(inOrder(uris, { region: 'europe-west3' })[0]).toBe(gcp('europe-west3'));
    expect(inOrder(uris, { order: ['offline'] })[0]).toBe('local:escrow');
    expect(inOrder(uris, { order: [] })).toEqual(uris);
  });

  it.each([
    [aws('eu-central-1'), 'near'],
    [aws('eu-central-2'), 'remote'],
    [gcp('eu-central-1'), 'near'],
    ['hashivault://transit/eu-central-1', 'remote'],
    ['pkcs11:token=t;object=k', 'offline'],
    ['local:k', 'offline'],
  ])('%s is %s', (uri, place) => {
    expect(placeOf(uri, 'eu-central-1')).toBe(place);
  });
});
