/** Run by processes.test.ts: makes a key or a keyring, and says what came of it. */
import { WaxsealError } from '../../../src/errors/index.ts';
import { createLocalKeyring, openLocalKeyring } from '../../../src/keys/local/index.ts';

const [what, folder = '', keyFile = ''] = process.argv.slice(2);
try {
  if (what === 'ring') await createLocalKeyring(folder, { keyFile });
  else await (await openLocalKeyring(folder, { keyFile })).create('shared');
  process.stdout.write('"made"\n');
} catch (error) {
  if (!(error instanceof WaxsealError)) throw error;
  process.stdout.write(`${JSON.stringify(error.code)}\n`);
}
