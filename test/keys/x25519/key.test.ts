import { describe, expect, it } from 'vitest';
import { toBase64Url } from '../../../src/bytes/index.ts';
import { x25519PublicKey } from '../../../src/crypto/hpke/index.ts';
import { WRAP_ALGORITHM } from '../../../src/keys/provider.ts';
import { parseKeyUri } from '../../../src/keys/uri.ts';
import { x25519KeyPair, x25519Recipient } from '../../../src/keys/x25519/index.ts';
import { providerConformance } from '../../../src/testing/index.ts';
import { SMALL_ORDER_POINTS } from '../../support/small-order-points.ts';
import { random, refusal } from '../local/rings.ts';

describe.each([
  ['a public key alone', false, ['canUnwrap is false, and no opener was given']],
  ['a public key with its private half', true, []],
] as const)('%s keeps the promises of the port', (_, whole, alsoSkipped) => {
  const skipped = new Set<string>();
  const suite = providerConformance(() => {
    const pair = x25519KeyPair(random());
    return Promise.resolve({
      provider: x25519Recipient(pair.uri),
      opener: whole ? pair : undefined,
      close: () => {
        pair.close();
      },
    });
  });
  it.each(suite.map(({ name, run }) => [name, run] as const))('%s', async (_name, run) => {
    const result = await run();
    if (result.skipped !== undefined) skipped.add(result.skipped);
  });
  it('and skips only what it does not declare', () => {
    const undeclared = [...skipped].filter((reason) => !reason.endsWith('is not declared'));
    expect(undeclared).toEqual(alsoSkipped);
  });
});

describe('a key pair in memory keeps the promises of the port', () => {
  const suite = providerConformance(() => Promise.resolve({ provider: x25519KeyPair(random()) }));
  it.each(suite.map(({ name, run }) => [name, run] as const))('%s', async (_name, run) => {
    await run();
  });
});

describe('an x25519: key', () => {
  it('is named by its public key, has one version, and says what it is', async () => {
    const privateKey = random();
    const publicKey = x25519PublicKey(privateKey);
    const pair = x25519KeyPair(privateKey);
    expect(pair.uri).toBe(`x25519:${toBase64Url(publicKey)}`);
    for (const key of [x25519Recipient(pair.uri), x25519Recipient(publicKey), pair]) {
      expect(key).toMatchObject({ uri: pair.uri, algorithms: [2], bindsContext: true, symmetric: false });
      expect(parseKeyUri(key.uri)).toMatchObject({ scheme: 'x25519', uri: pair.uri });
      const { currentVersion, versions } = (await key.describe?.()) ?? {};
      expect([currentVersion, versions]).toMatchObject(['1', [{ version: '1', label: '1', state: 'active' }]]);
    }
    expect(x25519Recipient(pair.uri).canUnwrap).toBe(false);
  });

  it('wraps 32 bytes into 80, and the sender reopens its own wrap', async () => {
    const pair = x25519KeyPair(random());
    const [secret, bind] = [random(), random()];
    const { wrapped, recomputed } = (await x25519Recipient(pair.uri).wrapRecomputed?.(secret, bind)) ?? {};
    expect(wrapped).toMatchObject({ uri: pair.uri, version: '1', algorithm: WRAP_ALGORITHM.hpkeX25519 });
    expect(wrapped?.wrap).toHaveLength(32 + 32 + 16);
    expect(recomputed).toEqual({ secret, version: '1' });
    if (wrapped !== undefined) expect((await pair.unwrap(wrapped, bind)).secret).toEqual(secret);
  });

  it('tells every wrong wrap in the same words', async () => {
    const pair = x25519KeyPair(random());
    const bind = random();
    const good = await pair.wrap(random(), bind);
    const messages = new Set<string>();
    const wrongs = [
      good.wrap.subarray(1),
      new Uint8Array(80),
      new Uint8Array(0),
      Uint8Array.from(good.wrap, (byte, at) => (at === 40 ? byte ^ 1 : byte)),
      (await x25519KeyPair(random()).wrap(random(), bind)).wrap,
      ...SMALL_ORDER_POINTS.map(([, point]) => Uint8Array.from([...point, ...good.wrap.subarray(32)])),
    ];
    for (const wrap of wrongs) {
      messages.add((await refusal(pair.unwrap({ ...good, wrap }, bind), 'ERR_AUTHENTICATION')).message);
    }
    messages.add((await refusal(pair.unwrap(good, random()), 'ERR_AUTHENTICATION')).message);
    expect(messages.size).toBe(1);
  });

  it('does not copy its private key from the caller for ever: closing ends it', async () => {
    const privateKey = random();
    const pair = x25519KeyPair(privateKey);
    const kept = privateKey.slice();
    const wrapped = await pair.wrap(random(), new Uint8Array(32));
    privateKey.fill(0);
    await pair.unwrap(wrapped, new Uint8Array(32));
    pair.close();
    for (const work of [
      () => pair.unwrap(wrapped, new Uint8Array(32)),
      () => pair.wrap(random(), new Uint8Array(32)),
      () => pair.describe(),
    ]) {
      await expect(work()).rejects.toThrow(TypeError);
    }
    expect(kept.some((byte) => byte !== 0)).toBe(true);
  });
});

describe('attack 21: a public key that protects nothing', () => {
  it.each(SMALL_ORDER_POINTS.map(([what, point]) => [what, point] as const))('%s is no recipient', (_what, point) => {
    for (const key of [point, `x25519:${toBase64Url(point)}`]) {
      expect(() => x25519Recipient(key)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_KEY_URI' }));
    }
  });

  it('nor is another spelling of a good point, to which nobody could open anything', () => {
    const publicKey = x25519PublicKey(random());
    publicKey[31] = (publicKey[31] ?? 0) | 0x80;
    expect(() => x25519Recipient(publicKey)).toThrow(/another spelling/);
  });

  it('URIs have one form: 43 characters of base64url', () => {
    const { uri } = x25519KeyPair(random());
    const last = 'AEIMQUYcgkosw048'.includes(uri.at(-1) ?? '') ? uri.at(-1) : '';
    expect(last).not.toBe('');
    for (const bad of [
      'x25519:',
      uri.slice(0, -1),
      `${uri}A`,
      `${uri}=`,
      `${uri.slice(0, -1)}B`,
      uri.replace('x25519:', 'x25519:/'),
      `x25519:${'+'.repeat(43)}`,
      `x25519:${Buffer.from(random()).toString('hex')}`,
      'local:default',
      'X25519:AAAA',
    ]) {
      expect(() => x25519Recipient(bad), bad).toThrow(expect.objectContaining({ code: 'ERR_INVALID_KEY_URI' }));
    }
    expect(() => x25519Recipient(random(31))).toThrow(RangeError);
    expect(() => x25519KeyPair(random(33))).toThrow(RangeError);
    expect(() => x25519KeyPair('x' as unknown as Uint8Array)).toThrow(TypeError);
  });
});
