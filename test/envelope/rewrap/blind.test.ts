/** Blind rewrap: by the provider alone, with nothing that could lose the data key (attack 17). */
import { describe, expect, it } from 'vitest';
import { inspect, open, rewrap, seal, verify } from '../../../src/envelope/index.ts';
import type { CallOptions, KeyProvider, ProviderRewrap, WrappedSecret } from '../../../src/keys/provider.ts';
import { WaxsealError } from '../../../src/errors/index.ts';
import { pattern } from '../../support/bytes.ts';
import { memoryKey } from '../../support/memory-key.ts';
import { ReferenceKey } from '../../testing/reference-key.ts';

const plaintext = pattern(5_000);

/** A key whose caller may rewrap, and nothing else. */
function withoutDecrypt(key: ReferenceKey): KeyProvider {
  const denied = () => Promise.reject(new WaxsealError('ERR_KEY_DENIED', 'no decrypt', { next: 'allow unwrap' }));
  const { uri, algorithms, bindsContext, symmetric } = key;
  return { uri, algorithms, bindsContext, symmetric, wrap: denied, unwrap: denied, rewrap: key.rewrap.bind(key) };
}

/** A key whose rewrap gives something else. */
function lying(
  key: ReferenceKey,
  change: (made: ProviderRewrap, call: number) => Promise<ProviderRewrap>,
): KeyProvider {
  let calls = 0;
  return {
    ...withoutDecrypt(key),
    rewrap: async (wrapped: WrappedSecret, binding: Uint8Array, options?: CallOptions) =>
      change(await key.rewrap(wrapped, binding, options), (calls += 1)),
  };
}

const layouts = ['attached', 'compact'] as const;

