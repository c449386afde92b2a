import { join } from 'node:path';
import { listTemporaries, removeStaleTemporaries, type TemporaryOwner } from '../../files/index.ts';
import { WaxsealError } from '../../errors/index.ts';
import { count } from '../output.ts';
import type { Examination } from './examination.ts';
import { type Finding, mend } from './finding.ts';
import { writtenFolders } from './folders.ts';
import { listed, word } from './wording.ts';

const CHECK = 'temporaries';

/** Temporary files: those of dead processes can go, all others are only told. */
export async function checkTemporaries(examination: Examination): Promise<Finding[]> {
  const folders = await writtenFolders(examination);
  const found: Record<TemporaryOwner, string[]> = { dead: [], living: [], elsewhere: [] };
  for (const folder of folders) {
    for (const { name, owner } of await listTemporaries(folder)) found[owner].push(join(folder, name));
  }
  const findings: Finding[] = [];
  const { dead, living, elsewhere } = found;
  if (dead.length > 0) {
    const message = `${count(dead.length, 'temporary file')} of processes that died: ${listed(dead)}`;
    const finding: Finding = { check: CHECK, status: 'warning', message, next: removal(dead) };
    const after = { status: 'info', message: `removed ${listed(dead)}` } as const;
    findings.push(await mend(examination.fix, finding, { work: () => remove(folders), after }));
  }
  if (living.length > 0) {
    const message = `${count(living.length, 'temporary file')} of processes that are at work: ${listed(living)}`;
    findings.push({ check: CHECK, status: 'info', message, next: 'nothing to do: they go when the work is done' });
  }
  if (elsewhere.length > 0) {
    const message = `${count(elsewhere.length, 'temporary file')} of another machine or container, or from before this one was restarted: ${listed(elsewhere)}`;
    const next = `${removal(elsewhere)} # if no other machine writes there`;
    findings.push({ check: CHECK, status: 'info', message, next });
  }
  if (findings.length > 0) return findings;
  return [{ check: CHECK, status: 'ok', message: `no temporary files in ${count(folders.length, 'folder')}` }];
}

function removal(paths: readonly string[]): string {
  return `rm -- ${paths.map(word).join(' ')}`;
}

async function remove(folders: readonly string[]): Promise<void> {
  for (const folder of folders) {
    await removeStaleTemporaries(folder);
    const left = (await listTemporaries(folder)).find(({ owner }) => owner === 'dead');
    if (left === undefined) continue;
    const path = join(folder, left.name);
    throw new WaxsealError('ERR_NOT_WRITABLE', `${path} could not be removed`, { object: path });
  }
}
