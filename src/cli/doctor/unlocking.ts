import { lstat, rename } from 'node:fs/promises';
import { isWaxsealError } from '../../errors/index.ts';
import { syncFolder } from '../../files/index.ts';
import { openLocalKeyring, readKeyringInfo } from '../../keys/local/index.ts';
import { passphraseFromFile } from '../passphrase.ts';
import type { Examination } from './examination.ts';
import { failed, type Finding, mend } from './finding.ts';
import { word } from './wording.ts';

const CHECK = 'unlock';

/** Unlocks the keyring where that asks nobody anything, and leaves it to the checks that follow. */
export async function checkUnlocking(examination: Examination): Promise<Finding[]> {
  const folder = await examination.keyringFolder();
  const info = folder === undefined ? undefined : await readKeyringInfo(folder).catch(() => undefined);
  // Told by the check of the keyring already.
  if (info === undefined) return [];
  if (info.unlock === 'key-file') return byKeyFile(examination, info.folder);
  const file = examination.context.passphraseFile();
  if (file === undefined) {
    return [
      {
        check: CHECK,
        status: 'info',
        message: 'not unlocked: that takes the passphrase, and doctor asks nothing, so that the keys were not checked',
        next: `${examination.command('doctor --passphrase-file FILE')} # or set WAXSEAL_PASSPHRASE_FILE`,
      },
    ];
  }
  try {
    examination.ring = await openLocalKeyring(info.folder, { passphrase: await passphraseFromFile(file) });
  } catch (error) {
    return [failed(CHECK, error)];
  }
  return [{ check: CHECK, status: 'ok', message: `the passphrase in ${file} unlocks the keyring` }];
}

async function byKeyFile(examination: Examination, folder: string): Promise<Finding[]> {
  const { context, fix } = examination;
  const [file, next] = [context.keyFile(), context.nextKeyFile()];
  const second = (await lstat(next).catch(() => undefined)) !== undefined;
  try {
    examination.ring = await openLocalKeyring(folder, { keyFile: file });
  } catch (error) {
    const missing = isWaxsealError(error, 'ERR_FILE_NOT_FOUND');
    if (!missing && !isWaxsealError(error, 'ERR_WRONG_PASSPHRASE')) return [failed(CHECK, error)];
    examination.ring = second ? await openLocalKeyring(folder, { keyFile: next }).catch(() => undefined) : undefined;
    if (examination.ring === undefined) {
      const remedy = `${examination.command('key restore FILE')} # from the backup, unless you can put the right key file back`;
      return [{ ...failed(CHECK, error), next: remedy }];
    }
    const finding: Finding = {
      check: CHECK,
      status: 'problem',
      message: `a change of the key file was interrupted: ${next} unlocks the keyring, ${file} ${missing ? 'is missing' : 'does not'}`,
      next: `mv ${word(next)} ${word(file)}`,
    };
    const work = async (): Promise<void> => {
      await rename(next, file);
      await syncFolder(examination.home);
    };
    const message = `the interrupted change of the key file is finished: ${file} unlocks the keyring`;
    return [await mend(fix, finding, { work, after: { status: 'info', message } })];
  }
  const findings: Finding[] = [{ check: CHECK, status: 'ok', message: `${file} unlocks the keyring` }];
  if (second) {
    const message = `${next} is left of a change of the key file that never took effect; it unlocks nothing`;
    findings.push({ check: CHECK, status: 'info', message, next: `rm ${word(next)}` });
  }
  return findings;
}
