import { mkdir, rename, rm } from 'node:fs/promises';
import { isWaxsealError, WaxsealError } from '../../errors/index.ts';
import { syncFolder } from '../../files/index.ts';
import { readKeyringInfo, restoreLocalKeyring, type Unlock } from '../../keys/local/index.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit.ts';
import { count } from '../output.ts';
import { askNewPassphrase, askPassphrase, passphraseFromFile } from '../passphrase.ts';

export async function rotatePassphrase(
  context: Context,
  _args: readonly string[],
  options: { newPassphraseFile?: string; toKeyFile?: boolean },
): Promise<number> {
  const { out } = context;
  const ring = await context.ring();
  const { newPassphraseFile: file } = options;
  if (options.toKeyFile === true && file !== undefined) {
    throw new TypeError('rotate-passphrase: --to-key-file and --new-passphrase-file exclude each other');
  }
  if (options.toKeyFile === true) {
    // A fresh key under a second name first: the old one must work until the keyring is unlocked by the new one.
    const next = context.nextKeyFile();
    await rm(next, { force: true });
    await ring.changeUnlock({ keyFile: next });
    await rename(next, context.keyFile());
    await syncFolder(context.home);
  } else {
    const passphrase =
      file === undefined
        ? await askNewPassphrase('New passphrase', context.signal, '--new-passphrase-file')
        : await passphraseFromFile(file);
    await ring.changeUnlock({ passphrase });
    // It unlocks nothing any more, but it does unlock old copies.
    await rm(context.keyFile(), { force: true });
  }
  out.results([{ keyring: ring.folder, unlock: options.toKeyFile === true ? 'key-file' : 'passphrase' }]);
  out.say('The keyring is unlocked in the new way from now on. The keys are the same.');
  out.say('Copies and backups made before still open in the old way: make a new backup and destroy the old ones.');
  return EXIT.done;
}

export async function backup(
  context: Context,
  _args: readonly string[],
  options: { output: string; backupPassphraseFile?: string },
): Promise<number> {
  const { out } = context;
  const ring = await context.ring();
  const { backupPassphraseFile: file } = options;
  const passphrase =
    file === undefined
      ? await askNewPassphrase('Passphrase for the backup', context.signal, '--backup-passphrase-file')
      : await passphraseFromFile(file);
  const report = await ring.backup(options.output, passphrase).catch((error: unknown) => {
    if (!isWaxsealError(error, 'ERR_OUTPUT_EXISTS')) throw error;
    const next = 'choose another file: a backup never replaces one';
    throw new WaxsealError(error.code, error.message, { object: options.output, next, cause: error });
  });
  out.results([{ file: options.output, ...report }]);
  out.say(
    `Wrote ${out.strong(options.output)} and read it back. Keep it away from this machine, and its passphrase away from it.`,
  );
  out.say('It holds the versions that exist now: back up again after every rotation.');
  return EXIT.done;
}

export async function restore(
  context: Context,
  [path = '']: readonly string[],
  options: { backupPassphraseFile?: string; keyFile?: boolean },
): Promise<number> {
  const { out, home } = context;
  const folder = await context.keyringFolder();
  const { backupPassphraseFile: file } = options;
  const passphrase =
    file === undefined
      ? await askPassphrase('Passphrase of the backup', context.signal, '--backup-passphrase-file')
      : await passphraseFromFile(file);
  const existing = await readKeyringInfo(folder).catch(() => undefined);
  await mkdir(home, { recursive: true, mode: 0o700 });
  const unlock: Unlock =
    existing !== undefined
      ? await context.unlockWith(existing.unlock)
      : options.keyFile === true
        ? { keyFile: context.keyFile() }
        : { passphrase };
  const report = await restoreLocalKeyring(path, folder, passphrase, unlock);
  out.results([{ keyring: folder, ...report }]);
  const names = (await readKeyringInfo(folder)).names;
  out.say(
    `Restored the keyring in ${home}: ${count(names.length, 'key')} (${names.map((name) => `local:${name}`).join(', ')}).`,
  );
  if (existing === undefined && options.keyFile !== true)
    out.say('It is unlocked by the passphrase of the backup: waxseal key rotate-passphrase changes it.');
  return EXIT.done;
}
