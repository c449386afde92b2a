import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

/**
 * Makes a folder in which the built package can be used as its user would: `waxseal` and `node` on PATH, and
 * `import 'waxseal'` found.
 *
 * @returns the environment for child processes
 */
export async function installInto(folder: string): Promise<NodeJS.ProcessEnv> {
  const bin = join(folder, '.bin');
  await mkdir(bin, { recursive: true });
  await mkdir(join(folder, 'node_modules/waxseal'), { recursive: true });
  const cli = join(ROOT, 'dist/src/cli/bin.js');
  await writeFile(join(bin, 'waxseal'), `#!/bin/sh\nexec "${process.execPath}" "${cli}" "$@"\n`, { mode: 0o755 });
  await writeFile(join(bin, 'node'), `#!/bin/sh\nexec "${process.execPath}" "$@"\n`, { mode: 0o755 });
  const entries = {
    '.': 'src/index',
    './floe': 'src/crypto/floe/index',
    './testing': 'src/testing/index',
    './aws-kms': 'providers/aws-kms/index',
    './gcp-kms': 'providers/gcp-kms/index',
    './vault-transit': 'providers/vault-transit/index',
    './pkcs11': 'providers/pkcs11/index',
  };
  const exports = Object.fromEntries(
    Object.entries(entries).map(([name, path]) => [name, `./${path.replaceAll('/', '-')}.js`]),
  );
  for (const path of Object.values(entries)) {
    const text = `export * from '${join(ROOT, 'dist', `${path}.js`)}';\n`;
    await writeFile(join(folder, 'node_modules/waxseal', `${path.replaceAll('/', '-')}.js`), text);
  }
  const manifest = { name: 'waxseal', type: 'module', exports };
  await writeFile(join(folder, 'node_modules/waxseal/package.json'), JSON.stringify(manifest));
  const { WAXSEAL_PASSPHRASE_FILE: _, ...environment } = process.env;
  return {
    ...environment,
    PATH: `${bin}:${process.env['PATH'] ?? ''}`,
    WAXSEAL_HOME: join(folder, 'home'),
    NO_COLOR: '1',
  };
}
