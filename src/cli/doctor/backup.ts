import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readKeyringInfo } from '../../keys/local/index.ts';
import { LAST_BACKUP_FILE } from '../../keys/local/last-backup.ts';
import type { Examination } from './examination.ts';
import { failed, type Finding } from './finding.ts';

const CHECK = 'backup';
const OLD_DAYS = 90;
const DAY_MS = 86_400_000;

/** Whether the keyring could be brought back if this machine were gone. */
export async function checkBackup(examination: Examination): Promise<Finding[]> {
  const { ring } = examination;
  const next = examination.command('key backup -o keyring.backup');
  const folder = ring?.folder ?? (await examination.keyringFolder());
  if (folder === undefined) return [];
  const info = ring ?? (await readKeyringInfo(folder).catch(() => undefined));
  if (info === undefined) return [];
  const none: Finding = {
    check: CHECK,
    status: 'warning',
    message: 'the keyring was never backed up: if it is lost, everything sealed under it is lost for ever',
    next: `${next} # and keep the copy on another machine`,
  };
  if (ring === undefined) {
    const note = await stat(join(folder, LAST_BACKUP_FILE)).catch(() => undefined);
    if (note === undefined) return [none];
    const message = 'the keyring was backed up; whether that backup is complete is only known when it is unlocked';
    return [{ check: CHECK, status: 'info', message, next: examination.command('doctor --passphrase-file FILE') }];
  }
  try {
    const last = await ring.lastBackup();
    return [last === undefined ? none : judged(last, next)];
  } catch (error) {
    return [failed(CHECK, error)];
  }
}

function judged({ at, complete }: { readonly at: Date; readonly complete: boolean }, next: string): Finding {
  const day = at.toISOString().slice(0, 10);
  const days = Math.floor((Date.now() - at.getTime()) / DAY_MS);
  if (!complete) {
    const message = `the backup of ${day} lacks key versions that were made since: what is sealed under them has no other key`;
    return { check: CHECK, status: 'warning', message, next };
  }
  if (days > OLD_DAYS) {
    const message = `the last backup was made ${String(days)} days ago (${day}): see whether it is still there, or make a new one`;
    return { check: CHECK, status: 'warning', message, next };
  }
  return { check: CHECK, status: 'ok', message: `the backup of ${day} holds every key version` };
}
