import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { isWaxsealError } from '../../errors/index.ts';
import { LOCK_FILE, withFolderLock } from '../../files/index.ts';
import { count } from '../output.ts';
import type { Examination } from './examination.ts';
import { failed, type Finding } from './finding.ts';
import { writtenFolders } from './folders.ts';
import { word } from './wording.ts';

const CHECK = 'locks';

/** Lock files: that they are ours, and whether somebody holds one now. None is made here. */
export async function checkLocks(examination: Examination): Promise<Finding[]> {
  const findings: Finding[] = [];
  let free = 0;
  for (const folder of await writtenFolders(examination)) {
    const path = join(folder, LOCK_FILE);
    const facts = await lstat(path).catch(() => undefined);
    if (facts === undefined) continue;
    if (!facts.isFile() || facts.size !== 0) {
      const message = `${path} is not a lock file of waxseal, which is empty: nothing is rewritten in place beside it`;
      const next = `mv ${word(path)} ${word(`${path}.moved`)} # when you know who made it`;
      findings.push({ check: CHECK, status: 'problem', message, next });
      continue;
    }
    const finding = await tryLock(folder);
    if (finding === undefined) free++;
    else findings.push(finding);
  }
  if (findings.length > 0) return findings;
  const message = free === 0 ? 'no lock files' : `${count(free, 'lock file')}, held by nobody`;
  return [{ check: CHECK, status: 'ok', message }];
}

async function tryLock(folder: string): Promise<Finding | undefined> {
  try {
    await withFolderLock(folder, { timeoutMs: 0 }, () => Promise.resolve());
    return undefined;
  } catch (error) {
    if (isWaxsealError(error, 'ERR_BUSY')) {
      const message = `the lock of ${folder} is held by a process that is at work; this is normal while it runs`;
      return {
        check: CHECK,
        status: 'info',
        message,
        next: `fuser -v ${word(join(folder, LOCK_FILE))} # shows which one`,
      };
    }
    if (isWaxsealError(error, 'ERR_NOT_WRITABLE')) {
      const message = `the lock of ${folder} cannot be tried: you may not write there`;
      return { check: CHECK, status: 'info', message, next: 'run doctor as the owner of the folder' };
    }
    return failed(CHECK, error);
  }
}
