// Two of three people open together; one alone cannot. Then the three on machines of their own, with shares that travel.
import { writeFile } from 'node:fs/promises';
import {
  createLocalKeyring,
  exportShare,
  importShare,
  openObject,
  quorum,
  rewrap,
  sealFile,
  x25519KeyPair,
  x25519Recipient,
} from 'waxseal';
import './support/temporary-folder.ts';

const ring = await createLocalKeyring('keyring', { keyFile: 'keyring.key' });
for (const name of ['alice', 'bob', 'carol']) await ring.create(name);
const [alice, bob, carol] = [ring.key('alice'), ring.key('bob'), ring.key('carol')];

await writeFile('model.onnx', new Uint8Array(10_000));
await sealFile('model.onnx', 'model.wax', quorum(2, [alice, bob, carol]));

await openObject('model.wax', alice).catch((error: unknown) => {
  console.log('alice alone:', (error as { code: string }).code);
});
const together = await openObject('model.wax', [alice, carol]);
console.log('opened by', together.info.openedBy.custodians?.map(({ uri }) => uri).join(' and '));
await together.close();

// On machines of their own: whoever opens makes a key pair, and the custodians wrap their shares for it.
const opener = x25519KeyPair(crypto.getRandomValues(new Uint8Array(32)));
const sent = [alice, bob].map((key) => exportShare('model.wax', key, x25519Recipient(opener.uri)));
const shares = (await Promise.all(sent)).map((share) => importShare(share, opener));
const collected = await openObject('model.wax', shares);
console.log('opened with shares that were sent:', collected.size, 'bytes');
await collected.close();

// A custodian alone renews its own share; the others stay byte for byte.
await ring.rotate('bob');
const { entries } = await rewrap('model.wax', bob);
console.log(entries.map(({ uri, action }) => `${uri} ${action}`).join(', '));
ring.close();
