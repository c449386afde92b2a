import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

/** What an entry point of the built package costs. */
export interface ImportCost {
  /** Packages outside our own that were loaded, scopes included. */
  readonly packages: readonly string[];
  /** Modules loaded, ours and theirs. */
  readonly modules: number;
  /** Milliseconds of the import alone. */
  readonly ms: number;
}

/**
 * Imports an entry point of `dist` in a fresh process.
 *
 * @param then statement that runs after it, with the module as `m`
 */
export function importCost(entry: string, then = ''): ImportCost {
  const script = `
    import { registerHooks } from 'node:module';
    const urls = new Set();
    registerHooks({ load(url, context, next) { urls.add(url); return next(url, context); } });
    const started = performance.now();
    const m = await import(${JSON.stringify(entry)});
    ${then}
    const ms = performance.now() - started;
    const files = [...urls].filter((url) => url.startsWith('file:'));
    const packages = new Set(files.flatMap((url) => {
      const [, name] = /.*\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url) ?? [];
      return name === undefined ? [] : [name];
    }));
    console.log(JSON.stringify({ packages: [...packages].sort(), modules: files.length, ms }));
    process.exit(0);
  `;
  const out = execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd: ROOT, encoding: 'utf8' });
  return JSON.parse(out) as ImportCost;
}

/** An entry point of the built package. */
export const built = (path: string): string => join(ROOT, 'dist', path);