describe.each(layouts)('a blind rewrap (%s)', (layout) => {
  it('needs no decrypt permission; the old entry stays byte for byte, the new one is flagged blind', async () => {
    const key = new ReferenceKey();
    const sealed = await seal(plaintext, key, { layout });
    await key.rotate();
    const before = await inspect(sealed);
    await expect(rewrap(sealed, withoutDecrypt(key))).rejects.toMatchObject({ code: 'ERR_KEY_DENIED' });
    const after = await rewrap(sealed, withoutDecrypt(key), { blind: true });
    const { recipients } = await inspect(after);
    expect(recipients.map(({ version, blind, retiring }) => ({ version, blind, retiring }))).toEqual([
      { version: '1', blind: false, retiring: true },
      { version: '2', blind: true, retiring: false },
    ]);
    expect(before.recipients[0]).toEqual({ ...recipients[0], retiring: false });
    expect(await open(after, key)).toEqual(plaintext);
    const report = await verify(after, key);
    expect(report.ok).toBe(true);
    expect(report.findings.map(({ severity }) => severity)).toEqual(['warning']);
  });

  it('is confirmed by an ordinary rewrap, which drops the old entry and makes no other wrap', async () => {
    const key = new ReferenceKey();
    const sealed = await seal(plaintext, key, { layout });
    await key.rotate();
    const blind = await rewrap(sealed, withoutDecrypt(key), { blind: true });
    let wraps = 0;
    const counting: KeyProvider = Object.assign(Object.create(key) as ReferenceKey, {
      wrap: (...args: Parameters<ReferenceKey['wrap']>) => ((wraps += 1), key.wrap(...args)),
    });
    const confirmed = await rewrap(blind, counting);
    expect(wraps).toBe(0);
    const { recipients } = await inspect(confirmed);
    expect(recipients.map(({ version, blind: flag }) => [version, flag])).toEqual([['2', false]]);
    expect((await verify(confirmed, key)).findings).toEqual([]);
    expect(await open(confirmed, key)).toEqual(plaintext);
  });

  it('run again, it has nothing to do; after another rotation the successor is replaced', async () => {
    const key = new ReferenceKey();
    const sealed = await seal(plaintext, key, { layout });
    await key.rotate();
    const once = await rewrap(sealed, withoutDecrypt(key), { blind: true });
    expect((await inspect(await rewrap(once, withoutDecrypt(key), { blind: true }))).recipients).toEqual(
      (await inspect(once)).recipients,
    );
    await key.rotate();
    const twice = await rewrap(once, withoutDecrypt(key), { blind: true });
    expect((await inspect(twice)).recipients.map(({ version }) => version)).toEqual(['1', '3']);
    expect(await open(twice, key)).toEqual(plaintext);
  });

  it('goes on from the successor when the older version was switched off, and keeps both', async () => {
    const key = new ReferenceKey();
    const sealed = await seal(plaintext, key, { layout });
    await key.rotate();
    const once = await rewrap(sealed, withoutDecrypt(key), { blind: true });
    await key.disableVersion('1');
    await key.rotate();
    const twice = await rewrap(once, withoutDecrypt(key), { blind: true });
    expect((await inspect(twice)).recipients.map(({ version }) => version)).toEqual(['1', '2', '3']);
    expect(await open(twice, key)).toEqual(plaintext);
    const confirmed = await rewrap(twice, key);
    expect((await inspect(confirmed)).recipients.map(({ version }) => version)).toEqual(['3']);
  });

  it('attack 17: junk is not written', async () => {
    const key = new ReferenceKey();
    const sealed = await seal(plaintext, key, { layout });
    await key.rotate();
    const junk = lying(key, async ({ wrapped, from }) => ({ wrapped: { ...wrapped, wrap: pattern(60) }, from }));
    await expect(rewrap(sealed, junk, { blind: true })).rejects.toMatchObject({ code: 'ERR_UNVERIFIED_WRAP' });
  });

  it('attack 17: a valid wrap of something else cannot take the place of the old entry', async () => {
    const key = new ReferenceKey();
    const sealed = await seal(plaintext, key, { layout });
    await key.rotate();
    const bind = Buffer.from((await inspect(sealed)).bind, 'hex');
    const foreign = lying(key, async ({ from }) => ({ wrapped: await key.wrap(pattern(32), bind), from }));
    const after = await rewrap(sealed, foreign, { blind: true });
    expect(await open(after, key)).toEqual(plaintext);
    expect((await verify(after, key)).ok).toBe(false);
    const mended = await rewrap(after, key);
    expect((await inspect(mended)).recipients.map(({ version, blind }) => [version, blind])).toEqual([['2', false]]);
    expect(await open(mended, key)).toEqual(plaintext);
  });

  it('attack 17: a failure after the provider has done its part changes nothing', async () => {
    const key = new ReferenceKey();
    const sealed = await seal(plaintext, key, { layout });
    await key.rotate();
    for (const failing of [1, 2]) {
      const late = lying(key, (made, call) =>
        call === failing
          ? Promise.reject(new WaxsealError('ERR_PROVIDER_UNAVAILABLE', 'timed out'))
          : Promise.resolve(made),
      );
      await expect(rewrap(sealed, late, { blind: true })).rejects.toMatchObject({ code: 'ERR_PROVIDER_UNAVAILABLE' });
    }
  });

  it('a wrap that is of another version than it says is not written', async () => {
    const key = new ReferenceKey();
    const sealed = await seal(plaintext, key, { layout });
    await key.rotate();
    const stale = lying(key, async ({ wrapped }, call) => ({ wrapped, from: call === 1 ? '1' : 'other' }));
    await expect(rewrap(sealed, stale, { blind: true })).rejects.toMatchObject({ code: 'ERR_UNVERIFIED_WRAP' });
  });

  it('leaves other recipients byte for byte, and refuses keys that cannot, or that are no recipients', async () => {
    const [key, other] = [new ReferenceKey(), memoryKey('local:other')];
    const sealed = await seal(plaintext, [other, key], { layout });
    await key.rotate();
    const after = await rewrap(sealed, [other, withoutDecrypt(key)], { blind: true });
    expect((await inspect(after)).recipients.map(({ uri }) => uri)).toEqual(['local:other', key.uri, key.uri]);
    expect((await inspect(after)).recipients[0]).toEqual((await inspect(sealed)).recipients[0]);
    await expect(rewrap(sealed, other, { blind: true })).rejects.toMatchObject({ code: 'ERR_PROVIDER_UNSUPPORTED' });
    const nobody = Object.assign(Object.create(key) as ReferenceKey, { uri: 'local:nobody' });
    await expect(rewrap(sealed, nobody, { blind: true })).rejects.toMatchObject({ code: 'ERR_NO_MATCHING_KEY' });
  });

  it('is the use of a key: a guard can veto it', async () => {
    const key = new ReferenceKey();
    const sealed = await seal(plaintext, key, { layout });
    await key.rotate();
    const seen: string[] = [];
    await rewrap(sealed, withoutDecrypt(key), {
      blind: true,
      observe: ({ type, assurance }) => void seen.push(`${type} ${assurance ?? ''}`.trim()),
    });
    expect(seen).toEqual([
      'rewrap.intent',
      'wrap.intent validated',
      'wrap.done validated',
      'wrap.intent validated',
      'wrap.done validated',
      'rewrap.done validated',
    ]);
    const veto = rewrap(sealed, withoutDecrypt(key), {
      blind: true,
      observe: ({ type }) => {
        if (type === 'wrap.intent') throw new TypeError('no');
      },
    });
    await expect(veto).rejects.toMatchObject({ code: 'ERR_VETOED' });
  });
});

it('a blind rewrap excludes from and to, and takes nothing but true and false', async () => {
  const key = new ReferenceKey();
  const sealed = await seal(plaintext, key);
  await expect(rewrap(sealed, key, { blind: true, to: key })).rejects.toThrow(TypeError);
  await expect(rewrap(sealed, key, { blind: 'yes' as unknown as boolean })).rejects.toThrow(TypeError);
  await expect(rewrap(sealed, key, { blnd: true } as object)).rejects.toThrow(/unknown option "blnd"/);
});

it('slots that differ are left to somebody who can open them', async () => {
  const key = new ReferenceKey();
  const sealed = await seal(plaintext, key);
  const { slotSize = 0 } = await inspect(sealed);
  const damaged = sealed.slice();
  damaged[4096 + slotSize + 100] = (damaged[4096 + slotSize + 100] ?? 0) ^ 1;
  await key.rotate();
  await expect(rewrap(damaged, key, { blind: true })).rejects.toMatchObject({ code: 'ERR_HEADER_DAMAGED' });
  const repaired = await rewrap(damaged, key);
  expect(await open(repaired, key)).toEqual(plaintext);
});
