import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { execFileSync } from 'node:child_process';

export interface Runtime {
  readonly major: number;
  readonly path: string;
}

const EXTRA = [22, 24] as const;

function pathOf(major: number): string {
  return join(import.meta.dirname, `node_modules/node${String(major)}/bin/node`);
}

/** Every supported line of Node that is here: the development runtime always, the others where they were installed. */
export function runtimes(): Runtime[] {
  const own = { major: Number(process.versions.node.split('.')[0]), path: process.execPath };
  return [...EXTRA.map((major) => ({ major, path: pathOf(major) })).filter(({ path }) => existsSync(path)), own];
}

/** Supported lines that are not here. */
export function missingRuntimes(): number[] {
  return EXTRA.filter((major) => !existsSync(pathOf(major)));
}

/** A Node on PATH that is too old for waxseal, if the machine has one. */
export function oldRuntime(): Runtime | undefined {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, 'node');
    if (folder.includes('node_modules')) continue;
    try {
      accessSync(path, constants.X_OK);
      const major = Number(execFileSync(path, ['-p', 'process.versions.node.split(".")[0]'], { encoding: 'utf8' }));
      if (major < 22) return { major, path };
    } catch {
      continue;
    }
  }
  return undefined;
}
