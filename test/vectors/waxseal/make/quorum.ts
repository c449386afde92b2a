import { type CborValue, concat } from '../../../../src/bytes/index.ts';
import { sha256 } from '../../../../src/crypto/hash.ts';
import { x25519PublicKey } from '../../../../src/crypto/hpke/index.ts';
import { wrapTo } from '../../../../src/keys/x25519/hpke-wrap.ts';
import { x25519KeyPair } from '../../../../src/keys/x25519/index.ts';
import { craft, entry, type Ground, key1, random, URI } from './craft.ts';
import { craftBlock } from './craft-block.ts';
import type { RecordedKey } from './fixed-key.ts';
import type { Vector } from './vector.ts';

/* SPEC "Quorum". Shares, bindings and digests are made here from the page, not by the library. */

const privateKeys = Array.from({ length: 5 }, (_, at) => new Uint8Array(32).fill(0x51 + at));
const custodians = privateKeys.map((privateKey) => ({ uri: x25519KeyPair(privateKey).uri, privateKey }));
const publicKeys = privateKeys.map((privateKey) => x25519PublicKey(privateKey));
const some = (...indexes: number[]): RecordedKey[] => indexes.map((index) => custodians[index - 1] as RecordedKey);

/** Product in GF(2⁸) with x⁸ + x⁴ + x³ + x + 1. */
function times(a: number, b: number): number {
  let product = 0;
  for (let [left, right] = [a, b]; right > 0; right >>= 1) {
    if ((right & 1) === 1) product ^= left;
    left = (left << 1) ^ ((left & 0x80) === 0 ? 0 : 0x11b);
  }
  return product;
}

/** The shares of a data key: y(32) ‖ x, at the points 200, 201, … */
function split(dataKey: Uint8Array, k: number, n: number): Uint8Array[] {
  const coefficients = Array.from({ length: k - 1 }, () => random(32));
  return Array.from({ length: n }, (_, at) => {
    const x = 200 + at;
    const y = dataKey.map((byte, i) => {
      let value = 0;
      for (const coefficient of [...coefficients].reverse()) value = times(value ^ (coefficient[i] ?? 0), x);
      return value ^ byte;
    });
    return concat(y, Uint8Array.of(x));
  });
}

const label = (text: string): Uint8Array => new TextEncoder().encode(`${text}\0`);
const digestOf = (setId: Uint8Array, i: number, share: Uint8Array): Uint8Array =>
  sha256(label('waxseal/1 share digest'), setId, Uint8Array.of(i), share);

interface Made {
  readonly k: number;
  readonly n: number;
  /** Changes what is split, wrapped or recorded. */
  readonly shares?: (shares: Uint8Array[]) => Uint8Array[];
  readonly bind?: (bind: Uint8Array, i: number) => Uint8Array;
  readonly wrap?: (wrap: Uint8Array, i: number) => Uint8Array;
  readonly field?: (share: Map<number, CborValue>, i: number) => void;
  readonly change?: (fields: Map<number | string, CborValue>, i: number) => void;
}

function quorumEntries(ground: Ground, { k, n, ...change }: Made): ReturnType<typeof entry>[] {
  const setId = random(16);
  const shares = (change.shares ?? ((all) => all))(split(ground.dataKey, k, n));
  const digests = shares.map((share, at) => digestOf(setId, at + 1, share));
  return shares.map((share, at) => {
    const i = at + 1;
    const bind = change.bind?.(ground.bind, i) ?? ground.bind;
    const binding = sha256(label('waxseal/1 share'), bind, setId, Uint8Array.of(k, n, i));
    const wrap = wrapTo(publicKeys[at] as Uint8Array, share, binding);
    const field = new Map<number, CborValue>([
      [1, setId],
      [2, k],
      [3, n],
      [4, i],
      [5, digests],
      [6, 2],
    ]);
    change.field?.(field, i);
    return entry(ground, {
      uri: custodians[at]?.uri ?? '',
      wrap: change.wrap?.(wrap, i) ?? wrap,
      change: (fields) => {
        fields.set(2, '1').set(3, 17).set(7, field);
        change.change?.(fields, i);
      },
    });
  });
}

const flipped = (wrap: Uint8Array, i: number): Uint8Array => (i === 1 ? wrap.map((b, at) => (at === 40 ? b ^ 1 : b)) : wrap);

