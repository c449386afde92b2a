import { randomFillSync } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { addRecipient, open, openFile, openObject, rewrap, seal, verify } from '../../../src/envelope/index.ts';
import type { WaxsealEvent } from '../../../src/keys/observer.ts';
import type { KeyProvider } from '../../../src/keys/provider.ts';
import { x25519KeyPair, x25519Recipient } from '../../../src/keys/x25519/index.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { refusal, testRing } from '../local/rings.ts';

const random = (length = 32): Uint8Array => randomFillSync(new Uint8Array(length));
const plaintext = random(5000);

/** Events of a type, as they come. */
function watch(type: WaxsealEvent['type']): { events: WaxsealEvent[]; observe: (event: WaxsealEvent) => void } {
  const events: WaxsealEvent[] = [];
  return { events, observe: (event) => void (event.type === type && events.push(event)) };
}

describe('an object sealed to a public key', () => {
  it('is sealed without the private key, with assurance recomputed, and opens with it alone', async () => {
    const pair = x25519KeyPair(random());
    const publicOnly = x25519Recipient(pair.uri);
    const { events, observe } = watch('wrap.done');
    const sealed = await seal(plaintext, publicOnly, { observe });
    expect(events).toMatchObject([{ keyUri: pair.uri, keyVersion: '1', algorithm: 2, assurance: 'recomputed' }]);
    expect(await open(sealed, pair)).toEqual(plaintext);
    // Opening never even asks a key that cannot unwrap.
    expect((await refusal(open(sealed, publicOnly), 'ERR_NO_MATCHING_KEY')).message).toContain(pair.uri);
    await refusal(open(sealed, x25519KeyPair(random())), 'ERR_NO_MATCHING_KEY');
    expect(await open(sealed, [publicOnly, pair])).toEqual(plaintext);
  });

  it('is sealed by a pair with assurance compared', async () => {
    const { events, observe } = watch('wrap.done');
    await seal(plaintext, x25519KeyPair(random()), { observe });
    expect(events).toMatchObject([{ assurance: 'compared' }]);
  });

  it('is not sealed when the wrap does not prove itself, or nothing can prove it', async () => {
    const pair = x25519KeyPair(random());
    const good = x25519Recipient(pair.uri);
    const { uri, algorithms, bindsContext, symmetric } = good;
    const base = { uri, algorithms, bindsContext, symmetric, canUnwrap: false } as const;
    const calls: Pick<KeyProvider, 'wrap' | 'unwrap'> = {
      wrap: (...args) => good.wrap(...args),
      unwrap: (...args) => good.unwrap(...args),
    };
    await refusal(seal(plaintext, { ...base, ...calls }), 'ERR_UNVERIFIED_WRAP');
    const wrong: KeyProvider = {
      ...base,
      ...calls,
      wrapRecomputed: async (_secret, binding) => {
        const made = await good.wrapRecomputed?.(random(), binding);
        if (made === undefined) throw new TypeError('wrapRecomputed is missing');
        return made;
      },
    };
    await refusal(seal(plaintext, wrong), 'ERR_UNVERIFIED_WRAP');
  });

  it('does not give its wrap to another object', async () => {
    const pair = x25519KeyPair(random());
    const [one, two] = [await seal(plaintext, pair), await seal(plaintext, pair)];
    // The slots of the first, where the second has its own: hashes of slots are bound to their object, so the wrap itself
    // is moved by a provider that hands out the other one.
    const wraps: Uint8Array[] = [];
    const spy = (sealed: Uint8Array): Promise<unknown> =>
      open(sealed, {
        uri: pair.uri,
        algorithms: pair.algorithms,
        bindsContext: true,
        symmetric: false,
        wrap: (...args) => pair.wrap(...args),
        unwrap: (wrapped, binding, options) => {
          wraps.push(wrapped.wrap);
          return pair.unwrap({ ...wrapped, wrap: wraps[0] ?? wrapped.wrap }, binding, options);
        },
      });
    await spy(one);
    await refusal(spy(two), 'ERR_AUTHENTICATION');
    expect(wraps[0]).not.toEqual(wraps[1]);
  });
});

