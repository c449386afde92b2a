import { mkdir } from 'node:fs/promises';
import { createLocalKeyring, readKeyringInfo } from '../../keys/local/index.ts';
import { isWaxsealError, WaxsealError } from '../../errors/index.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit.ts';
import { askNewPassphrase, passphraseFromFile } from '../passphrase.ts';

export async function run(context: Context, _args: readonly string[], options: { keyFile?: boolean }): Promise<number> {
  const { out, home } = context;
  const folder = await context.keyringFolder();
  if (await exists(folder)) {
    throw new WaxsealError('ERR_KEY_EXISTS', `there is a keyring in ${home} already`, {
      object: folder,
      next: 'use it as it is, or name another home with --home',
    });
  }
  const file = context.passphraseFile();
  if (options.keyFile === true && file !== undefined) {
    throw new TypeError('init: --key-file and a passphrase file exclude each other');
  }
  const unlock =
    options.keyFile === true
      ? { keyFile: context.keyFile() }
      : {
          passphrase:
            file === undefined
              ? await askNewPassphrase('New passphrase for the keyring', context.signal)
              : await passphraseFromFile(file),
        };
  await mkdir(home, { recursive: true, mode: 0o700 });
  const ring = await createLocalKeyring(folder, unlock, { observe: context.observe });
  try {
    const key = await ring.create('default');
    out.results([
      { home, keyring: folder, unlock: options.keyFile === true ? 'key-file' : 'passphrase', key: key.uri },
    ]);
    out.say(`Created the keyring in ${home} with the key ${out.strong('local:default')}.`);
    if (options.keyFile === true)
      out.say(`It is unlocked by ${context.keyFile()}: whoever can read that file can use the keys.`);
    out.say();
    out.say(
      'If the keyring is lost, everything sealed under it is lost, for ever. Back it up now, and keep the copy elsewhere:',
    );
    out.say('  waxseal key backup -o keyring.backup');
    out.say();
    out.say('Then: waxseal seal FILE');
    return EXIT.done;
  } finally {
    ring.close();
  }
}

async function exists(folder: string): Promise<boolean> {
  try {
    await readKeyringInfo(folder);
    return true;
  } catch (error) {
    if (isWaxsealError(error, 'ERR_KEYRING_NOT_FOUND')) return false;
    throw error;
  }
}
