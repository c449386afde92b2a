import { lstat, realpath, stat } from 'node:fs/promises';
import { readKeyringInfo } from '../../keys/local/index.ts';
import type { Examination } from './examination.ts';
import { type Finding, mend } from './finding.ts';
import { IF_OTHERS_HAD_ACCESS } from './keyring.ts';
import { OTHERS, tighten } from './private.ts';
import { bits, word } from './wording.ts';

const CHECK = 'key-file';

/** The key file in the home, and the second one that a change of it leaves when it is interrupted. */
export async function checkKeyFile(examination: Examination): Promise<Finding[]> {
  const { context, fix } = examination;
  const findings: Finding[] = [];
  for (const path of [context.keyFile(), context.nextKeyFile()]) findings.push(...(await closed(path, fix)));
  return [...findings, ...(await useless(examination))];
}

async function closed(path: string, fix: boolean): Promise<Finding[]> {
  const link = await lstat(path).catch(() => undefined);
  if (link === undefined) return [];
  const { mode, uid } = await stat(path);
  const user = process.geteuid?.();
  if (user !== undefined && user !== 0 && uid !== user) {
    const message = `the key file ${path} belongs to user ${String(uid)}, not to you, and is refused`;
    return [{ check: CHECK, status: 'problem', message, next: `sudo chown ${String(user)} ${word(path)}` }];
  }
  if ((mode & OTHERS) === 0) return [{ check: CHECK, status: 'ok', message: `nobody else can read ${path}` }];
  const finding: Finding = {
    check: CHECK,
    status: 'problem',
    message: `others can use the key file ${path} (mode ${bits(mode)}), so that it is refused`,
    next: `chmod go-rwx ${word(await realpath(path))} # and ${IF_OTHERS_HAD_ACCESS}`,
  };
  // A secret that is mounted elsewhere belongs to whoever mounts it: told, and not touched.
  if (link.isSymbolicLink()) return [finding];
  const message = `others could use the key file ${path} (mode ${bits(mode)})`;
  const after = { status: 'warning', message, next: IF_OTHERS_HAD_ACCESS } as const;
  return [await mend(fix, finding, { work: () => tighten(path, link), after })];
}

/** A key file beside a keyring that a passphrase unlocks. */
async function useless(examination: Examination): Promise<Finding[]> {
  const { context } = examination;
  const folder = await examination.keyringFolder();
  const info = folder === undefined ? undefined : await readKeyringInfo(folder).catch(() => undefined);
  if (info?.unlock !== 'passphrase') return [];
  const findings: Finding[] = [];
  for (const path of [context.keyFile(), context.nextKeyFile()]) {
    if ((await lstat(path).catch(() => undefined)) === undefined) continue;
    const message = `${path} does not unlock the keyring, which has a passphrase now; it may unlock old copies of it`;
    findings.push({ check: CHECK, status: 'warning', message, next: `rm ${word(path)}` });
  }
  return findings;
}
