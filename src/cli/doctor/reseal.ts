import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Examination } from './examination.ts';
import type { Finding } from './finding.ts';
import { word } from './wording.ts';

const CHECK = 'reseal';
const ENDING = '.wax.next';

/** Detached objects whose reseal was interrupted: the new header waits beside the old one. */
export async function checkReseal(examination: Examination): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const folder of examination.folders) {
    const names = new Set(await readdir(folder));
    for (const name of names) {
      const header = name.slice(0, -'.next'.length);
      if (!name.endsWith(ENDING) || !names.has(header)) continue;
      const path = join(folder, header);
      const message = `a reseal of ${path} was interrupted, or is running: ${join(folder, name)} lies beside it`;
      findings.push({ check: CHECK, status: 'warning', message, next: examination.command(`repair ${word(path)}`) });
    }
  }
  if (findings.length > 0) return findings;
  return [{ check: CHECK, status: 'ok', message: 'no reseal was interrupted' }];
}
