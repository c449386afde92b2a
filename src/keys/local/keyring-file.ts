import { join } from 'node:path';
import { toBase64Url } from '../../bytes/index.ts';
import { sha256 } from '../../crypto/hash.ts';
import { equalSecrets, zero } from '../../crypto/secrets.ts';
import { WaxsealError } from '../../errors/index.ts';
import { damaged } from './damage.ts';
import { fieldsOf } from './fields.ts';
import { readPrivateFile } from './private-files.ts';
import {
  assertKind,
  canonicalJson,
  type JsonRecord,
  parseRecord,
  RECORD_FORMAT,
  serializeRecord,
  without,
} from './record.ts';
import { MAC_LENGTH, openKey, recordMac, RingSecrets, SEALED_KEY_LENGTH } from './ring-secrets.ts';
import {
  deriveUnlockKeys,
  newUnlockParameters,
  parseUnlock,
  type Unlock,
  type UnlockParameters,
  unlockRecord,
} from './unlock.ts';
import type { ScryptCost } from './scrypt.ts';

export const KEYRING_FILE = 'keyring.json';
export const KEYS_FOLDER = 'keys';
export const RING_ID_LENGTH = 16;

const KIND = 'waxseal-keyring';
const MAX_FILE_BYTES = 8192;

/** What keyring.json says, before it is unlocked. */
export interface KeyringHeader {
  readonly id: Uint8Array;
  readonly created: Date;
  readonly unlock: UnlockParameters;
  readonly sealedMaster: Uint8Array;
  readonly mac: Uint8Array;
  readonly record: JsonRecord;
}

/**
 * Makes the record of keyring.json: the master key sealed under one half of the unlocking keys, and a MAC over the rest
 * under the other half. The MAC commits to passphrase or key file, which a Poly1305 tag alone does not: a crafted box
 * may open under two keys.
 *
 * `sha256` is no protection, only what tells a damaged file from a wrong passphrase.
 */
export async function makeHeader(
  secrets: RingSecrets,
  created: Date,
  unlock: Unlock,
  cost: ScryptCost | undefined,
  path: string,
): Promise<JsonRecord> {
  const parameters = newUnlockParameters(unlock, cost);
  const keys = await deriveUnlockKeys(unlock, parameters, path, { create: true });
  try {
    const { sealing, committing } = halves(keys);
    const rest: JsonRecord = {
      kind: KIND,
      format: RECORD_FORMAT,
      id: toBase64Url(secrets.id),
      created: created.toISOString(),
      unlock: unlockRecord(parameters),
      masterKey: toBase64Url(secrets.sealMaster(sealing)),
    };
    const record = { ...rest, mac: toBase64Url(recordMac(rest, committing)) };
    return { ...record, sha256: checksum(record) };
  } finally {
    zero(keys);
  }
}

/** @throws WaxsealError `ERR_KEYRING_DAMAGED`, `ERR_UNSUPPORTED_VERSION` */
export function parseHeader(record: JsonRecord, path: string): KeyringHeader {
  assertKind(record, KIND, path);
  const names = ['kind', 'format', 'id', 'created', 'unlock', 'masterKey', 'mac', 'sha256'];
  const fields = fieldsOf(record, names, path);
  const header: KeyringHeader = {
    id: fields.bytes('id', RING_ID_LENGTH),
    created: fields.date('created'),
    unlock: parseUnlock(fields.record('unlock'), path),
    sealedMaster: fields.bytes('masterKey', SEALED_KEY_LENGTH),
    mac: fields.bytes('mac', MAC_LENGTH),
    record,
  };
  if (record.sha256 !== checksum(without(record, 'sha256'))) throw damaged(path, 'its checksum does not match');
  return header;
}

/** Reads keyring.json; undefined when there is none. */
export async function readHeader(folder: string): Promise<KeyringHeader | undefined> {
  const path = join(folder, KEYRING_FILE);
  const bytes = await readPrivateFile(path, { maxBytes: MAX_FILE_BYTES });
  return bytes === undefined ? undefined : parseHeader(parseRecord(bytes, path), path);
}

export function headerBytes(record: JsonRecord): Uint8Array {
  return serializeRecord(record);
}

/**
 * Unlocks a keyring.
 *
 * @throws WaxsealError `ERR_WRONG_PASSPHRASE`
 */
export async function openHeader(header: KeyringHeader, unlock: Unlock, path: string): Promise<RingSecrets> {
  const keys = await deriveUnlockKeys(unlock, header.unlock, path);
  try {
    const { sealing, committing } = halves(keys);
    // The commitment first: nothing is decrypted with a key that it does not name.
    if (!equalSecrets(header.mac, recordMac(without(header.record, 'sha256'), committing))) throw wrong(unlock, path);
    const master = openKey(header.sealedMaster, sealing);
    if (master === undefined) throw damaged(path, 'its master key does not open');
    return new RingSecrets(header.id, master);
  } finally {
    zero(keys);
  }
}

function halves(keys: Uint8Array): { sealing: Uint8Array; committing: Uint8Array } {
  return { sealing: keys.subarray(0, 32), committing: keys.subarray(32) };
}

function checksum(record: JsonRecord): string {
  return toBase64Url(sha256(new Uint8Array(Buffer.from(canonicalJson(record)))));
}

function wrong(unlock: Unlock, path: string): WaxsealError {
  const what = 'keyFile' in unlock ? `the key file ${unlock.keyFile}` : 'the passphrase';
  return new WaxsealError('ERR_WRONG_PASSPHRASE', `${what} does not unlock ${path}`, { object: path });
}
