/** Run by permissions.test.ts as an ordinary user, because root is refused nothing. */
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { WaxsealError } from '../../../src/errors/index.ts';
import { createLocalKeyring, openLocalKeyring } from '../../../src/keys/local/index.ts';

const [base = '', mode] = process.argv.slice(2);
const folder = join(base, 'ring');
const unlock = { keyFile: join(base, 'unlock.key') };
const secret = new Uint8Array(32);
const bind = new Uint8Array(32);

const report = (line: unknown): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`);
};

async function tryStep(step: string, work: () => Promise<unknown>, withNext = false): Promise<void> {
  try {
    await work();
    report({ step, code: 'none' });
  } catch (error) {
    if (!(error instanceof WaxsealError)) throw error;
    report({ step, code: error.code, ...(withNext ? { next: error.next } : {}) });
  }
}

if (mode === 'foreign') {
  await tryStep('foreign', () => openLocalKeyring(folder, unlock), true);
} else {
  const ring = await createLocalKeyring(folder, unlock);
  await ring.create('default');
  const key = ring.key('default');
  const wrapped = await key.wrap(secret, bind);
  if (mode === 'use') {
    await ring.rotate('default');
    await ring.backup(join(base, 'backup'), 'x');
    await (await openLocalKeyring(folder, unlock)).key('default').unwrap(wrapped, bind);
    report('used');
  } else {
    await chmod(join(folder, 'keyring.json'), 0);
    await tryStep('unreadable keyring.json', () => openLocalKeyring(folder, unlock));
    await chmod(join(folder, 'keyring.json'), 0o600);
    await chmod(join(folder, 'keys'), 0o500);
    await tryStep('create in a folder without write permission', () => ring.create('other'));
    await chmod(join(folder, 'keys', 'default'), 0o500);
    const reopened = await openLocalKeyring(folder, unlock);
    await tryStep('unwrap in a read-only folder', () => reopened.key('default').unwrap(wrapped, bind));
    await tryStep('rotate in a read-only folder', () => reopened.rotate('default'));
    await chmod(join(folder, 'keys', 'default'), 0o700);
    await chmod(join(folder, 'keys'), 0o700);
  }
}
