import { rename } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { toHex } from '../../bytes/index.ts';
import { isWaxsealError, WaxsealError } from '../../errors/index.ts';
import { syncFolder, withFolderLock } from '../../files/index.ts';
import { coveredVersions, MAX_BACKUP_BYTES, openBackup, type OpenedBackup } from './backup-file.ts';
import { damaged } from './damage.ts';
import { seenByAll } from './folder-stamp.ts';
import {
  headerBytes,
  KEYRING_FILE,
  type KeyringHeader,
  KEYS_FOLDER,
  makeHeader,
  openHeader,
  readHeader,
} from './keyring-file.ts';
import { readLastBackup, writeLastBackup } from './last-backup.ts';
import { checkedSettings, type KeyringOptions, keyringExists } from './open-keyring.ts';
import { checkPrivateFolder, makePrivateFolder, readPrivateFile, writePrivateFile } from './private-files.ts';
import { serializeRecord } from './record.ts';
import { planRestore, type RestorePlan } from './restore-plan.ts';
import { assertUnlock, type Unlock } from './unlock.ts';

/** What a restore did. */
export interface RestoreReport {
  /** Id of the keyring, 32 hexadecimal digits. */
  readonly id: string;
  /** Where the keyring is now. */
  readonly folder: string;
  /** When the backup was made: what was created or rotated later is not in it. */
  readonly backupMade: Date;
  /** Files that were added, relative to the folder. */
  readonly added: readonly string[];
  /** Damaged files that were renamed to make room, by their new names. */
  readonly setAside: readonly string[];
}

/**
 * Restores a keyring from a backup. Where there is none the whole keyring is built, unlocked by `unlock`. Where the same
 * keyring is, what is missing or damaged is put back; `unlock` has to open it, and nothing that is intact is touched.
 *
 * keyring.json comes last: until it is there, no keyring is there, and the same call completes what was interrupted.
 *
 * @throws WaxsealError `ERR_KEY_EXISTS` when another keyring is there or the two went different ways,
 * `ERR_WRONG_PASSPHRASE`, `ERR_KEYRING_DAMAGED` (the backup), `ERR_FILE_NOT_FOUND`
 */
export async function restoreLocalKeyring(
  backupPath: string,
  folder: string,
  backupPassphrase: string | Uint8Array,
  unlock: Unlock,
  options: KeyringOptions = {},
): Promise<RestoreReport> {
  const settings = checkedSettings('restoreLocalKeyring', options);
  assertUnlock(unlock, 'restoreLocalKeyring');
  assertUnlock({ passphrase: backupPassphrase }, 'restoreLocalKeyring');
  const bytes = await readPrivateFile(backupPath, { maxBytes: MAX_BACKUP_BYTES, followLinks: true, private: false });
  if (bytes === undefined) {
    throw new WaxsealError('ERR_FILE_NOT_FOUND', `there is no backup ${backupPath}`, { object: backupPath });
  }
  const backup = await openBackup(bytes, backupPath, { passphrase: backupPassphrase });
  try {
    const root = resolve(folder);
    // Refused before anything is made, also the lock file.
    if (await checkPrivateFolder(root)) await findIntactHeader(root, backup);
    await makePrivateFolder(root);
    return await withFolderLock(root, {}, async () => {
      const header = await findIntactHeader(root, backup);
      if (header !== undefined) await assertSameRing(root, header, backup, unlock);
      const plan = await planRestore(root, backup, header !== undefined);
      const done = await carryOut(root, plan);
      if (header === undefined) {
        const record = await makeHeader(
          backup.secrets,
          backup.ringCreated,
          unlock,
          settings.scrypt,
          join(root, KEYRING_FILE),
        );
        const aside = await setAside(join(root, KEYRING_FILE));
        if (aside !== undefined) done.setAside.push(aside);
        await writePrivateFile(join(root, KEYRING_FILE), headerBytes(record), { overwrite: false });
        done.added.push(KEYRING_FILE);
        await syncFolder(join(root, '..'));
      }
      await noteBackup(root, backup);
      return { id: toHex(backup.secrets.id), folder: root, backupMade: backup.at, ...done };
    });
  } finally {
    backup.secrets.close();
  }
}

/** keyring.json of the same keyring; undefined when it is missing or damaged. @throws WaxsealError `ERR_KEY_EXISTS` */
async function findIntactHeader(root: string, backup: OpenedBackup): Promise<KeyringHeader | undefined> {
  let header: KeyringHeader | undefined;
  try {
    header = await readHeader(root);
  } catch (error) {
    if (!isWaxsealError(error, 'ERR_KEYRING_DAMAGED')) throw error;
    return undefined;
  }
  if (header !== undefined && Buffer.compare(header.id, backup.secrets.id) !== 0) throw keyringExists(root);
  return header;
}

async function assertSameRing(
  root: string,
  header: KeyringHeader,
  backup: OpenedBackup,
  unlock: Unlock,
): Promise<void> {
  const path = join(root, KEYRING_FILE);
  const there = await openHeader(header, unlock, path);
  const same = there.sameAs(backup.secrets);
  there.close();
  if (!same) throw damaged(path, 'it holds another master key than the backup of the same keyring');
}

async function carryOut(root: string, plan: RestorePlan): Promise<{ added: string[]; setAside: string[] }> {
  const done = { added: [] as string[], setAside: [] as string[] };
  await makePrivateFolder(join(root, KEYS_FOLDER));
  for (const { entry, damaged: isDamaged } of plan) {
    const path = join(root, ...entry.path);
    const folder = dirname(path);
    // The folder above first, for its own permissions and name.
    for (const needed of [dirname(folder), folder]) await makePrivateFolder(needed);
    await syncFolder(dirname(folder));
    if (isDamaged) {
      const aside = await setAside(path);
      if (aside !== undefined) done.setAside.push(aside);
    }
    await writePrivateFile(path, serializeRecord(entry.json), { overwrite: false });
    done.added.push(join(...entry.path));
  }
  await syncFolder(root);
  await seenByAll(root);
  return done;
}

/** Renames what is damaged: nobody but its owner should delete it. */
async function setAside(path: string): Promise<string | undefined> {
  const aside = `${path}.damaged-${String(Date.now())}`;
  try {
    await rename(path, aside);
    return aside;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The backup is known to exist: a restored keyring starts with that knowledge. */
async function noteBackup(root: string, backup: OpenedBackup): Promise<void> {
  const known = await readLastBackup(root, backup.secrets).catch(() => undefined);
  if (known !== undefined && known.at >= backup.at) return;
  const versions = coveredVersions(backup.entries.map(({ record }) => record));
  await writeLastBackup(root, backup.secrets, { at: backup.at, versions });
}
