import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { readConfig } from '../config.ts';
import type { Examination } from './examination.ts';
import { failed, type Finding } from './finding.ts';
import { word } from './wording.ts';

const CHECK = 'configuration';

/** The configuration files of working folder and home; the first one that is there is the one that counts. */
export async function checkConfiguration({ home }: Examination): Promise<Finding[]> {
  const findings: Finding[] = [];
  let used: string | undefined;
  for (const folder of new Set([process.cwd(), home])) {
    findings.push(...(await misnamed(folder)));
    try {
      const { file } = await readConfig([folder]);
      if (file === undefined) continue;
      const message = used === undefined ? `${file} is good` : `${file} is good, but ${used} is used in its place`;
      findings.push({ check: CHECK, status: used === undefined ? 'ok' : 'info', message });
      used ??= file;
    } catch (error) {
      findings.push(failed(CHECK, error));
      used ??= `the one in ${folder}`;
    }
  }
  if (findings.length > 0) return findings;
  return [{ check: CHECK, status: 'ok', message: 'there is no configuration file, and none is needed' }];
}

/** Everybody else reads both endings. */
async function misnamed(folder: string): Promise<Finding[]> {
  const file = join(folder, 'waxseal.config.yml');
  const there = await access(file).then(
    () => true,
    () => false,
  );
  if (!there) return [];
  const right = join(folder, 'waxseal.config.yaml');
  const message = `${file} is not read: the name is waxseal.config.yaml`;
  return [{ check: CHECK, status: 'warning', message, next: `mv ${word(file)} ${word(right)}` }];
}
