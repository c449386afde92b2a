import { realpath } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fromSystemError, WaxsealError } from '../../errors/index.ts';
import { type BackupRecord, coveredVersions, makeBackup, openBackup } from './backup-file.ts';
import { damaged } from './damage.ts';
import { MAX_RECORD_BYTES, readRecordFile } from './key-records.ts';
import type { KeyStore } from './key-store.ts';
import { settled } from './settled.ts';
import type { Listing } from './key-folder.ts';
import { MAX_PAIR_BYTES, readPairFile } from './pair-records.ts';
import type { PairStore } from './pair-store.ts';
import { KEYRING_FILE, readHeader } from './keyring-file.ts';
import { readPrivateFile, writePrivateFile } from './private-files.ts';
import { type JsonRecord, parseRecord } from './record.ts';
import type { RingSecrets } from './ring-secrets.ts';
import type { ScryptCost } from './scrypt.ts';
import { assertUnlock, type Unlock } from './unlock.ts';

/** What a backup holds. */
export interface BackupReport {
  /** The file that was written. */
  readonly path: string;
  /** When it was made. */
  readonly at: Date;
  /** Number of keys. */
  readonly keys: number;
  /** `URI/VERSION` of every version in it. */
  readonly versions: ReadonlySet<string>;
}

/** Writes a backup: read back through a new descriptor, unlocked and compared before it gets its name. */
export async function writeBackup(
  target: string,
  passphrase: string | Uint8Array,
  { stores, pairs }: { readonly stores: readonly KeyStore[]; readonly pairs: readonly PairStore[] },
  folder: string,
  secrets: RingSecrets,
  cost: ScryptCost | undefined,
): Promise<BackupReport> {
  const unlock: Unlock = { passphrase };
  assertUnlock(unlock, 'backup');
  const path = resolve(target);
  await refuseInside(path, folder);
  const header = await readHeader(folder);
  if (header === undefined) throw damaged(join(folder, KEYRING_FILE), 'it is gone');
  const records: StoredRecord[] = [];
  for (const store of stores) records.push(...(await settled(store, (listing) => readAll(store, listing, secrets))));
  for (const pair of pairs) records.push(await readStoredPair(pair, secrets));
  const at = new Date();
  const json = records.map((entry) => entry.json);
  const bytes = await makeBackup(secrets, header.created, at, json, unlock, cost, path);
  await writePrivateFile(path, bytes, {
    overwrite: false,
    inspect: async (back) => {
      const opened = await openBackup(back, path, unlock);
      const good = opened.secrets.sameAs(secrets) && opened.entries.length === records.length;
      opened.secrets.close();
      if (!good) throw new WaxsealError('ERR_IO', `the backup ${path} did not read back as it was written`);
    },
  });
  return {
    path,
    at,
    keys: stores.length + pairs.length,
    versions: coveredVersions(records.map(({ record }) => record)),
  };
}

/** A record, and the JSON that its file holds. */
interface StoredRecord {
  readonly record: BackupRecord;
  readonly json: JsonRecord;
}

/** Every record of a key, read from the disk now: what is held in memory may be gone from there. */
async function readAll(store: KeyStore, listing: Listing, secrets: RingSecrets): Promise<StoredRecord[]> {
  const out: StoredRecord[] = [];
  const add = async (n: number, sequence?: number): Promise<void> => {
    const path = store.path(n, sequence);
    const bytes = await readPrivateFile(path, { maxBytes: MAX_RECORD_BYTES });
    if (bytes === undefined) throw damaged(path, 'it is missing');
    const record = readRecordFile(bytes, secrets, path, { name: store.name, n, sequence });
    out.push({ record, json: parseRecord(bytes, path) });
  };
  for (const { n, state, recorded } of await store.allFacts(listing)) {
    // A key that was destroyed is not carried on, also when a crash left its file behind.
    if (state !== 'destroyed') await add(n);
    for (let sequence = 1; sequence <= recorded.length; sequence++) await add(n, sequence);
  }
  return out;
}

async function readStoredPair({ path, name }: PairStore, secrets: RingSecrets): Promise<StoredRecord> {
  const bytes = await readPrivateFile(path, { maxBytes: MAX_PAIR_BYTES });
  if (bytes === undefined) throw damaged(path, 'it is missing');
  return { record: readPairFile(bytes, secrets, path, name), json: parseRecord(bytes, path) };
}

/** A backup that lies in the keyring is lost with it. */
async function refuseInside(path: string, folder: string): Promise<void> {
  let parent: string;
  try {
    parent = await realpath(dirname(path));
  } catch (error) {
    throw fromSystemError(error, 'write to', dirname(path));
  }
  const inside = relative(await realpath(folder), join(parent, basename(path)));
  if (inside === '' || !(inside.startsWith('..') || inside.startsWith('/'))) {
    throw new WaxsealError('ERR_USAGE', `a backup inside the keyring ${folder} would be lost with it`, {
      object: path,
      next: 'choose a path on another disk or machine',
    });
  }
}
