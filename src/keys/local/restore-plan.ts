import { join } from 'node:path';
import { equalBytes } from '../../bytes/index.ts';
import { isWaxsealError, WaxsealError } from '../../errors/index.ts';
import type { BackupEntry, BackupRecord, OpenedBackup } from './backup-file.ts';
import {
  MAX_RECORD_BYTES,
  readRecordFile,
  recordFileName,
  type StateRecord,
  type VersionRecord,
} from './key-records.ts';
import { KEYS_FOLDER } from './keyring-file.ts';
import { MAX_PAIR_BYTES, type PairRecord, readPairFile } from './pair-records.ts';
import { readPrivateFile } from './private-files.ts';
import { serializeRecord } from './record.ts';

/** The records to put back, and whether a damaged file has to make room first. */
export type RestorePlan = readonly { readonly entry: BackupEntry; readonly damaged: boolean }[];

type OnDisk = 'missing' | 'damaged' | 'same' | { readonly other: BackupRecord };

/**
 * Compares a backup with what is on disk, before anything is written.
 *
 * - What is there and intact stays.
 * - A version that was destroyed here stays destroyed.
 * - States that went another way here stay as they are.
 * - A version whose number, or a pair whose name, was given to another key here is a conflict: the keyring was used in
 *   two places. The same pair, taken in twice, is none.
 *
 * @throws WaxsealError `ERR_KEY_EXISTS`
 */
export async function planRestore(root: string, backup: OpenedBackup, knownRing: boolean): Promise<RestorePlan> {
  const found = new Map<BackupEntry, OnDisk>();
  for (const entry of backup.entries) found.set(entry, await look(root, entry, backup));
  const intact = [...found.values()].some((state) => state !== 'missing' && state !== 'damaged');
  const broken = [...found.values()].some((state) => state === 'damaged');
  // Without keyring.json only the records tell whose they are. Were they another keyring's, all would look damaged.
  if (!knownRing && broken && !intact) {
    throw new WaxsealError('ERR_KEY_EXISTS', `${root} holds files that are not of the keyring in the backup`, {
      object: root,
      next: 'restore into another folder; nothing was changed here',
    });
  }
  const ownWay = new Set<string>();
  for (const [{ record, path }, state] of found) {
    if (typeof state === 'string') continue;
    if (record.type === 'pair') assertSamePair(record, state.other, join(root, ...path));
    if (record.type === 'version') {
      throw conflict(join(root, ...path), `version ${String(record.n)} of local:${record.name}`);
    }
    if (record.type === 'state') ownWay.add(`${record.name}/${String(record.n)}`);
  }
  const plan: { entry: BackupEntry; damaged: boolean }[] = [];
  for (const [entry, state] of found) {
    const { record } = entry;
    if (state === 'same' || typeof state === 'object') continue;
    if (record.type === 'state' && ownWay.has(`${record.name}/${String(record.n)}`)) continue;
    if (record.type === 'version' && (await wasDestroyed(root, record, backup))) continue;
    plan.push({ entry, damaged: state === 'damaged' });
  }
  return plan;
}

async function look(root: string, entry: BackupEntry, backup: OpenedBackup): Promise<OnDisk> {
  const record = await readIntact(join(root, ...entry.path), entry.record, backup);
  if (record === undefined || record === 'damaged') return record ?? 'missing';
  const same = equalBytes(serializeRecord(entry.json), record.bytes);
  return same ? 'same' : { other: record.record };
}

async function readIntact(
  path: string,
  expected: BackupRecord,
  { secrets }: OpenedBackup,
): Promise<{ readonly record: BackupRecord; readonly bytes: Uint8Array } | 'damaged' | undefined> {
  try {
    const maxBytes = expected.type === 'pair' ? MAX_PAIR_BYTES : MAX_RECORD_BYTES;
    const bytes = await readPrivateFile(path, { maxBytes });
    if (bytes === undefined) return undefined;
    if (expected.type === 'pair') return { record: readPairFile(bytes, secrets, path, expected.name), bytes };
    const sequence = expected.type === 'state' ? expected.sequence : undefined;
    return { record: readRecordFile(bytes, secrets, path, { name: expected.name, n: expected.n, sequence }), bytes };
  } catch (error) {
    if (isWaxsealError(error, 'ERR_KEYRING_DAMAGED')) return 'damaged';
    throw error;
  }
}

/** Whether the keyring on disk says, in any of its state records, that this very version was destroyed. */
async function wasDestroyed(root: string, version: VersionRecord, backup: OpenedBackup): Promise<boolean> {
  const { name, n, keyId, created } = version;
  for (let sequence = 1; ; sequence++) {
    const expected: StateRecord = { type: 'state', name, n, keyId, created, sequence, state: 'destroyed', at: created };
    const path = join(root, KEYS_FOLDER, name, recordFileName({ n, sequence }));
    const found = await readIntact(path, expected, backup);
    if (found === undefined) return false;
    if (found === 'damaged') continue;
    if (found.record.type === 'state' && found.record.state === 'destroyed') return true;
  }
}

function assertSamePair(pair: PairRecord, other: BackupRecord, path: string): void {
  if (other.type === 'pair' && equalBytes(other.publicKey, pair.publicKey)) return;
  throw conflict(path, `the key pair ${pair.name}`);
}

function conflict(path: string, what: string): WaxsealError {
  return new WaxsealError(
    'ERR_KEY_EXISTS',
    `${what} in the backup is another key than ${path}: this keyring was used in two places`,
    {
      object: path,
      next: 'restore into another folder and rewrap what is sealed under its versions; nothing was changed here',
    },
  );
}