describe('attack 15: an object forged with nothing but the public key', () => {
  it('opens and says so; requireSymmetricWrap, expectId and expectContext refuse it', async () => {
    const { ring } = await testRing();
    const pair = await ring.createX25519('inbox');
    const context = { team: 'vision' };
    const genuine = await openObject(
      await seal(plaintext, [ring.key('default'), pair], { context }),
      ring.key('default'),
    );
    const expectId = genuine.info.id;
    await genuine.close();
    const forged = await seal(random(100), x25519Recipient(pair.uri), { context: { team: 'other' } });
    const keys = await ring.keys();
    const object = await openObject(forged, keys);
    expect(object.info.openedBy).toMatchObject({ uri: pair.uri, version: '1', symmetricWrap: false });
    await object.close();
    for (const options of [{ requireSymmetricWrap: true }, { expectId }, { expectContext: context }]) {
      await refusal(open(forged, keys, options), 'ERR_UNEXPECTED_OBJECT');
      await refusal(openObject(forged, keys, options), 'ERR_UNEXPECTED_OBJECT');
      await refusal(verify(forged, keys, options), 'ERR_UNEXPECTED_OBJECT');
    }
    ring.close();
  });

  it('a local wrap beside it opens first, and requireSymmetricWrap accepts that one', async () => {
    const { ring } = await testRing();
    const pair = await ring.createX25519('inbox');
    const sealed = await seal(plaintext, [pair, ring.key('default')]);
    const keys = await ring.keys();
    expect(keys.map(({ uri }) => uri)).toEqual(['local:default', pair.uri]);
    const object = await openObject(sealed, keys, { requireSymmetricWrap: true });
    expect(object.info.openedBy).toMatchObject({ uri: 'local:default', symmetricWrap: true });
    await object.close();
    ring.close();
  });
});

describe('rewrapping', () => {
  it('from a local key to a public one has assurance recomputed, and only the private key opens then', async () => {
    const { ring } = await testRing();
    const file = join(await temporaryFolder(), 'm.wax');
    await writeFile(file, await seal(plaintext, ring.key('default')));
    const before = await readFile(file);
    const pair = x25519KeyPair(random());
    const { events, observe } = watch('wrap.done');
    const to = x25519Recipient(pair.uri);
    const report = await rewrap(file, ring.key('default'), { from: 'local:default', to, observe });
    expect(report.entries).toMatchObject([
      { uri: 'local:default', toUri: pair.uri, to: '1', action: 'renewed', assurance: 'recomputed' },
    ]);
    expect(events).toMatchObject([{ keyUri: pair.uri, assurance: 'recomputed' }]);
    const after = await readFile(file);
    expect(after.subarray(-5000)).toEqual(before.subarray(-5000));
    expect(await open(after, pair)).toEqual(plaintext);
    await refusal(open(after, ring.key('default')), 'ERR_NO_MATCHING_KEY');
    ring.close();
  });

  it('back to a local key takes the private one', async () => {
    const { ring } = await testRing();
    const file = join(await temporaryFolder(), 'm.wax');
    const pair = x25519KeyPair(random());
    await writeFile(file, await seal(plaintext, pair));
    const to = ring.key('default');
    await refusal(rewrap(file, x25519Recipient(pair.uri), { from: pair.uri, to }), 'ERR_NO_MATCHING_KEY');
    const report = await rewrap(file, pair, { from: pair.uri, to });
    expect(report.entries).toMatchObject([{ toUri: 'local:default', assurance: 'compared' }]);
    expect(await open(await readFile(file), ring.key('default'))).toEqual(plaintext);
    // A second rewrap finds nothing to do, also for entries that a public key at hand cannot judge.
    await addRecipient(file, ring.key('default'), x25519Recipient(pair.uri));
    const again = await rewrap(file, [ring.key('default'), x25519Recipient(pair.uri)]);
    expect(again).toMatchObject({ changed: false, entries: [{ action: 'current' }, { action: 'kept' }] });
    const withPair = await rewrap(file, [ring.key('default'), pair]);
    expect(withPair).toMatchObject({ changed: false, entries: [{ action: 'current' }, { action: 'current' }] });
    await openFile(file, `${file}.out`, pair);
    ring.close();
  });
});
