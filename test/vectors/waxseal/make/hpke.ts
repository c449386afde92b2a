import { createCipheriv } from 'node:crypto';
import { ascii, concat } from '../../../../src/bytes/index.ts';
import { keySchedule } from '../../../../src/crypto/hpke/key-schedule.ts';
import { labeledKdf, NOTHING } from '../../../../src/crypto/hpke/labeled-kdf.ts';
import { wrapTo } from '../../../../src/keys/x25519/hpke-wrap.ts';
import { x25519PublicKey } from '../../../../src/crypto/hpke/index.ts';
import { x25519KeyPair } from '../../../../src/keys/x25519/index.ts';
import { craft, entry, type Ground, random } from './craft.ts';
import { craftBlock } from './craft-block.ts';
import type { RecordedKey } from './fixed-key.ts';
import type { Vector } from './vector.ts';

/* SPEC "Wrap algorithms", number 2. */
const privateKey = Uint8Array.from({ length: 32 }, (_, i) => 0xa0 + i);
const publicKey = x25519PublicKey(privateKey);
const { uri } = x25519KeyPair(privateKey);
const keys: readonly RecordedKey[] = [{ uri, privateKey }];

type Fields = Parameters<NonNullable<NonNullable<Parameters<typeof entry>[1]>['change']>>[0];

const wrapOf = ({ dataKey, bind }: Ground): Uint8Array => wrapTo(publicKey, dataKey, bind);
const hpkeEntry = (ground: Ground, wrap = wrapOf(ground), change: (fields: Fields) => void = () => undefined) =>
  entry(ground, {
    uri,
    wrap,
    change: (fields) => {
      fields.set(2, '1').set(3, 2);
      change(fields);
    },
  });

export const hpkePositive: readonly Vector[] = [
  {
    name: 'hpke-recipient',
    about: 'wrapped to an X25519 public key (algorithm 2)',
    length: 100,
    keys,
    make: () => craft({ entries: (g) => [hpkeEntry(g)] }),
  },
  {
    name: 'hpke-beside-local',
    about: 'a compact object wrapped to an X25519 public key and a local key; opened with the former',
    length: 100,
    keys,
    make: () => craftBlock({ layout: 'compact', entries: (g) => [entry(g), hpkeEntry(g)] }),
  },
];

const refused = (name: string, about: string, wrap: (ground: Ground) => Uint8Array): Vector => ({
  name: `hpke-${name}`,
  code: 'ERR_AUTHENTICATION',
  about,
  keys,
  make: () => craft({ entries: (g) => [hpkeEntry(g, wrap(g))] }),
});
const changedAt = (at: number) => (ground: Ground) => {
  const wrap = wrapOf(ground);
  wrap[at] = (wrap[at] ?? 0) ^ 1;
  return wrap;
};

/** What a reader would open that takes the all-zero Diffie-Hellman value of the point 0. */
function lowOrder({ dataKey, bind }: Ground): Uint8Array {
  const enc = new Uint8Array(32);
  const kdf = labeledKdf(concat(ascii('KEM'), Uint8Array.of(0, 0x20)));
  const prk = kdf.extract(NOTHING, 'eae_prk', new Uint8Array(32));
  const shared = kdf.expand(prk, 'shared_secret', concat(enc, publicKey), 32);
  const { key, nonce } = keySchedule(shared, concat(ascii('waxseal/1 hpke'), Uint8Array.of(0), bind));
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  return concat(enc, cipher.update(dataKey), cipher.final(), cipher.getAuthTag());
}

export const hpkeNegative: readonly Vector[] = [
  refused('encapsulated-key-changed', 'a bit of the encapsulated key changed', changedAt(3)),
  refused('ciphertext-changed', 'a bit of the ciphertext changed', changedAt(32)),
  refused('tag-changed', 'a bit of the tag changed', changedAt(79)),
  refused('of-another-object', 'the wrap of this data key for another object', ({ dataKey }) => wrapTo(publicKey, dataKey, random(32))),
  refused('of-another-key', 'a wrap to another public key', ({ dataKey, bind }) => wrapTo(x25519PublicKey(random(32)), dataKey, bind)),
  refused('of-another-data-key', 'a wrap for this object of another data key: the header tag refuses it', ({ bind }) => wrapTo(publicKey, random(32), bind)),
  refused('of-16-bytes', 'a wrap of a secret that is no data key', ({ dataKey, bind }) => wrapTo(publicKey, dataKey.subarray(0, 16), bind)),
  refused('low-order', 'an encapsulated key of small order, with which anybody could compute the wrap', lowOrder),
  refused('short', 'a wrap of 47 bytes', (ground) => wrapOf(ground).subarray(0, 47)),
  refused('empty', 'a wrap of no bytes', () => new Uint8Array(0)),
  refused('long', 'a byte after the wrap', (ground) => Uint8Array.of(...wrapOf(ground), 0)),
  {
    name: 'hpke-unknown-version',
    code: 'ERR_KEY_NOT_FOUND',
    about: 'an entry for version 2 of a key pair, which has only version 1',
    keys,
    make: () => craft({ entries: (g) => [hpkeEntry(g, wrapOf(g), (f) => f.set(2, '2'))] }),
  },
  {
    name: 'hpke-as-local',
    code: 'ERR_NO_MATCHING_KEY',
    about: 'an entry of the key pair that says algorithm 1, which the pair does not know',
    keys,
    make: () => craft({ entries: (g) => [hpkeEntry(g, wrapOf(g), (f) => f.set(3, 1))] }),
  },
];
