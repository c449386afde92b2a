/** Shares on their way: custodians on different machines (SPEC section "Quorum"). */
import { describe, expect, it } from 'vitest';
import {
  exportShare,
  importShare,
  open,
  quorum,
  rewrap,
  seal,
  type SharedShare,
  verify,
} from '../../../src/envelope/index.ts';
import { x25519KeyPair, x25519Recipient } from '../../../src/keys/x25519/index.ts';
import { pattern } from '../../support/bytes.ts';
import { containing } from '../../support/matching.ts';
import { memoryKey } from '../../support/memory-key.ts';
import { withEntries } from '../support/forged.ts';
import { bytesOfEntries } from './support.ts';

const plaintext = pattern(3_000);
const keys = [memoryKey('local:a'), memoryKey('local:b'), memoryKey('local:c')] as const;
const [a, b] = keys;
const opener = x25519KeyPair(new Uint8Array(32).fill(21));
const other = x25519KeyPair(new Uint8Array(32).fill(22));

async function shared() {
  const sealed = await seal(plaintext, quorum(2, keys));
  const to = x25519Recipient(opener.uri);
  const shares = await Promise.all(keys.map((key) => exportShare(sealed, key, to)));
  // As it travels.
  return { sealed, shares: shares.map((share) => JSON.parse(JSON.stringify(share)) as SharedShare) };
}

describe('a share that a custodian sends', () => {
  it('opens the object with those of enough others, for the key that it was sent to', async () => {
    const { sealed, shares } = await shared();
    const imported = shares.map((share) => importShare(share, [other, opener]));
    expect(await open(sealed, imported.slice(0, 2))).toEqual(plaintext);
    expect(await open(sealed, imported.slice(1))).toEqual(plaintext);
    expect((await verify(sealed, imported)).ok).toBe(true);
    for (const one of imported) {
      await expect(open(sealed, one)).rejects.toMatchObject({ code: 'ERR_NO_MATCHING_KEY' });
    }
    expect(await open(sealed, [...imported.slice(0, 1), b])).toEqual(plaintext);
    expect(() => importShare(shares[0] as SharedShare, other)).toThrow('which is not at hand');
    expect(() => importShare(shares[0] as SharedShare, x25519Recipient(opener.uri))).toThrow('not at hand');
  });

  it('counts once, and not as a symmetric wrap', async () => {
    const { sealed, shares } = await shared();
    const imported = shares.map((share) => importShare(share, opener));
    const [first] = imported;
    await expect(open(sealed, [first, first, a] as never)).rejects.toMatchObject({ code: 'ERR_NO_MATCHING_KEY' });
    await expect(open(sealed, imported, { requireSymmetricWrap: true })).rejects.toMatchObject({});
  });

  it('opens nothing else: another object, or the same one with a new quorum', async () => {
    const { sealed, shares } = await shared();
    const imported = shares.map((share) => importShare(share, opener));
    const another = await seal(plaintext, quorum(2, keys));
    const again = await rewrap(sealed, [...keys], { from: quorum(2, keys).uri, to: quorum(2, keys) });
    for (const object of [another, again]) {
      await expect(open(object, imported)).rejects.toMatchObject({
        code: 'ERR_UNEXPECTED_OBJECT',
        message: containing('the share of local:a is for another object'),
      });
    }
  });

  it('stays good when its entry is wrapped anew, and is never made a recipient', async () => {
    const { sealed, shares } = await shared();
    const imported = shares.map((share) => importShare(share, opener));
    a.bump();
    const renewed = await rewrap(sealed, [...keys]);
    expect(await open(renewed, imported)).toEqual(plaintext);
    expect(await bytesOfEntries(await rewrap(renewed, imported))).toEqual(await bytesOfEntries(renewed));
    await expect(seal(plaintext, imported)).rejects.toMatchObject({ code: 'ERR_KEY_DENIED' });
  });

  it('that was changed is refused', async () => {
    const { sealed, shares } = await shared();
    const [good, victim] = shares as [SharedShare, SharedShare];
    const wrap = Buffer.from(victim.wrap.wrap, 'base64url');
    wrap.writeUInt8(wrap.readUInt8(40) ^ 1, 40);
    const changed = { ...victim, wrap: { ...victim.wrap, wrap: wrap.toString('base64url') } };
    const imported = [good, changed].map((share) => importShare(share, opener));
    await expect(open(sealed, imported)).rejects.toMatchObject({
      code: 'ERR_AUTHENTICATION',
      message: containing('the share of local:b was changed'),
    });
    for (const junk of [
      null,
      {},
      [],
      { ...good, kind: 'x' },
      { ...good, binding: '*' },
      { ...good, wrap: {} },
      'text',
    ]) {
      expect(() => importShare(junk as never, opener)).toThrow('not the share of a custodian');
    }
  });

  it('is not made of a damaged entry, and by nobody who is no custodian', async () => {
    const { sealed } = await shared();
    const to = x25519Recipient(opener.uri);
    const forged = await withEntries(sealed, ([one, ...rest]) => [new Map(one).set(4, new Uint8Array(73)), ...rest]);
    await expect(exportShare(forged, a, to)).rejects.toMatchObject({ code: 'ERR_AUTHENTICATION' });
    await expect(exportShare(sealed, other, to)).rejects.toMatchObject({
      code: 'ERR_NO_MATCHING_KEY',
      message: containing('is sealed to quorum:2('),
    });
    // A key of the same name in another keyring is stepped over.
    expect(await exportShare(sealed, [memoryKey('local:a'), b], to)).toMatchObject({ custodian: 'local:b' });
    const plain = await seal(plaintext, a);
    await expect(exportShare(plain, a, to)).rejects.toMatchObject({ message: containing('has no quorum') });
    await expect(exportShare(sealed, a, to, { unknown: 1 } as never)).rejects.toBeInstanceOf(TypeError);
  });
});
