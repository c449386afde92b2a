import { join } from 'node:path';
import { WaxsealError } from '../../errors/index.ts';
import { toBase64Url } from '../../bytes/index.ts';
import { damaged } from './damage.ts';
import { fieldsOf } from './fields.ts';
import { readPrivateFile, writePrivateFile } from './private-files.ts';
import { assertKind, parseRecord, RECORD_FORMAT, serializeRecord } from './record.ts';
import type { RingSecrets } from './ring-secrets.ts';

/** When a keyring was backed up last. */
export interface LastBackup {
  /** When it was made. */
  readonly at: Date;
  /** Whether that backup holds every key version that exists now and is not destroyed. */
  readonly complete: boolean;
}

/** What is noted of a backup: `URI/VERSION` for each version in it. */
export interface BackupNote {
  readonly at: Date;
  readonly versions: ReadonlySet<string>;
}

/** Name of the note in the folder of the keyring. */
export const LAST_BACKUP_FILE = 'last-backup.json';
const KIND = 'waxseal-keyring-last-backup';
const MAX_FILE_BYTES = 16 * 2 ** 20;

export async function writeLastBackup(folder: string, secrets: RingSecrets, note: BackupNote): Promise<void> {
  const record = secrets.authenticate({
    kind: KIND,
    format: RECORD_FORMAT,
    keyring: toBase64Url(secrets.id),
    at: note.at.toISOString(),
    versions: [...note.versions],
  });
  await writePrivateFile(join(folder, LAST_BACKUP_FILE), serializeRecord(record), { overwrite: true });
}

/** @throws WaxsealError `ERR_KEYRING_DAMAGED` */
export async function readLastBackup(folder: string, secrets: RingSecrets): Promise<BackupNote | undefined> {
  const path = join(folder, LAST_BACKUP_FILE);
  const bytes = await readPrivateFile(path, { maxBytes: MAX_FILE_BYTES });
  if (bytes === undefined) return undefined;
  try {
    const record = parseRecord(bytes, path);
    assertKind(record, KIND, path);
    const fields = fieldsOf(record, ['kind', 'format', 'keyring', 'at', 'versions', 'mac'], path);
    if (!secrets.isAuthentic(record)) throw damaged(path, 'it was changed, or belongs to another keyring');
    return { at: fields.date('at'), versions: new Set(fields.list('versions').map(String)) };
  } catch (cause) {
    if (!(cause instanceof WaxsealError) || cause.code !== 'ERR_KEYRING_DAMAGED') throw cause;
    const next = `remove ${path} and make a new backup: waxseal key backup -o FILE`;
    throw new WaxsealError('ERR_KEYRING_DAMAGED', cause.message, { object: path, next, cause });
  }
}