export const quorumPositive: readonly Vector[] = [
  {
    name: 'quorum-2-of-3',
    about: 'shares of the data key to three custodians; opened by the first and the third',
    length: 100,
    keys: some(1, 3),
    make: () => craft({ entries: (g) => quorumEntries(g, { k: 2, n: 3 }) }),
  },
  {
    name: 'compact-quorum-3-of-5',
    about: 'a compact object, shares to five custodians; opened by the fifth, the second and the fourth',
    length: 100,
    keys: some(5, 2, 4),
    make: () => craftBlock({ layout: 'compact', entries: (g) => quorumEntries(g, { k: 3, n: 5 }) }),
  },
  {
    name: 'quorum-beside-local',
    about: 'a local key beside a quorum of which one custodian is at hand; opened with the local key',
    length: 100,
    keys: [...some(1), { uri: URI, versions: [key1] }],
    make: () => craft({ entries: (g) => [...quorumEntries(g, { k: 2, n: 3 }), entry(g)] }),
  },
  {
    name: 'quorum-share-changed-and-enough-others',
    about: 'the wrap of the first share was changed; the second and third open',
    length: 100,
    keys: some(1, 2, 3),
    make: () => craft({ entries: (g) => quorumEntries(g, { k: 2, n: 3, wrap: flipped }) }),
  },
  {
    name: 'quorum-share-wrong-and-enough-others',
    about: 'the first share is not one of the data key, though it has the digest that all entries name; the others open',
    length: 100,
    keys: some(1, 2, 3),
    make: () => craft({ entries: (g) => quorumEntries(g, { k: 2, n: 3, shares: ([, ...rest]) => [random(33), ...rest] }) }),
  },
];

const refused = (name: string, code: NonNullable<Vector['code']>, about: string, made: Partial<Made>, keys = some(1, 2)): Vector => ({
  name: `quorum-${name}`,
  code,
  about,
  keys,
  make: () => craft({ entries: (g) => quorumEntries(g, { k: 2, n: 3, ...made }) }),
});

export const quorumNegative: readonly Vector[] = [
  refused('too-few', 'ERR_NO_MATCHING_KEY', 'one custodian of two', {}, some(2)),
  refused('share-changed', 'ERR_AUTHENTICATION', 'a bit of the wrap of the first share changed', { wrap: flipped }),
  refused('of-another-object', 'ERR_AUTHENTICATION', 'the first share is bound to another object', {
    bind: (bind, i) => (i === 1 ? random(32) : bind),
  }),
  refused('of-another-place', 'ERR_AUTHENTICATION', 'the entries of the first and second share say each other’s place', {
    field: (share, i) => void (i < 3 && share.set(4, 3 - i)),
  }),
  refused('digest-changed', 'ERR_AUTHENTICATION', 'the first entry names another digest for its share', {
    field: (share, i) => void (i === 1 && share.set(5, [random(32), ...(share.get(5) as Uint8Array[]).slice(1)])),
  }),
  refused('share-wrong', 'ERR_AUTHENTICATION', 'the first share is not one of the data key: the header tag refuses it', {
    shares: ([, ...rest]) => [random(33), ...rest],
  }),
  refused('share-short', 'ERR_AUTHENTICATION', 'the first share has 32 bytes', {
    shares: ([first, ...rest]) => [(first ?? random(33)).subarray(0, 32), ...rest],
  }),
  refused('direct-algorithm', 'ERR_NO_MATCHING_KEY', 'field 7 in entries that say the algorithm of their wrap, not 17', {
    change: (fields) => void fields.set(3, 2),
  }),
  refused('without-field', 'ERR_NO_MATCHING_KEY', 'algorithm 17 without field 7', {
    change: (fields) => void fields.delete(7),
  }),
  refused('unknown-field', 'ERR_NO_MATCHING_KEY', 'a seventh field in field 7', { field: (share) => void share.set(7, 1) }),
  refused('threshold-one', 'ERR_NO_MATCHING_KEY', 'a threshold of one', { field: (share) => void share.set(2, 1) }),
  refused('threshold-above', 'ERR_NO_MATCHING_KEY', 'a threshold above the number of shares', {
    field: (share) => void share.set(2, 4),
  }),
];
