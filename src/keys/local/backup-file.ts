import { toBase64Url } from '../../bytes/index.ts';
import { equalSecrets, zero } from '../../crypto/secrets.ts';
import { isWaxsealError, WaxsealError } from '../../errors/index.ts';
import { X25519_VERSION } from '../x25519/hpke-wrap.ts';
import { x25519Uri } from '../x25519/public-key.ts';
import { fieldsOf } from './fields.ts';
import { type KeyRecord, readRecord, recordFileName, type StateRecord, versionString } from './key-records.ts';
import { KEYS_FOLDER, makeHeader, openHeader, parseHeader } from './keyring-file.ts';
import { PAIRS_FOLDER } from './pair-names.ts';
import { isPairRecord, pairFileName, type PairRecord, readPair, withPrivateKey } from './pair-records.ts';
import {
  assertKind,
  type JsonRecord,
  parseRecord,
  RECORD_FORMAT,
  type RecordValue,
  serializeRecord,
} from './record.ts';
import { MAC_LENGTH, type RingSecrets } from './ring-secrets.ts';
import type { ScryptCost } from './scrypt.ts';
import type { Unlock } from './unlock.ts';

const KIND = 'waxseal-keyring-backup';
export const MAX_BACKUP_BYTES = 64 * 2 ** 20;

/** Everything that a backup carries beside the keyring itself. */
export type BackupRecord = KeyRecord | PairRecord;

/** A record of a key as it stands in a backup: parsed, and in the form that its file has. */
export interface BackupEntry {
  readonly record: BackupRecord;
  /** Path of its file inside the keyring, part by part. */
  readonly path: readonly string[];
  readonly json: JsonRecord;
}

/** An opened backup. The caller closes `secrets`. */
export interface OpenedBackup {
  readonly secrets: RingSecrets;
  /** When the backup was made. */
  readonly at: Date;
  /** When the keyring was made. */
  readonly ringCreated: Date;
  readonly entries: readonly BackupEntry[];
}

/** The bytes of a backup: the keyring's own records, its master key under another passphrase, a MAC over all of it. */
export async function makeBackup(
  secrets: RingSecrets,
  ringCreated: Date,
  at: Date,
  records: readonly JsonRecord[],
  unlock: Unlock,
  cost: ScryptCost | undefined,
  path: string,
): Promise<Uint8Array> {
  const rest: JsonRecord = {
    kind: KIND,
    format: RECORD_FORMAT,
    at: at.toISOString(),
    keyring: await makeHeader(secrets, ringCreated, unlock, cost, path),
    records,
  };
  return serializeRecord({ ...rest, mac: toBase64Url(secrets.backupMac(rest)) });
}

/**
 * Unlocks a backup and checks every record of it: its MAC, its key, and that no version and no state is missing.
 *
 * @throws WaxsealError `ERR_WRONG_PASSPHRASE`, `ERR_KEYRING_DAMAGED`, `ERR_UNSUPPORTED_VERSION`
 */
export async function openBackup(bytes: Uint8Array, path: string, unlock: Unlock): Promise<OpenedBackup> {
  let secrets: RingSecrets | undefined;
  try {
    const backup = parseRecord(bytes, path);
    assertKind(backup, KIND, path);
    const fields = fieldsOf(backup, ['kind', 'format', 'at', 'keyring', 'records', 'mac'], path);
    const header = parseHeader(fields.record('keyring'), path);
    const mac = fields.bytes('mac', MAC_LENGTH);
    secrets = await openHeader(header, unlock, path);
    if (!equalSecrets(mac, secrets.backupMac(backup))) throw damagedBackup(path, 'it was changed');
    const entries = checkEntries(fields.list('records'), secrets, path);
    return { secrets, at: fields.date('at'), ringCreated: header.created, entries };
  } catch (error) {
    secrets?.close();
    if (isWaxsealError(error, 'ERR_KEYRING_DAMAGED')) throw damagedBackup(path, error.message, error);
    throw error;
  }
}

function checkEntries(values: readonly RecordValue[], secrets: RingSecrets, path: string): BackupEntry[] {
  const entries = values.map((value): BackupEntry => {
    if (typeof value !== 'object' || Array.isArray(value)) throw damagedBackup(path, 'a record of it is not valid');
    const json = value as JsonRecord;
    const record = isPairRecord(json) ? readPair(json, secrets, path) : readRecord(json, secrets, path);
    if (record.type === 'version') {
      const kek = secrets.openKek(record.sealedKek, record.keyId);
      zero(kek);
      if (kek === undefined) throw damagedBackup(path, 'a key of it does not open');
    }
    if (record.type === 'pair') withPrivateKey(record, secrets, path, () => undefined);
    return { record, json, path: filePathOf(record) };
  });
  assertComplete(entries, path);
  return entries;
}

/** Where a record stands in a keyring. */
function filePathOf(record: BackupRecord): readonly string[] {
  if (record.type === 'pair') return [PAIRS_FOLDER, pairFileName(record.name)];
  const sequence = record.type === 'state' ? record.sequence : undefined;
  return [KEYS_FOLDER, record.name, recordFileName({ n: record.n, sequence })];
}

function assertComplete(entries: readonly BackupEntry[], path: string): void {
  const paths = new Set(entries.map((entry) => entry.path.join('/')));
  if (paths.size !== entries.length) throw damagedBackup(path, 'it holds a record twice');
  for (const { record } of entries) {
    // A pair needs nothing but itself.
    if (record.type === 'pair') continue;
    const { name, n } = record;
    const needed: string[] = [];
    if (n > 1) needed.push(recordFileName({ n: n - 1 }));
    if (record.type === 'state') {
      needed.push(recordFileName({ n }));
      if (record.sequence > 1) needed.push(recordFileName({ n, sequence: record.sequence - 1 }));
    }
    for (const file of needed) {
      if (paths.has([KEYS_FOLDER, name, file].join('/'))) continue;
      const destroyed = entries.some(
        ({ record: other }) => isDestroyed(other) && file === recordFileName({ n: other.n }) && other.name === name,
      );
      if (!destroyed) throw damagedBackup(path, `${file} of local:${name} is missing`);
    }
  }
}

function isDestroyed(record: BackupRecord): record is StateRecord {
  return record.type === 'state' && record.state === 'destroyed';
}

/** The versions whose keys a backup holds, as `URI/VERSION`. */
export function coveredVersions(records: readonly BackupRecord[]): Set<string> {
  const covered = new Set<string>();
  for (const record of records) {
    if (record.type === 'version') covered.add(`local:${record.name}/${versionString(record)}`);
    if (record.type === 'pair') covered.add(`${x25519Uri(record.publicKey)}/${X25519_VERSION}`);
  }
  return covered;
}

function damagedBackup(path: string, why: string, cause?: unknown): WaxsealError {
  return new WaxsealError('ERR_KEYRING_DAMAGED', `the backup ${path} cannot be used: ${why}`, {
    object: path,
    next: 'use another copy of the backup',
    cause,
  });
}
