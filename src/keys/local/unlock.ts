import { expandLabel } from '../../crypto/hkdf.ts';
import { allocateSecret, randomPublic, zero } from '../../crypto/secrets.ts';
import { refuseUnknownOptions, WaxsealError } from '../../errors/index.ts';
import { type Fields, fieldsOf } from './fields.ts';
import { damaged } from './damage.ts';
import { readKeyFile } from './key-file.ts';
import type { JsonRecord } from './record.ts';
import { DEFAULT_SCRYPT, deriveScrypt, isScryptCost, SCRYPT_R, type ScryptCost } from './scrypt.ts';
import { toBase64Url } from '../../bytes/index.ts';

/**
 * What opens a keyring. A passphrase given as text is normalised to Unicode NFC and encoded as UTF-8, so that the same
 * words typed on another system open it too; bytes are taken as they are. `keyFile` is the path of a key file.
 */
export type Unlock =
  | {
      /** Text, or its bytes; read only. */
      readonly passphrase: string | Uint8Array;
    }
  | {
      /** Path of the key file. */
      readonly keyFile: string;
    };

/** How the keys that open a keyring are derived; stands in keyring.json. */
export type UnlockParameters =
  | ({ readonly kdf: 'scrypt'; readonly salt: Uint8Array } & ScryptCost)
  | { readonly kdf: 'key-file'; readonly salt: Uint8Array };

const SALT_LENGTH = 16;

/** Half of it seals the master key, half of it makes the MAC that commits to the key. */
const UNLOCK_KEYS_LENGTH = 64;

/** Fresh parameters for a way to unlock. */
export function newUnlockParameters(unlock: Unlock, cost: ScryptCost = DEFAULT_SCRYPT): UnlockParameters {
  const salt = randomPublic(SALT_LENGTH);
  return 'keyFile' in unlock ? { kdf: 'key-file', salt } : { kdf: 'scrypt', salt, N: cost.N, p: cost.p };
}

export function unlockRecord(parameters: UnlockParameters): JsonRecord {
  const salt = toBase64Url(parameters.salt);
  if (parameters.kdf === 'key-file') return { kdf: 'key-file', salt };
  return { kdf: 'scrypt', N: parameters.N, r: SCRYPT_R, p: parameters.p, salt };
}

/** @throws WaxsealError `ERR_KEYRING_DAMAGED`, also for a cost outside the bounds: nothing is allocated for it */
export function parseUnlock(record: JsonRecord, path: string): UnlockParameters {
  const salt = (fields: Fields): Uint8Array => fields.bytes('salt', SALT_LENGTH);
  if (record.kdf === 'key-file') return { kdf: 'key-file', salt: salt(fieldsOf(record, ['kdf', 'salt'], path)) };
  if (record.kdf !== 'scrypt') throw damaged(path, 'it is unlocked in a way that this version does not know');
  const fields = fieldsOf(record, ['kdf', 'N', 'r', 'p', 'salt'], path);
  const cost = { N: fields.integer('N', 1, Number.MAX_SAFE_INTEGER), p: fields.integer('p', 1, 2 ** 30) };
  fields.integer('r', SCRYPT_R, SCRYPT_R);
  if (!isScryptCost(cost))
    throw damaged(path, `its scrypt cost N=${String(cost.N)} p=${String(cost.p)} is out of bounds`);
  return { kdf: 'scrypt', salt: salt(fields), ...cost };
}

/**
 * Checks a way to unlock before anything is done with it.
 *
 * @throws TypeError for anything that is neither a passphrase nor a key file
 * @throws WaxsealError `ERR_USAGE` for an empty passphrase
 */
export function assertUnlock(unlock: Unlock, what: string): void {
  refuseUnknownOptions(`${what}: unlock`, unlock, ['passphrase', 'keyFile']);
  const { passphrase, keyFile } = unlock as { passphrase?: unknown; keyFile?: unknown };
  if ((passphrase === undefined) === (keyFile === undefined)) {
    throw new TypeError(`${what}: unlock takes a passphrase or a keyFile`);
  }
  if (keyFile !== undefined) {
    if (typeof keyFile !== 'string' || keyFile === '') throw new TypeError(`${what}: keyFile must be a path`);
    return;
  }
  if (typeof passphrase !== 'string' && !(passphrase instanceof Uint8Array)) {
    throw new TypeError(`${what}: the passphrase must be text or bytes`);
  }
  if (passphrase.length === 0)
    throw new WaxsealError('ERR_USAGE', 'the passphrase is empty', { next: 'choose a passphrase' });
  if (typeof passphrase === 'string' && !passphrase.isWellFormed()) {
    throw new TypeError(`${what}: the passphrase is not well-formed Unicode`);
  }
}

/**
 * Derives the 64 bytes that open a keyring; the caller zeroes them.
 *
 * @param path the file that holds `parameters`, for messages
 * @param create whether a key file that does not exist is made
 * @throws WaxsealError `ERR_WRONG_PASSPHRASE` when the keyring is unlocked in the other way
 */
export async function deriveUnlockKeys(
  unlock: Unlock,
  parameters: UnlockParameters,
  path: string,
  { create = false } = {},
): Promise<Uint8Array<ArrayBuffer>> {
  if ('keyFile' in unlock) {
    if (parameters.kdf !== 'key-file') throw otherWay(path, 'a passphrase, not a key file');
    return fromKeyFile(unlock.keyFile, parameters.salt, create);
  }
  if (parameters.kdf !== 'scrypt') throw otherWay(path, 'a key file, not a passphrase');
  const passphrase = passphraseBytes(unlock.passphrase);
  try {
    return await deriveScrypt(passphrase, parameters.salt, parameters, UNLOCK_KEYS_LENGTH);
  } finally {
    zero(passphrase);
  }
}

async function fromKeyFile(path: string, salt: Uint8Array, create: boolean): Promise<Uint8Array<ArrayBuffer>> {
  const key = create ? await (await import('./new-key-file.ts')).readOrCreateKeyFile(path) : await readKeyFile(path);
  if (key === undefined) {
    throw new WaxsealError('ERR_FILE_NOT_FOUND', `the key file ${path} that unlocks the keyring does not exist`, {
      object: path,
      next: 'name the right key file, or restore the keyring from its backup: waxseal key restore FILE',
    });
  }
  const out = allocateSecret(UNLOCK_KEYS_LENGTH);
  for (const half of [0, 1]) {
    const bytes = expandLabel(key, 'waxseal/1 keyring-unlock', [salt, Uint8Array.of(half)], UNLOCK_KEYS_LENGTH / 2);
    out.set(bytes, half * bytes.length);
    zero(bytes);
  }
  zero(key);
  return out;
}

/** A copy of our own, which can be zeroed: never the caller's bytes, never a pooled buffer. */
function passphraseBytes(passphrase: string | Uint8Array): Uint8Array<ArrayBuffer> {
  if (typeof passphrase !== 'string') {
    const copy = allocateSecret(passphrase.length);
    copy.set(passphrase);
    return copy;
  }
  const text = passphrase.normalize('NFC');
  const copy = allocateSecret(Buffer.byteLength(text));
  new TextEncoder().encodeInto(text, copy);
  return copy;
}

function otherWay(path: string, way: string): WaxsealError {
  return new WaxsealError('ERR_WRONG_PASSPHRASE', `the keyring ${path} is unlocked by ${way}`, { object: path });
}
