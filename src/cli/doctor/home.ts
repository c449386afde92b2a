import type { Stats } from 'node:fs';
import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { systemCode } from '../../errors/index.ts';
import { networkFileSystem } from '../../files/index.ts';
import type { Examination } from './examination.ts';
import { type Finding, mend } from './finding.ts';
import { OTHERS, tighten } from './private.ts';
import { bits, word } from './wording.ts';

/** Permission bit of folders that everybody may write into. */
const STICKY = 0o1000;

/** The home: that it is there, whose it is, who may use it, and what kind of disk holds it. */
export async function checkHome(examination: Examination): Promise<Finding[]> {
  const { home } = examination;
  const link = await lstat(home).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return undefined;
    throw error;
  });
  if (link === undefined) {
    return [
      {
        check: 'home',
        status: 'warning',
        message: `there is no home folder ${home}`,
        next: `${examination.command('init')} # or name the right home with --home or WAXSEAL_HOME`,
      },
    ];
  }
  const facts = await stat(home);
  if (!facts.isDirectory()) {
    const next = `mv ${word(home)} ${word(`${home}.moved`)} # or name another home`;
    return [{ check: 'home', status: 'problem', message: `the home ${home} is not a folder`, next }];
  }
  return [
    ...(await placed(home, link)),
    owned(home, facts),
    ...(await permitted(examination, facts)),
    await stored('home-file-system', home),
  ];
}

async function placed(home: string, link: Stats): Promise<Finding[]> {
  if (!link.isSymbolicLink()) return [];
  const target = await realpath(home);
  const message = `the home ${home} is a symbolic link to ${target}: whoever can change the link chooses the keyring`;
  return [
    {
      check: 'home-link',
      status: 'info',
      message,
      next: `export WAXSEAL_HOME=${word(target)} # names the folder itself`,
    },
  ];
}

function owned(home: string, { uid }: Stats): Finding {
  const check = 'home';
  const user = process.geteuid?.();
  if (user === undefined || uid === user) return { check, status: 'ok', message: `${home} is yours` };
  if (user === 0) {
    return {
      check,
      status: 'warning',
      message: `the home ${home} belongs to user ${String(uid)}, and you are root: keys that root makes there are closed to that user`,
      next: `sudo -u '#${String(uid)}' waxseal --home ${word(home)} doctor # work as that user`,
    };
  }
  const message = `the home ${home} belongs to user ${String(uid)}, not to you (${String(user)})`;
  const next = `sudo chown -R ${String(user)} ${word(home)} # or name your own home with --home`;
  return { check, status: 'problem', message, next };
}

async function permitted({ home, fix }: Examination, facts: Stats): Promise<Finding[]> {
  const { mode } = facts;
  const check = 'home-permissions';
  const findings: Finding[] = [];
  if ((mode & OTHERS) !== 0) {
    const writable = (mode & 0o022) !== 0;
    const finding: Finding = {
      check,
      status: writable ? 'problem' : 'warning',
      message: `others can ${writable ? 'change what lies in' : 'look into'} the home ${home} (mode ${bits(mode)}, expected 700)`,
      next: `chmod go-rwx ${word(home)}`,
    };
    const after = { status: 'info', message: `others could use the home ${home} (mode ${bits(mode)})` } as const;
    const work = async (): Promise<void> => tighten(await realpath(home), facts);
    findings.push((await mayTighten(home, mode)) ? await mend(fix, finding, { work, after }) : finding);
  }
  if ((mode & 0o700) !== 0o700) {
    const message = `you cannot do everything in the home ${home} (mode ${bits(mode)}): keys are not made or rotated there`;
    findings.push({ check, status: 'warning', message, next: `chmod u+rwx ${word(home)}` });
  }
  if (findings.length > 0) return findings;
  return [{ check, status: 'ok', message: `nobody else can use the home (mode ${bits(mode)})` }];
}

/**
 * Whether a folder is a home and nothing else: a name that was mistyped, or a folder that everybody uses, such as /tmp,
 * must not be closed to others.
 */
async function mayTighten(home: string, mode: number): Promise<boolean> {
  if ((mode & STICKY) !== 0) return false;
  const names = await readdir(home);
  return names.some((name) => name === 'keyring' || name === 'keyring.key' || name.startsWith('waxseal.config.'));
}

/** Whether a folder of keys lies on a disk of this machine. */
export async function stored(check: string, folder: string): Promise<Finding> {
  const network = await networkFileSystem(folder);
  if (network === undefined) return { check, status: 'ok', message: `${folder} is on a local file system` };
  return {
    check,
    status: 'warning',
    message: `${folder} is on a network file system (${network}): others may read it on its server, and locks and writes promise less there`,
    next: 'move it to a disk of this machine, and name it with --home or WAXSEAL_HOME',
  };
}
