/** Run by memory.test.ts: uses a keyring, holds still, closes it, holds still again. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fromBase64Url } from '../../../src/bytes/index.ts';
import { zero } from '../../../src/crypto/secrets.ts';
import { openLocalKeyring } from '../../../src/keys/local/index.ts';

const [folder = '', keyFile = '', version = '', wrap = '', bind = ''] = process.argv.slice(2);
const bytes = (text: string): Uint8Array => fromBase64Url(text) ?? new Uint8Array();
const say = (line: string): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

const ring = await openLocalKeyring(folder, { keyFile });
const key = ring.key('default');
const binding = bytes(bind);
const { secret } = await key.unwrap({ uri: 'local:default', version, algorithm: 1, wrap: bytes(wrap) }, binding);
for (let round = 0; round < 50; round++) {
  const again = await key.wrap(secret, binding);
  zero((await key.unwrap(again, binding)).secret);
}
say('open');
await once(process.stdin, 'data');
zero(secret);
ring.close();
// The collector frees what OpenSSL's HMAC contexts still hold.
for (let round = 0; round < 5; round++) {
  globalThis.gc?.();
  await sleep(20);
}
say('closed');
await once(process.stdin, 'end');
