import { readFileSync } from 'node:fs';
import { WaxsealError } from '../../errors/index.ts';

/** The version of the package. */
export function version(): string {
  // Three folders up in the sources, four in the built package: the nearest package.json of ours counts.
  for (const up of ['../../../package.json', '../../../../package.json']) {
    try {
      const { name, version: found } = JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8')) as Record<
        string,
        string
      >;
      if (name === 'waxseal' && found !== undefined) return found;
    } catch {
      continue;
    }
  }
  throw new WaxsealError('ERR_INTERNAL', 'the package of waxseal is incomplete: package.json is missing');
}
