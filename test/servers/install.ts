/**
 * Installs and builds every server that the provider tests talk to, into test/.cache/servers and by the system's package
 * manager: `npm run servers:install`. What cannot be had is told, and its tests are skipped; `--require-all` fails then.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CACHE } from './cache.ts';
import { hasGcpKms } from './gcp-kms.ts';
import { hasGraphene } from './graphene.ts';
import { hasMoto } from './moto.ts';
import { missingServers } from './missing.ts';
import { hasNss } from './nss.ts';
import { hasOpenBao } from './openbao.ts';
import { hasSoftHsm } from './softhsm.ts';

const HERE = import.meta.dirname;

function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}, cwd = HERE): boolean {
  const { status, error } = spawnSync(command, args, { cwd, stdio: 'inherit', env: { ...process.env, ...env } });
  if (error !== undefined) console.log(`${command}: ${error.message}`);
  return status === 0;
}

/** What a server is made from; another version is built again. */
function stampOf(...files: readonly string[]): string {
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(join(HERE, file)));
  return hash.digest('hex');
}

/** Runs `make` unless it was done for the same files before. */
function once(name: string, present: () => boolean, files: readonly string[], make: () => boolean): void {
  const stamp = join(CACHE, `${name}.stamp`);
  const wanted = stampOf(...files);
  if (present() && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  console.log(`installing ${name} …`);
  rmSync(stamp, { force: true });
  if (make()) writeFileSync(stamp, wanted);
}

mkdirSync(CACHE, { recursive: true });

once('moto', hasMoto, ['moto/requirements.txt'], () => {
  const folder = join(CACHE, 'moto');
  rmSync(folder, { recursive: true, force: true });
  return (
    run('python3', ['-m', 'venv', folder]) &&
    run(join(folder, 'bin/pip'), [
      'install',
      '--quiet',
      '--disable-pip-version-check',
      '-r',
      join(HERE, 'moto/requirements.txt'),
    ])
  );
});

once('openbao', hasOpenBao, ['openbao/go.mod', 'openbao/go.sum'], () =>
  // The module has replacements, so that `go install` refuses it: built from a module of ours that repeats them.
  run(
    'go',
    ['build', '-trimpath', '-ldflags', '-s -w', '-o', join(CACHE, 'bao'), 'github.com/openbao/openbao'],
    { GOFLAGS: '-mod=readonly', CGO_ENABLED: '0' },
    join(HERE, 'openbao'),
  ),
);

once('gcp-kms-emulator', hasGcpKms, ['gcp-kms/go.mod', 'gcp-kms/go.sum'], () =>
  run(
    'go',
    [
      ...['build', '-trimpath', '-ldflags', '-s -w', '-o', join(CACHE, 'gcp-kms-emulator')],
      'github.com/blackwell-systems/gcp-kms-emulator/cmd/server',
    ],
    { GOFLAGS: '-mod=readonly', CGO_ENABLED: '0' },
    join(HERE, 'gcp-kms'),
  ),
);

once('graphene-pk11', hasGraphene, ['pkcs11/package-lock.json'], () =>
  run('npm', ['ci', '--prefix', join(HERE, 'pkcs11'), '--no-audit', '--no-fund']),
);

if ((!hasSoftHsm() || !hasNss()) && process.getuid?.() === 0) {
  console.log('installing SoftHSM and NSS …');
  run('apt-get', ['update', '-qq']);
  run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'softhsm2', 'libnss3'], {
    DEBIAN_FRONTEND: 'noninteractive',
  });
}

const missing = missingServers();
for (const what of missing) console.log(`not here: ${what}`);
if (missing.length > 0 && process.argv.includes('--require-all')) process.exitCode = 1;
