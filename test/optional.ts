import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { hasAwsEncryptionSdk, INSTALL_PEERS } from './bench/peers/peers.ts';
import { missingShells } from './cli/support/shells.ts';
import { hasStryker, INSTALL_STRYKER } from './mutation/stryker.ts';
import { missingServers } from './servers/missing.ts';
import { missingRuntimes } from './runtimes/runtimes.ts';

/** Interpreter of the second reader, with the packages that it needs, where CI or a developer has made it. */
const SECOND_READER_PYTHON = join(import.meta.dirname, '.cache/venv/bin/python');

/** What some suites need beyond Node and npm and this machine does not have, with the command that brings it. */
export function missingOptionals(): string[] {
  const missing = missingRuntimes().map((major) => `Node ${String(major)} (npm ci --prefix test/runtimes)`);
  if (!existsSync(SECOND_READER_PYTHON)) {
    missing.push(
      'Python for the second reader (python3 -m venv test/.cache/venv && test/.cache/venv/bin/pip install -r test/second-reader/requirements.txt)',
    );
  }
  missing.push(...missingServers());
  if (!hasAwsEncryptionSdk())
    missing.push(`AWS Encryption SDK, to compare the speed of small objects (${INSTALL_PEERS})`);
  if (!hasStryker()) missing.push(`Stryker, for the mutation testing of the long tier (${INSTALL_STRYKER})`);
  for (const shell of missingShells()) missing.push(`${shell}, to try its completion (apt-get install ${shell})`);
  if (process.getuid?.() !== 0)
    missing.push('root, to mount the small disk of the disk-full test and to drop privileges');
  return missing;
}
