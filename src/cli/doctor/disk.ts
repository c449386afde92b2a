import { access, constants, stat, statfs } from 'node:fs/promises';
import { systemCode } from '../../errors/index.ts';
import { formatBytes } from '../output.ts';
import type { Examination } from './examination.ts';
import type { Finding } from './finding.ts';
import { word } from './wording.ts';

const CHECK = 'disk';
const GIB = 2 ** 30;
const MIB = 2 ** 20;
const LOW_BYTES = GIB;
const LOW_PART = 0.05;
const NEARLY_FULL_BYTES = 50 * MIB;

/** Room on a file system, for an ordinary user. A total of 0 means that it does not count. */
export interface Room {
  readonly freeBytes: number;
  readonly totalBytes: number;
  readonly freeInodes: number;
  readonly totalInodes: number;
}

/** Space and inodes of the file systems that hold home, keyring and the folders that were named; each told once. */
export async function checkDisk(examination: Examination): Promise<Finding[]> {
  const keyring = await examination.keyringFolder();
  const devices = new Set<number>();
  const findings: Finding[] = [];
  for (const folder of [examination.home, ...(keyring === undefined ? [] : [keyring]), ...examination.roots]) {
    const facts = await stat(folder).catch(() => undefined);
    if (facts === undefined || devices.has(facts.dev)) continue;
    devices.add(facts.dev);
    const { bsize, bavail, blocks, ffree, files } = await statfs(folder);
    const room = { freeBytes: bavail * bsize, totalBytes: blocks * bsize, freeInodes: ffree, totalInodes: files };
    findings.push(...((await readOnly(folder)) ?? judgeRoom(folder, room)));
  }
  return findings;
}

/** Nothing is written there: how full it is does not matter. */
async function readOnly(folder: string): Promise<Finding[] | undefined> {
  const code = await access(folder, constants.W_OK).then(() => undefined, systemCode);
  if (code !== 'EROFS') return undefined;
  const message = `${folder} is on a read-only file system: nothing is sealed, rotated or rewrapped there`;
  const next = `findmnt -T ${word(folder)} # and mount it for writing, unless that is on purpose`;
  return [{ check: CHECK, status: 'warning', message, next }];
}

/** What the room on the file system of `folder` means. */
export function judgeRoom(folder: string, { freeBytes, totalBytes, freeInodes, totalInodes }: Room): Finding[] {
  const findings: Finding[] = [];
  const next = `df -h ${word(folder)} # free space there, or work on another disk`;
  const free = `${formatBytes(freeBytes)} of ${formatBytes(totalBytes)} free`;
  if (totalBytes > 0 && freeBytes < NEARLY_FULL_BYTES) {
    const message = `the file system of ${folder} is full or nearly so (${free}): writing fails`;
    findings.push({ check: CHECK, status: 'problem', message, next });
  } else if (totalBytes > 0 && (freeBytes < LOW_BYTES || freeBytes / totalBytes < LOW_PART)) {
    findings.push({ check: CHECK, status: 'warning', message: `little room where ${folder} is: ${free}`, next });
  }
  const inodes = `df -i ${word(folder)} # remove files there, or work on another disk`;
  if (totalInodes > 0 && freeInodes === 0) {
    const message = `the file system of ${folder} has no inodes left: no file can be made`;
    findings.push({ check: CHECK, status: 'problem', message, next: inodes });
  } else if (totalInodes > 0 && freeInodes / totalInodes < LOW_PART) {
    const message = `few inodes where ${folder} is: ${String(freeInodes)} of ${String(totalInodes)} free`;
    findings.push({ check: CHECK, status: 'warning', message, next: inodes });
  }
  if (findings.length > 0) return findings;
  return [
    { check: CHECK, status: 'ok', message: totalBytes > 0 ? `${free} where ${folder} is` : `${folder}: no limits` },
  ];
}
