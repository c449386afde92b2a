/** Field 7 of an entry: the share of a quorum (SPEC section "Quorum"). */
import { describe, expect, it } from 'vitest';
import { type CborMap, type CborValue, decodeCanonicalCbor, encodeCbor } from '../../../src/bytes/index.ts';
import { sha256 } from '../../../src/crypto/hash.ts';
import {
  bindingOf,
  checkTag,
  decodeRecipients,
  encodeRecipients,
  makeRecipient,
  makeShareRecipient,
  wrappedOf,
} from '../../../src/envelope/format/recipients.ts';
import {
  decodeShare,
  encodeShare,
  type Share,
  SHARE_ALGORITHM,
  SHARE_LENGTH,
  shareBinding,
  shareDigest,
} from '../../../src/envelope/format/share.ts';
import { pattern } from '../../support/bytes.ts';

const share: Share = {
  setId: pattern(16),
  threshold: 2,
  custodians: 3,
  index: 3,
  digests: [1, 2, 3].map((fill) => new Uint8Array(32).fill(fill)),
  algorithm: 4,
};
const wrapped = { uri: 'local:a', version: '1', algorithm: 4, wrap: pattern(80) };
const tagKey = pattern(32);
const ascii = (text: string) => new TextEncoder().encode(text);

describe('a share', () => {
  it('is read as it was written', () => {
    expect(decodeShare(encodeShare(share))).toEqual(share);
    expect(decodeShare(decodeCanonicalCbor(encodeCbor(encodeShare(share)), 'x'))).toEqual(share);
  });

  const changed = (key: number, value: CborValue | undefined): CborMap => {
    const fields = new Map(encodeShare(share));
    if (value === undefined) fields.delete(key);
    else fields.set(key, value);
    return fields;
  };
  const wrong: readonly (readonly [string, CborValue | undefined])[] = [
    ['nothing', undefined],
    ['a text', 'share'],
    ['a set id of 15 bytes', changed(1, new Uint8Array(15))],
    ['a set id that is a text', changed(1, '0123456789abcdef')],
    ['a threshold of one', changed(2, 1)],
    ['a threshold above the number', changed(2, 4)],
    ['a threshold that is a text', changed(2, '2')],
    ['one custodian', changed(3, 1)],
    ['17 custodians', changed(3, 17)],
    ['index 0', changed(4, 0)],
    ['an index above the number', changed(4, 4)],
    ['too few digests', changed(5, share.digests.slice(1))],
    ['a digest of 31 bytes', changed(5, [new Uint8Array(31), ...share.digests.slice(1)])],
    ['digests that are none', changed(5, 3)],
    ['algorithm 17 within', changed(6, SHARE_ALGORITHM)],
    ['algorithm 0', changed(6, 0)],
    ['a missing field', changed(6, undefined)],
    ['another field', changed(7, 1)],
  ];
  it.each(wrong)('with %s is not one of this version', (_name, field) => {
    expect(decodeShare(field)).toBeUndefined();
  });

  it('has the binding and the digest of SPEC.md', () => {
    const bind = pattern(32);
    const binding = sha256(ascii('waxseal/1 share\0'), bind, share.setId, Uint8Array.of(2, 3, 3));
    expect(shareBinding(bind, share)).toEqual(binding);
    const secret = pattern(SHARE_LENGTH);
    const digest = sha256(ascii('waxseal/1 share digest\0'), share.setId, Uint8Array.of(3), secret);
    expect(shareDigest(share, 3, secret)).toEqual(digest);
    const entry = makeShareRecipient(wrapped, share, 5, tagKey);
    expect(bindingOf(entry, bind)).toEqual(binding);
    expect(bindingOf(makeRecipient(wrapped, 5, tagKey), bind)).toBe(bind);
  });
});

describe('an entry that is a share', () => {
  it('says algorithm 17, and within how it is wrapped; its tag covers field 7', () => {
    const entry = makeShareRecipient(wrapped, share, 5, tagKey);
    expect(entry).toMatchObject({ algorithm: SHARE_ALGORITHM, share, supported: true });
    expect(wrappedOf(entry)).toEqual(wrapped);
    expect(wrappedOf(makeRecipient(wrapped, 5, tagKey))).toEqual(wrapped);
    expect(checkTag(entry, tagKey)).toBe('valid');
    const [read] = decodeRecipients(encodeRecipients([entry]), 'x');
    expect(read).toEqual(entry);
    const other = new Map(entry.fields).set(7, encodeShare({ ...share, index: 2 }));
    const [forged] = decodeRecipients(encodeCbor([other]), 'x');
    expect(forged && checkTag(forged, tagKey)).toBe('invalid');
    expect(checkTag(makeShareRecipient(wrapped, share, 5, undefined), tagKey)).toBe('missing');
  });

  it('is not supported where field 7 and algorithm 17 do not go together', () => {
    const { fields } = makeShareRecipient(wrapped, share, 5, undefined);
    for (const change of [
      (map: Map<number, CborValue>) => map.set(3, 4),
      (map: Map<number, CborValue>) => (map.delete(7), map),
      (map: Map<number, CborValue>) => map.set(7, 'later'),
      (map: Map<number, CborValue>) => map.set(6, 'branch'),
    ]) {
      const [read] = decodeRecipients(encodeCbor([change(new Map(fields) as Map<number, CborValue>)]), 'x');
      expect(read?.supported).toBe(false);
    }
  });
});
