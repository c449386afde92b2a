import { open, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describeError } from '../output.ts';
import { temporaryName } from '../../files/index.ts';
import { newestRecordTime } from '../../keys/local/newest-record.ts';
import type { Examination } from './examination.ts';
import type { Finding } from './finding.ts';

const CHECK = 'clock';
const TOLERANCE_MS = 2000;

/** The day of this release, set together with the version: no right clock is before it. */
export const RELEASED = new Date('2026-11-23T00:00:00Z');

/**
 * The clock: sealing, rotating and backing up write times that schedules are reckoned from. It is compared with what
 * cannot lie in the future, and with the clock of the file system, which is another one when a server holds the disk.
 */
export async function checkClock(examination: Examination): Promise<Finding[]> {
  const findings: Finding[] = [];
  const now = new Date();
  const next = 'timedatectl set-ntp true # or set the clock by hand';
  if (now < RELEASED) {
    const message = `the clock says ${now.toISOString()}, which is before this waxseal was released`;
    findings.push({ check: CHECK, status: 'problem', message, next });
  }
  const keyring = await examination.keyringFolder();
  const newest = keyring === undefined ? undefined : await newestRecordTime(keyring).catch(() => undefined);
  if (newest !== undefined && now.getTime() + TOLERANCE_MS < newest.getTime()) {
    const message = `the clock says ${now.toISOString()}, and the newest record of the keyring was written at ${newest.toISOString()}`;
    findings.push({ check: CHECK, status: 'problem', message, next });
  }
  findings.push(...(await againstFileSystem(examination.home, next)));
  if (findings.length > 0) return findings;
  return [{ check: CHECK, status: 'ok', message: `${now.toISOString()} agrees with the keyring and the file system` }];
}

async function againstFileSystem(home: string, next: string): Promise<Finding[]> {
  if ((await stat(home).catch(() => undefined))?.isDirectory() !== true) return [];
  const path = join(home, temporaryName());
  const before = Date.now();
  let written: number;
  try {
    const handle = await open(path, 'wx', 0o600);
    try {
      written = (await handle.stat()).mtimeMs;
    } finally {
      await handle.close();
      await unlink(path);
    }
  } catch (error) {
    const message = `not compared with the file system: ${describeError(error).message}`;
    return [{ check: CHECK, status: 'info', message }];
  }
  const after = Date.now();
  const offMs = written < before ? before - written : Math.max(0, written - after);
  if (offMs <= TOLERANCE_MS) return [];
  const message = `the clock and the clock of the file system of ${home} differ by ${(offMs / 1000).toFixed(1)} s`;
  return [{ check: CHECK, status: 'warning', message, next: `${next}, here or on the server that holds the disk` }];
}
