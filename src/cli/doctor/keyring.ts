import { lstat, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readKeyringInfo } from '../../keys/local/index.ts';
import { KEYRING_FILE } from '../../keys/local/keyring-file.ts';
import { isWaxsealError } from '../../errors/index.ts';
import { count } from '../output.ts';
import type { Examination } from './examination.ts';
import { failed, type Finding, mend } from './finding.ts';
import { stored } from './home.ts';
import { OTHERS, type Place, tighten, walk } from './private.ts';
import { bits, listed, word } from './wording.ts';

/** What cannot be undone by taking the permissions away. */
export const IF_OTHERS_HAD_ACCESS = 'if others had access, rotate the keys and seal anew';

/** The keyring as it lies on disk: that it is there, that it is its owner's alone, and what it shows when locked. */
export async function checkKeyring(examination: Examination): Promise<Finding[]> {
  const folder = await examination.keyringFolder();
  if (folder === undefined) {
    const message = 'not looked at: the configuration, which may name its folder, cannot be used';
    return [{ check: 'keyring', status: 'info', message, next: 'put the configuration right first' }];
  }
  const there = await stat(folder).catch(() => undefined);
  const findings: Finding[] = [];
  if (there?.isDirectory() === true) {
    findings.push(
      ...(await closed(folder, examination.fix).catch((error: unknown) => [failed('keyring-permissions', error)])),
    );
    if (dirname(folder) !== examination.home) findings.push(await stored('keyring-file-system', folder));
  }
  // Last: the mending above decides whether it can be read.
  const shown = await readable(
    examination,
    folder,
    findings.some(({ status }) => status === 'problem'),
  );
  return [shown, ...findings];
}

/** @param told whether its permissions are a finding already */
async function readable(examination: Examination, folder: string, told: boolean): Promise<Finding> {
  const check = 'keyring';
  try {
    const { names, unlock } = await readKeyringInfo(folder);
    const by = unlock === 'key-file' ? 'a key file' : 'a passphrase';
    return { check, status: 'ok', message: `${folder} holds ${count(names.length, 'key')} and is unlocked by ${by}` };
  } catch (error) {
    if (isWaxsealError(error, 'ERR_KEYRING_PERMISSIONS') && told) {
      return { check, status: 'info', message: 'not read, because of its permissions' };
    }
    if (!isWaxsealError(error, 'ERR_KEYRING_NOT_FOUND')) return failed(check, error);
    return {
      check,
      status: 'problem',
      message: `there is no keyring in ${folder}: nothing can be sealed or opened`,
      next: `${examination.command('init')} # or, when there was one: ${examination.command('key restore FILE')}`,
    };
  }
}

async function closed(folder: string, fix: boolean): Promise<Finding[]> {
  const check = 'keyring-permissions';
  const root = await realpath(folder);
  // A folder that is none, named by mistake, is nobody's to close.
  if ((await lstat(join(root, KEYRING_FILE)).catch(() => undefined))?.isFile() !== true) return [];
  const places = await walk(root);
  const findings: Finding[] = [];
  const loose = places.filter(({ kind, mode }) => kind !== 'link' && (mode & OTHERS) !== 0);
  if (loose.length > 0) {
    const what = listed(loose.map(({ path, mode }) => `${path} (mode ${bits(mode)})`));
    const finding: Finding = {
      check,
      status: 'problem',
      message: `others may use the keyring, so that every command refuses it: ${what}`,
      next: `chmod -R go-rwx ${word(folder)} # and ${IF_OTHERS_HAD_ACCESS}`,
    };
    const work = async (): Promise<void> => {
      for (const place of loose) if (place.kind !== 'other') await tighten(place.path, place);
    };
    const after = { status: 'warning', message: `others could use ${what}`, next: IF_OTHERS_HAD_ACCESS } as const;
    findings.push(await mend(fix, finding, { work, after }));
  }
  findings.push(...foreign(check, folder, places), ...links(check, places));
  if (findings.length > 0) return findings;
  return [{ check, status: 'ok', message: 'nobody else can use the keyring' }];
}

/** Files of somebody else, as a command leaves them that was run with sudo in the home of a user. */
function foreign(check: string, folder: string, places: readonly Place[]): Finding[] {
  const user = process.geteuid?.();
  if (user === undefined) return [];
  const owner = user === 0 ? (places[0]?.uid ?? user) : user;
  const others = places.filter(({ uid }) => uid !== owner);
  if (others.length === 0) return [];
  return [
    {
      check,
      status: 'problem',
      message: `files of the keyring do not belong to user ${String(owner)}, who cannot use it: ${listed(others.map(({ path, uid }) => `${path} (user ${String(uid)})`))}`,
      next: `sudo chown -R ${String(owner)} ${word(folder)}`,
    },
  ];
}

function links(check: string, places: readonly Place[]): Finding[] {
  const odd = places.filter(({ kind }) => kind === 'link' || kind === 'other');
  if (odd.length === 0) return [];
  const message = `a keyring has folders and regular files only, and these are none: ${listed(odd.map(({ path }) => path))}`;
  return [{ check, status: 'problem', message, next: 'find out who made them, and put the files themselves there' }];
}
