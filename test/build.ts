import { execFileSync } from 'node:child_process';
import { chmodSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');

/** Builds `dist` when a source is newer. */
export function buildIfStale(): void {
  if (
    newest(join(ROOT, 'dist')) >
    Math.max(
      newest(join(ROOT, 'src')),
      newest(join(ROOT, 'providers')),
      statSync(join(ROOT, 'tsconfig.build.json')).mtimeMs,
    )
  ) {
    return;
  }
  execFileSync(
    process.execPath,
    [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', join(ROOT, 'tsconfig.build.json')],
    {
      stdio: 'inherit',
    },
  );
  chmodSync(join(ROOT, 'dist/src/cli/bin.js'), 0o755);
}

function newest(folder: string): number {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .reduce((latest, entry) => Math.max(latest, statSync(join(entry.parentPath, entry.name)).mtimeMs), 0);
  } catch {
    return 0;
  }
}
