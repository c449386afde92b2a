import { equalBytes, toBase64Url } from '../../bytes/index.ts';
import { X25519_LENGTH, x25519PublicKey } from '../../crypto/hpke/index.ts';
import { zero } from '../../crypto/secrets.ts';
import { damaged } from './damage.ts';
import { fieldsOf } from './fields.ts';
import { assertKind, type JsonRecord, parseRecord, RECORD_FORMAT } from './record.ts';
import { type RingSecrets, SEALED_KEY_LENGTH } from './ring-secrets.ts';

/** A record has about 400 bytes. */
export const MAX_PAIR_BYTES = 2048;

const KIND = 'waxseal-x25519-key';

/** `x25519/NAME.json`: a key pair of X25519. Written once, never changed. */
export interface PairRecord {
  readonly type: 'pair';
  readonly name: string;
  readonly publicKey: Uint8Array;
  readonly created: Date;
  readonly sealedPrivateKey: Uint8Array;
}

/** The name of a pair's file in the folder of the pairs. */
export function pairFileName(name: string): string {
  return `${name}.json`;
}

/** Whether a record says that it is one of a pair. */
export function isPairRecord(record: JsonRecord): boolean {
  return record.kind === KIND;
}

/** The record of a pair, its private key sealed under the master key. `privateKey` is read only. */
export function makePair(name: string, privateKey: Uint8Array, created: Date, secrets: RingSecrets): JsonRecord {
  const publicKey = x25519PublicKey(privateKey);
  return secrets.authenticate({
    kind: KIND,
    format: RECORD_FORMAT,
    name,
    publicKey: toBase64Url(publicKey),
    privateKey: toBase64Url(secrets.sealPrivateKey(privateKey, publicKey)),
    created: created.toISOString(),
  });
}

/**
 * Parses and authenticates the record of a pair.
 *
 * @throws WaxsealError `ERR_KEYRING_DAMAGED`, `ERR_UNSUPPORTED_VERSION`
 */
export function readPair(record: JsonRecord, secrets: RingSecrets, path: string): PairRecord {
  assertKind(record, KIND, path);
  const fields = fieldsOf(record, ['kind', 'format', 'name', 'publicKey', 'privateKey', 'created', 'mac'], path);
  if (!secrets.isAuthentic(record)) throw damaged(path, 'it was changed, or belongs to another keyring');
  return {
    type: 'pair',
    name: fields.text('name'),
    publicKey: fields.bytes('publicKey', X25519_LENGTH),
    created: fields.date('created'),
    sealedPrivateKey: fields.bytes('privateKey', SEALED_KEY_LENGTH),
  };
}

/** As {@link readPair}, from the bytes of the file that has to hold the pair of this name. */
export function readPairFile(bytes: Uint8Array, secrets: RingSecrets, path: string, name: string): PairRecord {
  const pair = readPair(parseRecord(bytes, path), secrets, path);
  if (pair.name !== name) throw damaged(path, 'it is the file of another key');
  return pair;
}

/**
 * Lends the private key of a pair to `work`, once it is known to be the one of its public key; zeroed afterwards.
 *
 * @throws WaxsealError `ERR_KEYRING_DAMAGED`
 */
export function withPrivateKey<T>(
  { sealedPrivateKey, publicKey }: PairRecord,
  secrets: RingSecrets,
  path: string,
  work: (privateKey: Uint8Array) => T,
): T {
  const privateKey = secrets.openPrivateKey(sealedPrivateKey, publicKey);
  if (privateKey === undefined) throw damaged(path, 'its private key does not open');
  try {
    if (!equalBytes(x25519PublicKey(privateKey), publicKey))
      throw damaged(path, 'its two halves do not belong together');
    return work(privateKey);
  } finally {
    zero(privateKey);
  }
}
