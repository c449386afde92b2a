import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasGraphene } from './graphene.ts';

const SOFTHSM = ['/usr/lib/softhsm/libsofthsm2.so', '/usr/lib64/pkcs11/libsofthsm2.so'].find((path) =>
  existsSync(path),
);

/** Whether SoftHSM and the binding of PKCS#11 are there (`npm run servers:install`). */
export const hasSoftHsm = (): boolean => SOFTHSM !== undefined && hasGraphene();

/** A token of SoftHSM in a folder of its own. */
export interface SoftHsm {
  readonly library: string;
  readonly token: string;
  readonly pin: string;
  readonly soPin: string;
  /** What other processes need to see it. */
  readonly env: Readonly<Record<string, string>>;
  remove(): void;
}

/**
 * Makes a token. The library reads its configuration once in a process, so that a process has one folder of tokens; this
 * sets the environment of the process, too.
 */
export function makeSoftHsm(token = 'waxseal-test'): SoftHsm {
  if (SOFTHSM === undefined) throw new TypeError('SoftHSM is not installed');
  const folder = mkdtempSync(join(tmpdir(), 'waxseal-softhsm-'));
  const configuration = join(folder, 'softhsm2.conf');
  mkdirSync(join(folder, 'tokens'));
  writeFileSync(
    configuration,
    `directories.tokendir = ${join(folder, 'tokens')}\nobjectstore.backend = file\nlog.level = ERROR\n`,
  );
  const env = { SOFTHSM2_CONF: configuration };
  const [pin, soPin] = ['1234-of-the-test', '12345678'];
  execFileSync('softhsm2-util', ['--init-token', '--free', '--label', token, '--so-pin', soPin, '--pin', pin], {
    env: { ...process.env, ...env },
    stdio: 'ignore',
  });
  Object.assign(process.env, env);
  return { library: SOFTHSM, token, pin, soPin, env, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
